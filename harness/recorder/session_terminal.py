"""Terminals of a session: recorded while they run, recovered when the harness died.

A running terminal's recording is a file in the session's folder; when it closes it
becomes a blob that `TerminalClosed` names. A file that a dead harness left is
recognised by its lock being free, and `recover` closes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import os
import secrets
import shlex
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import structlog

from harness.errors import HarnessError, RecordingError, SandboxError
from harness.models.event import (
    CommandRun,
    Payload,
    RecordingFailed,
    TerminalClosed,
    TerminalOpened,
)
from harness.models.recording import Command
from harness.models.sandbox import ExecResult, TerminalSize
from harness.recorder.sequences import strip_sequences
from harness.recorder.terminal import DEFAULT_SIZE, TerminalFacts, TerminalRecorder, replay
from harness.sandbox.protocol import SandboxProcess
from harness.store import Store

NONCE_VARIABLE = "HARNESS_OSC133_NONCE"
"""Give the shell this variable and `record_process` its value: then only its marks count."""

OUTPUT_BYTES = 16 * 1024
"""Of a command's output as text, from its end."""

_log = structlog.get_logger(__name__)


async def record_process(
    process: SandboxProcess,
    *,
    store: Store,
    session_id: str,
    session_dir: Path,
    sink: Callable[[bytes], None] = lambda _: None,
    size: TerminalSize | None = None,
    keys: AsyncIterator[bytes | TerminalSize] | None = None,
    argv: Sequence[str] | None = None,
    nonce: str | None = None,
) -> ExecResult:
    """Pass a process's output on, recording it, until it ends.

    Args:
        process: Just opened in a workspace.
        store: Gets TerminalOpened, a CommandRun as each command ends, TerminalClosed.
        session_id: Whose terminal it is.
        session_dir: The recording is in `terminals/` there while it runs.
        sink: Called with output after it was recorded.
        size: Of the terminal at its start.
        keys: What is typed, and new sizes; its end is end of input. Without it the process
            gets no input.
        argv: The one command that runs, for `session exec`; None for a shell.
        nonce: The value of `NONCE_VARIABLE` that the shell was given.

    Returns:
        How the process ended; its output is not in it.

    Raises:
        HarnessError: The recording could not begin; the process is then killed.
        SandboxUnavailableError: The workspace died; what was recorded is kept.
    """
    typing: asyncio.Task[None] | None = None
    exit_code: int | None = None
    try:
        recording = SessionTerminal(
            store, session_id, session_dir, size=size, argv=argv, nonce=nonce
        )
    except BaseException:
        await process.kill()
        raise
    try:
        if keys is None:
            await process.close_stdin()
        else:
            typing = asyncio.create_task(_type(keys, process, recording))
        async for chunk in process.output():
            recording.feed(chunk.data)
            sink(chunk.data)
        result = await process.wait()
        exit_code = result.returncode
    except BaseException:
        with contextlib.suppress(HarnessError):
            await process.kill()
        raise
    finally:
        if typing is not None:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)
        recording.close(exit_code)
    return result


async def _type(
    keys: AsyncIterator[bytes | TerminalSize], process: SandboxProcess, recording: SessionTerminal
) -> None:
    try:
        async for key in keys:
            if isinstance(key, TerminalSize):
                recording.resize(key)
                await process.resize(key)
            else:
                await process.send(key)
        await process.close_stdin()
    except (SandboxError, OSError):
        return  # it ended meanwhile: its output tells how


class SessionTerminal:
    """One terminal of a session, from TerminalOpened to TerminalClosed.

    While it is open nothing here raises: what cannot be stored now is stored later or by
    `recover`, and the session's record says that recording failed.

    Raises:
        RecordingError: The recording cannot be made.
        StoreError: The session cannot be told that a terminal opens.
    """

    def __init__(
        self,
        store: Store,
        session_id: str,
        session_dir: Path,
        *,
        size: TerminalSize | None = None,
        argv: Sequence[str] | None = None,
        nonce: str | None = None,
    ) -> None:
        self._store = store
        self._session_id = session_id
        terminal = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        facts = TerminalFacts(
            terminal=terminal,
            kind="shell" if argv is None else "exec",
            argv_text=None if argv is None else shlex.join(argv),
            nonce=nonce,
        )
        size = size or DEFAULT_SIZE
        self._path = recordings(session_dir) / f"{terminal}.cast"
        self._recorder = TerminalRecorder(self._path, facts, size=size)
        self._pending: list[Payload] = []
        self._failing: set[str] = set()
        try:
            store.append(
                session_id,
                TerminalOpened(terminal=terminal, kind=facts.kind, cols=size.cols, rows=size.rows),
            )
        except BaseException:
            self._recorder.close(None)
            self._path.unlink(missing_ok=True)
            raise

    def feed(self, data: bytes) -> None:
        """Record what the terminal was sent."""
        commands = self._recorder.feed(data)
        self._note_failure()
        self._keep(commands)

    def resize(self, size: TerminalSize) -> None:
        """Record the terminal's new size."""
        self._recorder.resize(size)

    def close(self, exit_code: int | None) -> None:
        """End the recording and hand it to the store."""
        duration = self._recorder.elapsed
        self._keep(self._recorder.close(exit_code))
        self._note_failure()
        try:
            self._flush()
            self._store.append(
                self._session_id,
                TerminalClosed(
                    terminal=self._recorder.facts.terminal,
                    exit_code=exit_code,
                    duration_sec=round(duration, 6),
                    cast_sha256=self._store.put_blob(self._path),
                    truncated=self._recorder.full or "terminal" in self._failing,
                ),
            )
            self._path.unlink(missing_ok=True)
        except (HarnessError, OSError) as error:
            _log.error("terminal stays for recovery", path=str(self._path), error=str(error))

    def _note_failure(self) -> None:
        failure = self._recorder.failure
        if failure is not None and "terminal" not in self._failing:
            self._failing.add("terminal")
            self._pending.append(RecordingFailed(part="terminal", message=str(failure)))
            self._try_flush()

    def _keep(self, commands: list[Command]) -> None:
        self._pending += [CommandRun(command=command) for command in commands]
        if commands:
            self._try_flush()

    def _try_flush(self) -> None:
        try:
            self._flush()
        except HarnessError as error:
            if "store" not in self._failing:
                self._failing.add("store")
                self._pending.append(RecordingFailed(part="store", message=str(error)))
            _log.warning("events wait for the store", waiting=len(self._pending))

    def _flush(self) -> None:
        while self._pending:
            self._store.append(self._session_id, self._pending[0])
            del self._pending[0]


def recordings(session_dir: Path) -> Path:
    """Where running terminals' recordings are."""
    return session_dir / "terminals"


def recover(store: Store, session_id: str, session_dir: Path) -> list[str]:
    """Close the terminals that a dead harness left open; terminals still running stay.

    Returns:
        Ids of the terminals that were closed; their recordings are in the store, up to the
        last moment before the harness died.

    Raises:
        HarnessError: The store or the recordings cannot be read or written.
    """
    folder = recordings(session_dir)
    if not folder.is_dir():
        return []
    closed: list[str] = []
    with _locked(folder) as alone:
        if not alone:
            return []  # another process is at it
        for path in sorted(folder.glob("*.cast")):
            with _locked(path) as abandoned:
                if abandoned and _close_abandoned(store, session_id, path):
                    closed.append(path.stem)
        closed += _close_lost(store, session_id, folder)
    return closed


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold a file's or folder's lock, unless somebody has it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.fstat(handle).st_nlink > 0
        except BlockingIOError:
            ours = False
        yield ours
    finally:
        os.close(handle)


def _close_abandoned(store: Store, session_id: str, path: Path) -> bool:
    """Put a dead terminal's recording into the store; False when it was closed already."""
    opened, closed, known = _terminal_events(store, session_id, path.stem)
    if not closed:
        _cut_unfinished_line(path)
        try:
            _, finished, last = replay(path.read_bytes())
        except RecordingError:
            finished, last = [], 0.0  # killed before the header was written
        if not opened:
            store.append(
                session_id, TerminalOpened(terminal=path.stem, kind="shell", cols=80, rows=24)
            )
        for done in finished:
            if (done.command.started_sec, done.command.text) not in known:
                store.append(session_id, CommandRun(command=done.command))
        _append_closed(store, session_id, path.stem, last, store.put_blob(path))
    path.unlink(missing_ok=True)
    return not closed


def _close_lost(store: Store, session_id: str, folder: Path) -> list[str]:
    """Close terminals in the record that have no recording any more."""
    open_now: dict[str, bool] = {}
    for event in store.events(session_id, kinds={"terminal.opened", "terminal.closed"}):
        if isinstance(event.payload, TerminalOpened | TerminalClosed):
            open_now[event.payload.terminal] = isinstance(event.payload, TerminalOpened)
    lost = [
        terminal
        for terminal, is_open in open_now.items()
        if is_open and not (folder / f"{terminal}.cast").exists()
    ]
    lost = [t for t in lost if not _terminal_events(store, session_id, t)[1]]
    for terminal in lost:
        _append_closed(store, session_id, terminal, 0.0, None)
    return lost


def _append_closed(
    store: Store, session_id: str, terminal: str, duration: float, sha256: str | None
) -> None:
    store.append(
        session_id,
        TerminalClosed(
            terminal=terminal,
            exit_code=None,
            duration_sec=duration,
            cast_sha256=sha256,
            truncated=True,
        ),
    )


def _terminal_events(
    store: Store, session_id: str, terminal: str
) -> tuple[bool, bool, set[tuple[float, str]]]:
    """Whether it was opened and closed, and its commands' starts and texts."""
    opened = closed = False
    commands: set[tuple[float, str]] = set()
    for event in store.events(session_id, kinds={"terminal.opened", "terminal.closed", "command"}):
        match event.payload:
            case TerminalOpened(terminal=name) if name == terminal:
                opened = True
            case TerminalClosed(terminal=name) if name == terminal:
                closed = True
            case CommandRun(command=command) if command.terminal == terminal:
                commands.add((command.started_sec, command.text))
            case _:
                pass
    return opened, closed, commands


def _cut_unfinished_line(path: Path) -> None:
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        os.truncate(path, whole)


def command_output(cast: bytes | Path, command: Command, *, max_bytes: int = OUTPUT_BYTES) -> str:
    """What a command printed, as plain text.

    Args:
        cast: The recording of its terminal; empty when it was lost.
        command: As recorded.
        max_bytes: Kept of the output's end before sequences are removed.

    Returns:
        Terminal sequences removed, overwritten lines as they looked at the end;
        candidate-controlled. Empty when the recording does not have the command.

    Raises:
        RecordingError: It is not a recording.
    """
    data = cast.read_bytes() if isinstance(cast, Path) else cast
    if not data:
        return ""
    output = _outputs(data).get((command.started_sec, command.text), b"")
    tail = output[-max_bytes:]
    if len(tail) < len(output):
        tail = tail[tail.find(b"\n") + 1 :]
    return strip_sequences(tail).strip("\n")


@functools.lru_cache(maxsize=2)  # a report asks for one command after the other
def _outputs(cast: bytes) -> dict[tuple[float, str], bytes]:
    _, finished, _ = replay(cast)
    return {(done.command.started_sec, done.command.text): done.output for done in finished}
