"""The one Protocol every backend and the fake speak.

`harness.testing.sandbox_selfcheck` states what it promises, as tests that run on
each implementation.

Source: names after inspect_ai `util/_sandbox/environment.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from harness.models.sandbox import (
    ExecResult,
    ImageBuild,
    Network,
    OutputChunk,
    SandboxObject,
    SandboxSpec,
    SandboxState,
    SandboxStats,
    TerminalSize,
    Volume,
)

Progress = Callable[[str], None]
"""Called with one short line at each step of something slow."""

DEFAULT_OUTPUT_LIMIT = 10 * 1024 * 1024
"""Bytes of output kept per process unless the caller says otherwise."""


class SandboxProcess(Protocol):
    """A process running in a sandbox, with its streams.

    When the caller goes away (the process object is closed, or the harness dies
    and its pipe breaks), the whole process tree in the sandbox is killed.
    """

    async def send(self, data: bytes) -> None:
        """Write to its standard input or terminal."""

    async def close_stdin(self) -> None:
        """End of input."""

    async def resize(self, size: TerminalSize) -> None:
        """Change the terminal's size; without a terminal nothing happens."""

    def output(self) -> AsyncIterator[OutputChunk]:
        """Chunks as they come, until the process has ended. May be called once."""

    async def wait(self) -> ExecResult:
        """How it ended; `stdout`/`stderr` are empty when `output()` was iterated.

        Raises:
            SandboxUnavailableError: The sandbox died under it.
        """

    async def kill(self) -> None:
        """Kill the whole process tree now. Idempotent."""


class SandboxEnvironment(Protocol):
    """One started sandbox."""

    @property
    def id(self) -> str:
        """The backend's id, enough for `SandboxBackend.attach`."""

    @property
    def spec(self) -> SandboxSpec: ...

    async def open(
        self,
        argv: Sequence[str],
        *,
        timeout_sec: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        terminal: TerminalSize | None = None,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> SandboxProcess:
        """Start a process in the sandbox.

        Args:
            argv: Program and arguments; no shell is added.
            timeout_sec: Deadline in seconds, enforced inside the sandbox; None for none.
            cwd: Working directory inside; the spec's `workdir` by default.
            env: Added to the spec's environment.
            terminal: Give it a terminal of this size; its output is then one stream.
            output_limit: Bytes passed on; what comes after is dropped and the result says so.

        Raises:
            SandboxUnavailableError: The sandbox is not running.
        """

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
        """Run a process to its end and return its output.

        A program that is not there gives returncode 127, one that may not be run 126;
        a deadline gives `timed_out` and the whole process tree is gone on return.
        """

    async def read_file(self, path: str, *, max_bytes: int = 10 * 1024 * 1024) -> bytes:
        """A regular file's bytes.

        Raises:
            FileNotFoundError, IsADirectoryError: As named; symbolic links are resolved inside.
            OutputLimitExceededError: It is larger than `max_bytes`.
        """

    async def write_file(self, path: str, data: bytes) -> None:
        """Create or replace a file, its folders included, as the sandbox's user.

        Raises:
            PermissionError: The place is not writable.
        """

    async def state(self) -> SandboxState:
        """What the main process is doing."""

    async def stats(self) -> SandboxStats:
        """Resource use now."""

    async def logs(self, *, max_bytes: int = 64 * 1024) -> bytes:
        """The last bytes of the main process's output, both streams together."""

    async def stop(self, *, grace_sec: float = 10.0) -> SandboxState:
        """SIGTERM, then SIGKILL after `grace_sec`; returns how it ended."""

    async def kill(self) -> SandboxState:
        """SIGKILL the main process; volumes keep their content."""

    async def restart(self) -> None:
        """Start the main process again on the same volumes, after `stop` or `kill`."""

    async def pause(self) -> None:
        """Freeze every process."""

    async def unpause(self) -> None:
        """Let them run again."""

    async def remove(self) -> None:
        """Stop and delete it. Idempotent. Volumes and networks stay."""

    def address(self, port: int) -> str:
        """`host:port` at which a peer on the same network reaches `port` of this sandbox."""


class SandboxBackend(Protocol):
    """Makes sandboxes and what they need, and finds them again after a crash."""

    @property
    def name(self) -> str:
        """`docker`, `process` or `fake`."""

    @property
    def isolates(self) -> bool:
        """Whether untrusted code may run in it; False refuses a candidate's session."""

    async def ensure_image(self, build: ImageBuild, *, progress: Progress | None = None) -> str:
        """The image's id, built when its content hash is not cached yet.

        Raises:
            ImageBuildError: With the last lines of the build's log.
        """

    async def create_network(self, owner: str, *, egress: bool = False) -> Network:
        """A private network without any way out, the host included.

        Args:
            egress: The other kind: a way out for one gateway, in which peers do not reach
                each other.
        """

    async def remove_network(self, network_id: str) -> None:
        """Idempotent."""

    async def create_volume(self, owner: str, size_mb: int) -> Volume:
        """An empty folder of bounded size, owned by the sandbox's user."""

    async def volume(self, volume_id: str) -> Volume:
        """A volume made earlier, mounted again when the machine restarted.

        Raises:
            SandboxUnavailableError: It is gone.
        """

    async def remove_volume(self, volume_id: str) -> None:
        """Idempotent; its content is gone."""

    async def start(self, spec: SandboxSpec) -> SandboxEnvironment:
        """Start a sandbox; nothing of a half-made one stays behind on failure."""

    async def attach(self, sandbox_id: str) -> SandboxEnvironment:
        """A sandbox started earlier, by this process or another.

        Raises:
            SandboxUnavailableError: It is gone.
        """

    async def objects(self, owner: str | None = None) -> list[SandboxObject]:
        """Everything with our label, or one owner's part of it."""

    async def remove_object(self, obj: SandboxObject) -> None:
        """Remove one of `objects()`, whatever state it is in. Idempotent."""

    async def close(self) -> None:
        """Let go of connections; sandboxes stay."""
