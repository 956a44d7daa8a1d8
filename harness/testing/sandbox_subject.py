"""What a sandbox self-check is run on, and the register of checks."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from harness.models.sandbox import ExecResult, Mount, ResourceLimits, SandboxSpec, SandboxStatus
from harness.sandbox.protocol import SandboxBackend, SandboxEnvironment, SandboxProcess

Capability = Literal[
    "files",
    "lifecycle",
    "objects",
    "exec",
    "streams",
    "trees",
    "terminal",
    "main",
    "network",
    "crash",
]
"""A group of promises; a fake keeps some of them only."""

DEADLINE_SEC = 60.0
"""For a whole check; each takes a second or two on an idle machine."""


@dataclass(frozen=True)
class Subject:
    """One implementation of the sandbox Protocol."""

    backend: SandboxBackend
    image: str
    """An image with sh, python3, cat, sleep and stty."""
    capabilities: frozenset[Capability]
    reopen: Callable[[], SandboxBackend]
    """Another backend on the same data, as after a restart of the harness."""
    source: str = ""
    """For `crash`: Python statements that leave such a backend in `backend`."""


CheckFunction = Callable[[Subject], Awaitable[None]]


@dataclass(frozen=True)
class SelfCheck:
    """One promise of the Protocol, as a function that asserts it."""

    group: Capability
    function: CheckFunction

    @property
    def name(self) -> str:
        """Its group and what it says, for a test's id."""
        return f"{self.group}-{self.function.__name__}"

    async def __call__(self, subject: Subject) -> None:
        """Run it; raises AssertionError when the promise is broken."""
        async with asyncio.timeout(DEADLINE_SEC):
            await self.function(subject)


CHECKS: list[SelfCheck] = []
"""In the order they are defined."""


def promise(group: Capability) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check of a group."""

    def register(function: CheckFunction) -> CheckFunction:
        CHECKS.append(SelfCheck(group, function))
        return function

    return register


def new_owner() -> str:
    """An owner nobody else has."""
    return f"selfcheck-{secrets.token_hex(4)}"


@asynccontextmanager
async def sandbox(
    subject: Subject,
    *,
    command: tuple[str, ...] | None = None,
    env: dict[str, str] | None = None,
    limits: ResourceLimits | None = None,
    network: str | None = None,
    aliases: tuple[str, ...] = (),
) -> AsyncIterator[SandboxEnvironment]:
    """A started sandbox with a volume at /workspace; both are removed afterwards."""
    owner = new_owner()
    volume = await subject.backend.create_volume(owner, 64)
    try:
        box = await subject.backend.start(
            SandboxSpec(
                owner=owner,
                role="workspace",
                image=subject.image,
                command=command,
                env=env or {},
                network=network,
                aliases=aliases,
                mounts=(Mount(source=volume.path, target="/workspace"),),
                limits=limits or ResourceLimits(),
            )
        )
        try:
            yield box
        finally:
            await box.remove()
    finally:
        await subject.backend.remove_volume(volume.id)


async def run(box: SandboxEnvironment, *argv: str, stdin: bytes = b"") -> ExecResult:
    """`exec` with a deadline that only a failure reaches."""
    return await box.exec(argv, timeout_sec=30, stdin=stdin)


async def python(box: SandboxEnvironment, program: str) -> ExecResult:
    """Run a Python program inside."""
    return await run(box, "python3", "-c", program)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Look again and again until it holds.

    Raises:
        TimeoutError: It did not come about.
    """
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - no event crosses a sandbox's border
            await asyncio.sleep(0.02)


async def until_status(box: SandboxEnvironment, status: SandboxStatus) -> None:
    """Wait for a state."""

    async def reached() -> bool:
        return (await box.state()).status is status

    await until(reached)


_COUNT = """
import os, sys
mark, found = sys.stdin.buffer.read(), 0
for name in filter(str.isdigit, os.listdir("/proc")):
    try:
        found += mark in open(f"/proc/{name}/cmdline", "rb").read()
    except OSError:
        pass
print(found)
"""


async def count_marked(box: SandboxEnvironment, mark: str) -> int:
    """Processes inside with `mark` in their command line; it goes in by stdin to find no more."""
    result = await run(box, "python3", "-c", _COUNT, stdin=mark.encode())
    return int(result.stdout)


class Reader:
    """Reads a process's output piece by piece."""

    def __init__(self, process: SandboxProcess) -> None:
        self._chunks = process.output()
        self.seen = b""

    async def until(self, wanted: bytes) -> bytes:
        """Everything so far, once `wanted` is in it."""
        while wanted not in self.seen:
            try:
                self.seen += (await anext(self._chunks)).data
            except StopAsyncIteration:
                raise AssertionError(f"{wanted!r} never came; got {self.seen!r}") from None
        return self.seen

    async def rest(self) -> bytes:
        """Everything, at its end."""
        async for chunk in self._chunks:
            self.seen += chunk.data
        return self.seen
