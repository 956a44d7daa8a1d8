"""A sandbox without processes: real files, an honest state, scripted answers to commands.

    backend = FakeBackend(tmp_path)
    backend.answer(("pytest",), ExecResult(returncode=1, stdout=b"1 failed"))
    box = await backend.start(spec)
    assert (await box.exec(["pytest", "-q"], timeout_sec=5)).returncode == 1

It is verified: the self-check's groups in `CAPABILITIES` pass on it, so what it says
about files, states, volumes and objects is what the real backends say.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.errors import SandboxUnavailableError
from harness.models.sandbox import (
    ExecResult,
    ImageBuild,
    Network,
    OutputChunk,
    SandboxObject,
    SandboxSpec,
    SandboxState,
    SandboxStats,
    SandboxStatus,
    TerminalSize,
    Volume,
)
from harness.sandbox.process_files import MountedFiles
from harness.sandbox.process_record import path_map
from harness.sandbox.protocol import DEFAULT_OUTPUT_LIMIT, Progress
from harness.testing.sandbox_subject import Capability

CAPABILITIES: frozenset[Capability] = frozenset({"files", "lifecycle", "objects"})
"""The groups of the self-check that the fake passes."""

_KILLED = 137
_TERMINATED = 143


@dataclass(frozen=True)
class FakeCall:
    """One command as it was given to the fake."""

    sandbox: FakeSandbox
    argv: tuple[str, ...]
    stdin: bytes = b""
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_sec: float | None = None
    terminal: TerminalSize | None = None


Answer = ExecResult | Callable[[FakeCall], ExecResult]
"""What a command gives: a result, or a function of the call that may touch files."""


class FakeProcess:
    """A `SandboxProcess` that answers once its input has ended or it is read from."""

    def __init__(self, call: FakeCall, output_limit: int) -> None:
        self._call = call
        self._limit = output_limit
        self._stdin = bytearray()
        self._result: ExecResult | None = None
        self._streamed = False
        self.sizes: list[TerminalSize] = []
        """Every size it was resized to."""

    async def send(self, data: bytes) -> None:
        self._stdin += data

    async def close_stdin(self) -> None:
        self._answer()

    async def resize(self, size: TerminalSize) -> None:
        self.sizes.append(size)

    def output(self) -> AsyncIterator[OutputChunk]:
        if self._streamed:
            raise RuntimeError("output() may be called once")
        self._streamed = True
        return self._chunks()

    async def wait(self) -> ExecResult:
        result = self._answer()
        if self._streamed:
            return result.model_copy(update={"stdout": b"", "stderr": b""})
        return result

    async def kill(self) -> None:
        self._result = self._result or ExecResult(returncode=_KILLED)

    async def _chunks(self) -> AsyncIterator[OutputChunk]:
        result = self._answer()
        if result.stdout:
            yield OutputChunk(stream="stdout", data=result.stdout)
        if result.stderr:
            yield OutputChunk(stream="stderr", data=result.stderr)

    def _answer(self) -> ExecResult:
        if self._result is None:
            call = FakeCall(**{**vars(self._call), "stdin": bytes(self._stdin)})
            self._result = self._cut(self._call.sandbox.answer_to(call))
        return self._result

    def _cut(self, result: ExecResult) -> ExecResult:
        out = result.stdout[: self._limit]
        err = result.stderr[: self._limit - len(out)]
        cut = len(out) + len(err) < len(result.stdout) + len(result.stderr)
        return result.model_copy(
            update={"stdout": out, "stderr": err, "truncated": result.truncated or cut}
        )


class FakeSandbox:
    """A `SandboxEnvironment`: real files, scripted commands."""

    def __init__(self, backend: FakeBackend, sandbox_id: str, spec: SandboxSpec) -> None:
        self._backend = backend
        self._id = sandbox_id
        self._spec = spec
        self._folder = backend.folder / "sandboxes" / sandbox_id
        self._state = SandboxState(status=SandboxStatus.RUNNING)
        self._log = b""
        self._created_at = time.time()
        self.calls: list[FakeCall] = []
        """Every command it was given, in order."""
        self.stats_now = SandboxStats(memory_bytes=32 * 1024 * 1024, pids=1, fds=8)
        """What `stats` answers."""
        paths = path_map(spec, self._folder)
        for name in ("tmp", "work"):
            (self._folder / name).mkdir(parents=True)
        self._files = MountedFiles(paths, spec.workdir)

    @property
    def id(self) -> str:
        return self._id

    @property
    def spec(self) -> SandboxSpec:
        return self._spec

    async def open(
        self,
        argv: Sequence[str],
        *,
        timeout_sec: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        terminal: TerminalSize | None = None,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> FakeProcess:
        self._need(SandboxStatus.RUNNING)
        call = FakeCall(
            sandbox=self,
            argv=tuple(argv),
            cwd=cwd,
            env=dict(env or {}),
            timeout_sec=timeout_sec,
            terminal=terminal,
        )
        return FakeProcess(call, output_limit)

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
        process = await self.open(
            argv, timeout_sec=timeout_sec, cwd=cwd, env=env, output_limit=output_limit
        )
        await process.send(stdin)
        return await process.wait()

    async def read_file(self, path: str, *, max_bytes: int = 10 * 1024 * 1024) -> bytes:
        self._need()
        return self._files.read(path, max_bytes)

    async def write_file(self, path: str, data: bytes) -> None:
        self._need()
        self._files.write(path, data)

    async def state(self) -> SandboxState:
        return self._state

    async def stats(self) -> SandboxStats:
        self._need()
        return self.stats_now

    async def logs(self, *, max_bytes: int = 64 * 1024) -> bytes:
        self._need()
        return self._log[max(0, len(self._log) - max_bytes) :]

    async def stop(
        self,
        *,
        grace_sec: float = 10.0,  # noqa: ARG002 - the Protocol's; nothing here takes time
    ) -> SandboxState:
        self._need()
        return self._end(_TERMINATED)

    async def kill(self) -> SandboxState:
        self._need()
        return self._end(_KILLED)

    async def restart(self) -> None:
        self._need()
        self._state = SandboxState(status=SandboxStatus.RUNNING)

    async def pause(self) -> None:
        self._need(SandboxStatus.RUNNING)
        self._state = SandboxState(status=SandboxStatus.PAUSED)

    async def unpause(self) -> None:
        self._need(SandboxStatus.PAUSED)
        self._state = SandboxState(status=SandboxStatus.RUNNING)

    async def remove(self) -> None:
        self.vanish()
        shutil.rmtree(self._folder, ignore_errors=True)

    def address(self, port: int) -> str:
        return f"{self._spec.aliases[0] if self._spec.aliases else self._id}:{port}"

    # -- what a test says about it -----------------------------------------------------

    def finish(self, exit_code: int, *, oom_killed: bool = False) -> None:
        """The main process ends by itself."""
        self._end(exit_code, oom_killed=oom_killed)

    def vanish(self) -> None:
        """The sandbox is gone, as when the engine lost it; every call but `remove` says so."""
        self._state = SandboxState(status=SandboxStatus.GONE)
        self._backend.sandboxes.pop(self._id, None)

    def write_log(self, data: bytes) -> None:
        """The main process prints something."""
        limit = self._spec.limits.log_mb * 1024 * 1024
        self._log = (self._log + data)[-limit:]

    def answer_to(self, call: FakeCall) -> ExecResult:
        """Note a command and find its scripted answer.

        Raises:
            SandboxUnavailableError: The sandbox died under it.
        """
        self._need(SandboxStatus.RUNNING)
        self.calls.append(call)
        return self._backend.answer_to(call)

    def as_object(self) -> SandboxObject:
        """How the reaper sees it."""
        spec = self._spec
        return _object("container", self._id, spec.owner, self._created_at, spec.role)

    # -- inside ------------------------------------------------------------------------

    def _end(self, exit_code: int, *, oom_killed: bool = False) -> SandboxState:
        if self._state.status is not SandboxStatus.EXITED:
            self._state = SandboxState(
                status=SandboxStatus.EXITED, exit_code=exit_code, oom_killed=oom_killed
            )
        return self._state

    def _need(self, status: SandboxStatus | None = None) -> None:
        now = self._state.status
        if now is SandboxStatus.GONE or (status and now is not status):
            raise SandboxUnavailableError(f"Sandbox {self._id} is {now}.")


class FakeBackend:
    """A `SandboxBackend` in memory, with its files in a folder.

    Args:
        folder: Volumes and sandboxes lie in it; a test's temporary folder.
        isolates: What it claims to be.
    """

    def __init__(self, folder: Path, *, isolates: bool = True) -> None:
        self.folder = folder
        self.sandboxes: dict[str, FakeSandbox] = {}
        """Every sandbox there is, by id."""
        self.builds: list[ImageBuild] = []
        """Every image it was asked for."""
        self._isolates = isolates
        self._networks: dict[str, Network] = {}
        self._volumes: dict[str, Volume] = {}
        self._answers: list[tuple[tuple[str, ...], Answer]] = []

    @property
    def name(self) -> str:
        return "fake"

    @property
    def isolates(self) -> bool:
        return self._isolates

    def answer(self, prefix: Sequence[str], answer: Answer) -> None:
        """Script what commands that begin with `prefix` give; the latest that fits wins."""
        self._answers.insert(0, (tuple(prefix), answer))

    def answer_to(self, call: FakeCall) -> ExecResult:
        """The scripted answer; 127 as for a missing program when there is none."""
        for prefix, answer in self._answers:
            if call.argv[: len(prefix)] == prefix:
                return answer if isinstance(answer, ExecResult) else answer(call)
        return ExecResult(returncode=127, stderr=f"{call.argv[0]}: not scripted\n".encode())

    async def ensure_image(self, build: ImageBuild, *, progress: Progress | None = None) -> str:
        self.builds.append(build)
        if progress:
            progress(f"{build.name}: {build.role} image")
        return f"fake-{build.role}-{build.name}"

    async def create_network(self, owner: str, *, egress: bool = False) -> Network:  # noqa: ARG002 - nothing is sent here
        network = Network(id=_new_id("net"), owner=owner)
        self._networks[network.id] = network
        return network

    async def remove_network(self, network_id: str) -> None:
        self._networks.pop(network_id, None)

    async def create_volume(self, owner: str, size_mb: int) -> Volume:
        volume_id = _new_id("vol")
        path = self.folder / "volumes" / volume_id
        path.mkdir(parents=True)
        volume = Volume(id=volume_id, owner=owner, path=str(path), size_mb=size_mb, enforced=False)
        self._volumes[volume_id] = volume
        return volume

    async def volume(self, volume_id: str) -> Volume:
        if volume_id not in self._volumes:
            raise SandboxUnavailableError(f"Volume {volume_id} is gone.")
        return self._volumes[volume_id]

    async def remove_volume(self, volume_id: str) -> None:
        volume = self._volumes.pop(volume_id, None)
        if volume:
            shutil.rmtree(volume.path, ignore_errors=True)

    async def start(self, spec: SandboxSpec) -> FakeSandbox:
        box = FakeSandbox(self, _new_id(spec.role), spec)
        self.sandboxes[box.id] = box
        return box

    async def attach(self, sandbox_id: str) -> FakeSandbox:
        if sandbox_id not in self.sandboxes:
            raise SandboxUnavailableError(f"Sandbox {sandbox_id} is gone.")
        return self.sandboxes[sandbox_id]

    async def objects(self, owner: str | None = None) -> list[SandboxObject]:
        now = time.time()
        found = [
            *(box.as_object() for box in self.sandboxes.values()),
            *(_object("network", net.id, net.owner, now) for net in self._networks.values()),
            *(_object("volume", vol.id, vol.owner, now) for vol in self._volumes.values()),
        ]
        return [obj for obj in found if owner is None or obj.owner == owner]

    async def remove_object(self, obj: SandboxObject) -> None:
        if obj.kind == "network":
            await self.remove_network(obj.id)
        elif obj.kind == "volume":
            await self.remove_volume(obj.id)
        elif obj.id in self.sandboxes:
            await self.sandboxes[obj.id].remove()

    async def close(self) -> None:
        """Nothing is held open; sandboxes stay."""


def _object(
    kind: Literal["container", "network", "volume"],
    object_id: str,
    owner: str,
    created_at: float,
    role: str = "",
) -> SandboxObject:
    return SandboxObject(kind=kind, id=object_id, owner=owner, role=role, created_at=created_at)


def _new_id(what: str) -> str:
    return f"{what}-{secrets.token_hex(4)}"
