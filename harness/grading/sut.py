"""Systems under test: a fresh one for each `start`, and what can be done with it."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import secrets
import shutil
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checks import differential
from harness.errors import SandboxError, TaskFormatError
from harness.grading.cleanup import uninterrupted
from harness.grading.places import MODULE_TOKEN, WORKDIR, Layout, environment, module_sut
from harness.grading.unseal import unpack
from harness.models.grader import Request, UpstreamBinding
from harness.models.sandbox import SandboxSpec, SandboxState, SandboxStatus, Volume
from harness.models.session import Submission
from harness.models.task import SutSpec, Task
from harness.sandbox.protocol import SandboxBackend, SandboxEnvironment
from harness.sandbox.removal import empty_folder

MAX_SUTS = 8
"""Alive at a time; a check that forgets to remove its own must not fill the machine."""
MAX_LOG_BYTES = 512 * 1024
MAX_GRACE_SEC = 120.0
MIB = 1024 * 1024
AGENT_FILES = ("agent.py", "canon.py", "exports.py", "stage.py", "trees.py", "world.py")


@dataclass
class Sut:
    """One started system under test."""

    id: str
    submission: Submission
    environment: SandboxEnvironment
    volume: Volume
    port: int
    token: str = ""
    """With which it is asked, where it does not answer to everybody; a service has none."""

    @property
    def address(self) -> str:
        """`host:port` at which the grader reaches it."""
        return self.environment.address(self.port)

    async def log_tail(self, max_bytes: int) -> str:
        """The end of what it printed; candidate-controlled."""
        data = await self.environment.logs(max_bytes=min(max_bytes, MAX_LOG_BYTES))
        return data.decode("utf-8", "replace")


class Suts:
    """Makes systems under test from sealed trees and serves the grader's verbs over them."""

    def __init__(
        self,
        backend: SandboxBackend,
        task: Task,
        upstreams: tuple[UpstreamBinding, ...],
        *,
        owner: str,
        image: str,
        network: str | None,
    ) -> None:
        self._backend = backend
        self._task = task
        self._upstreams = upstreams
        self._owner = owner
        self._image = image
        self._network = network
        self._numbers = itertools.count(1)
        self._alive: dict[str, Sut] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def spec(self) -> SutSpec:
        """How the task's service is started."""
        return sut_spec(self._task)

    async def start(self, submission: Submission, entries: int) -> Sut:
        """A fresh volume with the sealed tree, and a fresh container on it.

        Args:
            submission: Verified already.
            entries: How many files and folders it has.

        Raises:
            SandboxError: Our machinery failed; nothing follows about the submission.
        """
        if len(self._alive) >= MAX_SUTS:
            raise SandboxError(f"More than {MAX_SUTS} systems under test at a time.")
        volume = await uninterrupted(
            self._backend.create_volume(self._owner, self._size_mb(submission, entries))
        )
        module = self._task.spec.interview.module is not None
        token = secrets.token_hex(16) if module else ""
        try:
            await asyncio.to_thread(fill, volume, submission)
            if module:
                await asyncio.to_thread(lay_agent, volume)
        except OSError as exc:
            raise SandboxError(f"The submission could not be laid out: {exc}.") from exc
        name = f"service-{next(self._numbers)}"
        started = await self._backend.start(
            SandboxSpec(
                owner=self._owner,
                role="sut",
                image=self._image,
                command=self.spec.command,
                env=environment(self.spec, self._upstreams)
                | ({MODULE_TOKEN: token} if module else {}),
                workdir=WORKDIR,
                network=self._network,
                aliases=(name,),
                mounts=Layout.of(volume).mounts(self.spec),
                limits=self._task.spec.interview.limits,
            )
        )
        sut = Sut(name, submission, started, volume, self.spec.port, token)
        self._alive[name] = sut
        return sut

    def _size_mb(self, submission: Submission, entries: int) -> int:
        """What the task grants, and room for the tree itself: content, blocks, inodes."""
        content = Path(submission.path).stat().st_size // MIB
        return self.spec.storage_mb + 16 + 2 * content + entries // 64

    async def remove(self, sut: Sut) -> None:
        """Nothing of it stays."""
        self._alive.pop(sut.id, None)
        await sut.environment.remove()
        await self._backend.remove_volume(sut.volume.id)

    async def gone(self) -> None:
        """Wait for removals that nobody has waited for; what resists is swept up with the rest."""
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def serve(self, request: Request) -> dict[str, Any]:
        """Answer a verb over a started system under test.

        Raises:
            SandboxError: It is unknown, or our machinery failed.
        """
        sut = self._alive.get(request.sut)
        if sut is None:
            raise SandboxError(f"No system under test '{request.sut[:40]}' is alive.")
        verbs: dict[str, Callable[[Sut, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "stop": self._stop,
            "kill": self._kill,
            "restart": self._restart,
            "remove": self._remove,
            "logs": self._logs,
            "stats": self._stats,
            "state": self._state,
            "put_data": self._put_data,
        }
        return await verbs[request.verb](sut, request.args)

    async def _stop(self, sut: Sut, args: dict[str, Any]) -> dict[str, Any]:
        grace_sec = min(float(args.get("grace_sec", 10.0)), MAX_GRACE_SEC)
        before = await sut.environment.state()
        began = time.monotonic()
        state = await sut.environment.stop(grace_sec=grace_sec)
        duration_sec = time.monotonic() - began
        running = before.status is SandboxStatus.RUNNING
        # a SIGKILL before the grace is over is the kernel's, for memory, or its own
        killed = running and state.exit_code == 137 and duration_sec >= grace_sec  # noqa: PLR2004 - 128 + SIGKILL
        return {"exit_code": state.exit_code, "duration_sec": duration_sec, "killed": killed}

    async def _kill(self, sut: Sut, _: dict[str, Any]) -> dict[str, Any]:
        return (await sut.environment.kill()).model_dump(mode="json")

    async def _restart(self, sut: Sut, _: dict[str, Any]) -> dict[str, Any]:
        state = await sut.environment.state()
        if state.status is not SandboxStatus.EXITED:
            await sut.environment.kill()
        # the data folder alone survives, as the brief says
        try:
            await asyncio.to_thread(refill, sut.volume, sut.submission)
        except OSError as exc:
            if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise SandboxError(f"The submission could not be laid out again: {exc}.") from exc
            # its data has left no room for it, so it stays ended, and the grader sees that
            return {"address": sut.address}
        await sut.environment.restart()
        return {"address": sut.address}

    async def _put_data(self, sut: Sut, args: dict[str, Any]) -> dict[str, Any]:
        state = await sut.environment.state()
        if state.status is not SandboxStatus.EXITED:
            raise SandboxError(f"{sut.id} is not stopped, so its data stays as it is.")
        files = {str(name): b64decode(content) for name, content in dict(args["files"]).items()}
        try:
            await asyncio.to_thread(replace_data, sut.volume, files)
        except OSError as exc:
            raise SandboxError(f"The data of {sut.id} could not be replaced: {exc}.") from exc
        return {}

    async def _remove(self, sut: Sut, _: dict[str, Any]) -> dict[str, Any]:
        """It ends at once; the rest happens beside the next check."""
        self._alive.pop(sut.id, None)
        await sut.environment.kill()
        self._leaving.add(asyncio.create_task(self.remove(sut)))
        return {}

    async def _logs(self, sut: Sut, args: dict[str, Any]) -> dict[str, Any]:
        return {"text": await sut.log_tail(int(args.get("max_bytes", MAX_LOG_BYTES)))}

    async def _stats(self, sut: Sut, _: dict[str, Any]) -> dict[str, Any]:
        return (await sut.environment.stats()).model_dump(mode="json")

    async def _state(self, sut: Sut, _: dict[str, Any]) -> dict[str, Any]:
        state: SandboxState = await sut.environment.state()
        return state.model_dump(mode="json")


def sut_spec(task: Task) -> SutSpec:
    """The task's `[interview.sut]`, or the agent for its `[interview.module]`.

    Raises:
        TaskFormatError: It has neither, so nothing can be started.
    """
    if task.spec.interview.module is not None:
        return module_sut(task.spec.interview.module)
    if task.spec.interview.sut is None:
        raise TaskFormatError(
            f"Task '{task.name}' has no [interview.sut] and no [interview.module] in task.toml, "
            "so nothing can be started."
        )
    return task.spec.interview.sut


def fill(volume: Volume, submission: Submission) -> None:
    """Lay out a fresh volume: the sealed tree, and an empty data folder."""
    owner = Path(volume.path).stat()
    layout = Layout.of(volume)
    for folder in (layout.repo, layout.data):
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, owner.st_uid, owner.st_gid)
    unpack(submission, layout.repo, owner.st_uid, owner.st_gid)


def lay_agent(volume: Volume) -> None:
    """Put the program that plays calls beside the tree; it is seen read-only."""
    folder = Layout.of(volume).agent
    folder.mkdir()
    kit = Path(differential.__file__).parent
    for name in AGENT_FILES:
        shutil.copyfile(kit / name, folder / name)


def refill(volume: Volume, submission: Submission) -> None:
    """Make the tree what was handed in again; its folder stays, since it is mounted."""
    owner = Path(volume.path).stat()
    repo = Layout.of(volume).repo
    empty_folder(repo)
    unpack(submission, repo, owner.st_uid, owner.st_gid)


def replace_data(volume: Volume, files: Mapping[str, bytes]) -> None:
    """Make these the whole content of the data folder of a stopped service.

    Its tree goes, too: it may have left no room for them, and a restart lays it out again.
    """
    for name in files:
        if Path(name).name != name or name in (".", ".."):
            raise ValueError(f"'{name}' is no plain file name")
    owner = Path(volume.path).stat()
    layout = Layout.of(volume)
    for folder in (layout.repo, layout.data):
        empty_folder(folder)
    for name, content in files.items():
        path = layout.data / name
        path.write_bytes(content)
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)
