"""One container: the docker backend's `SandboxEnvironment`."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence

import docker
import docker.utils

from harness.errors import SandboxError, SandboxUnavailableError
from harness.models.sandbox import (
    ExecResult,
    SandboxSpec,
    SandboxState,
    SandboxStats,
    SandboxStatus,
    TerminalSize,
)
from harness.sandbox import remote_files
from harness.sandbox.engine import Engine
from harness.sandbox.exec_stream import ExecStream, start_exec
from harness.sandbox.protocol import DEFAULT_OUTPUT_LIMIT
from harness.sandbox.supervised import (
    PYTHON_FLAGS,
    SupervisedProcess,
    run_to_end,
)
from harness.sandbox.usage import open_descriptors, usage

_SUPERVISOR = [remote_files.PYTHON, *PYTHON_FLAGS, "/opt/harness/supervisor.pyc"]
"""As `sandboxes/base/Dockerfile` bakes it."""

_STATUSES = {
    "running": SandboxStatus.RUNNING,
    "restarting": SandboxStatus.RUNNING,
    "paused": SandboxStatus.PAUSED,
    "created": SandboxStatus.EXITED,
    "exited": SandboxStatus.EXITED,
    "dead": SandboxStatus.EXITED,
    "removing": SandboxStatus.GONE,
}
_RESTART_GRACE_SEC = 10
_GONE_SLUG = "sandbox-unavailable"
_REMOVALS = 6
_STILL_DYING = "did not receive an exit event"
"""What the engine (20.10) says of a killed container whose last process is not gone yet."""


class DockerSandbox:
    """A started container."""

    def __init__(self, engine: Engine, container_id: str, spec: SandboxSpec) -> None:
        self._engine = engine
        self._id = container_id
        self._spec = spec

    @property
    def id(self) -> str:
        return self._id

    @property
    def spec(self) -> SandboxSpec:
        return self._spec

    @property
    def _where(self) -> str:
        return f"container {self._id[:12]} ({self._spec.role} of {self._spec.owner})"

    async def open(
        self,
        argv: Sequence[str],
        *,
        timeout_sec: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        terminal: TerminalSize | None = None,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> SupervisedProcess:
        stream = await self._supervisor()
        try:
            return await SupervisedProcess.start(
                stream,
                argv,
                where=self._where,
                timeout_sec=timeout_sec,
                cwd=cwd or self._spec.workdir,
                env=env,
                terminal=terminal,
                output_limit=output_limit,
            )
        except SandboxUnavailableError as error:
            raise await self._explained(error, stream) from error

    async def exec(
        self,
        argv: Sequence[str],
        *,
        timeout_sec: float,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> ExecResult:
        opening = self.open(
            argv, timeout_sec=timeout_sec, cwd=cwd, env=env, output_limit=output_limit
        )
        return await run_to_end(opening, timeout_sec=timeout_sec, stdin=stdin, where=self._where)

    async def read_file(self, path: str, *, max_bytes: int = DEFAULT_OUTPUT_LIMIT) -> bytes:
        return await remote_files.read_file(self, path, max_bytes)

    async def write_file(self, path: str, data: bytes) -> None:
        await remote_files.write_file(self, path, data)

    async def state(self) -> SandboxState:
        try:
            answer = await self._engine.call(
                lambda api: api.inspect_container(self._id), f"inspect {self._where}"
            )
        except SandboxUnavailableError as error:
            if error.slug == _GONE_SLUG:
                return SandboxState(status=SandboxStatus.GONE)
            raise
        state = answer["State"]
        status = _STATUSES[state["Status"]]
        ended = status is SandboxStatus.EXITED
        return SandboxState(
            status=status,
            exit_code=state["ExitCode"] if ended else None,
            oom_killed=state["OOMKilled"],
        )

    async def stats(self) -> SandboxStats:
        return await self._engine.call(self._measured, f"measure {self._where}")

    async def logs(self, *, max_bytes: int = 64 * 1024) -> bytes:
        return await self._engine.call(
            lambda api: _tail(api, self._id, max_bytes), f"read the logs of {self._where}"
        )

    async def stop(self, *, grace_sec: float = 10.0) -> SandboxState:
        await self._engine.call(
            lambda api: api.stop(self._id, timeout=math.ceil(grace_sec)), f"stop {self._where}"
        )
        return await self.state()

    async def kill(self) -> SandboxState:
        state = await self.state()
        if state.status in (SandboxStatus.RUNNING, SandboxStatus.PAUSED):
            await self._engine.call(lambda api: _kill(api, self._id), f"kill {self._where}")
            state = await self.state()
        return state

    async def restart(self) -> None:
        await self._engine.call(
            lambda api: api.restart(self._id, timeout=_RESTART_GRACE_SEC), f"restart {self._where}"
        )

    async def pause(self) -> None:
        await self._engine.call(lambda api: api.pause(self._id), f"pause {self._where}")

    async def unpause(self) -> None:
        await self._engine.call(lambda api: api.unpause(self._id), f"unpause {self._where}")

    async def remove(self) -> None:
        await remove_container(self._engine, self._id)

    def address(self, port: int) -> str:
        return f"{self._spec.aliases[0] if self._spec.aliases else self._id[:12]}:{port}"

    async def _supervisor(self) -> ExecStream:
        def create(api: docker.APIClient) -> tuple[docker.APIClient, str]:
            # From "/", so that a candidate who deletes the working directory still gets a shell.
            made = api.exec_create(self._id, _SUPERVISOR, stdin=True, workdir="/")
            return api, str(made["Id"])

        what = f"start a process in {self._where}"
        api, exec_id = await self._engine.call(create, what)
        return await start_exec(api, self._engine.address, exec_id)

    async def _explained(
        self, error: SandboxUnavailableError, stream: ExecStream
    ) -> SandboxUnavailableError:
        """The same with the sandbox's state and the engine's own words."""
        state = await self.state()
        heard = f" It said: {stream.complaint}" if stream.complaint else ""
        return SandboxUnavailableError(
            f"{error.message} It is {state.status.value}.{heard}", remedy=error.remedy
        )

    def _measured(self, api: docker.APIClient) -> SandboxStats:
        answer = api.stats(self._id, stream=False, one_shot=True)
        pid = api.inspect_container(self._id)["State"]["Pid"]
        return usage(answer, open_descriptors(self._id, pid) if pid else None)


async def remove_container(engine: Engine, container_id: str) -> None:
    """Stop and delete a container with what is anonymous of it. Idempotent.

    A process that waits for a busy disk dies when the disk has answered, which can be later than
    the engine likes to wait (about 10 s): it is asked again, `_REMOVALS` times in all.
    """
    for left in reversed(range(_REMOVALS)):
        try:
            await engine.call(
                lambda api: api.remove_container(container_id, v=True, force=True),
                f"remove container '{container_id[:12]}'",
            )
        except SandboxUnavailableError as error:
            # Gone already, or another call is removing it right now.
            if error.slug == "engine-unreachable":
                raise
        except SandboxError as error:
            if left and _STILL_DYING in error.message:
                continue
            raise
        return


def _kill(api: docker.APIClient, container_id: str) -> None:
    api.kill(container_id)
    api.wait(container_id)


def _tail(api: docker.APIClient, container_id: str, max_bytes: int) -> bytes:
    kept: deque[bytes] = deque()
    size = 0
    # A line has at least one byte, so that many lines are always enough.
    for chunk in api.logs(container_id, stream=True, follow=False, tail=max_bytes):
        kept.append(chunk)
        size += len(chunk)
        while size - len(kept[0]) >= max_bytes:
            size -= len(kept.popleft())
    return b"".join(kept)[-max_bytes:] if max_bytes else b""
