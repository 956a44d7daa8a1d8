"""The caller's end of `supervisor.py`: a process in a sandbox, over any pair of byte streams.

The docker backend gives it a hijacked exec socket, the process backend two pipes.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from harness.errors import SandboxError, SandboxTimeoutError, SandboxUnavailableError
from harness.models.sandbox import ExecResult, OutputChunk, Stream, TerminalSize
from harness.sandbox.protocol import DEFAULT_OUTPUT_LIMIT
from harness.sandbox.supervisor import CHUNK, WINDOW, frame, json_frame

SUPERVISOR_FILE = Path(__file__).with_name("supervisor.py")
"""The script images carry, byte for byte."""

SUPERVISOR_PATH = "/opt/harness/supervisor.py"
"""Where images carry it, root's and not writable."""

PYTHON_FLAGS = ("-I", "-S", "-X", "utf8")
"""How it is started: nothing of the sandbox's environment or folders steers it."""

EXEC_GRACE_SEC = 20.0
"""How much longer than a command's own deadline we wait for our machinery."""

_START_SEC = 60.0
_KILL_SEC = 15.0
_READ = 256 * 1024
_BUFFERED = 1024 * 1024
_MAX_PAYLOAD = {b"P": 1024, b"O": CHUNK, b"E": CHUNK, b"A": 4, b"X": 4096, b"F": 16384}
_STREAMS: dict[bytes, Stream] = {b"O": "stdout", b"E": "stderr"}


class Transport(Protocol):
    """Two byte streams, one to the supervisor's standard input, one from its output."""

    async def read(self, limit: int) -> bytes:
        """Up to `limit` bytes, empty at the end.

        Raises:
            OSError: The connection broke.
        """

    async def write(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            OSError: The connection broke.
        """

    async def close(self) -> None:
        """Let go of both directions, so that the supervisor sees the end. Idempotent."""

    async def terminate(self) -> None:
        """The last resort when the supervisor does not react. Idempotent."""


class SupervisedProcess:
    """A `SandboxProcess` whose whole tree the supervisor answers for.

    Read its output while you send it much: like any pipe, a process that nobody
    reads from stops taking input.
    """

    def __init__(self, transport: Transport, where: str, output_limit: int) -> None:
        self._transport = transport
        self._where = where
        self._allowed = output_limit
        self._chunks: deque[OutputChunk] = deque()
        self._buffered = 0
        self._raw = bytearray()
        self._in_flight = 0
        self._writing = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._started = False
        self._streamed = False
        self._discard = False
        self._collected: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._result: ExecResult | None = None
        self._failure: SandboxError | None = None
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        transport: Transport,
        argv: Sequence[str],
        *,
        where: str,
        timeout_sec: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        terminal: TerminalSize | None = None,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> Self:
        """Start a process through a supervisor that listens on `transport`.

        Args:
            transport: Ours from now on; closed when the process has ended or on failure.
            argv: Program and arguments.
            where: The sandbox's name, for messages.
            timeout_sec: Deadline in seconds by the supervisor's own clock.
            cwd: Its working directory; the supervisor's own by default.
            env: Added to the supervisor's own environment.
            terminal: Give it a terminal of this size.
            output_limit: Bytes passed on.

        Raises:
            ValueError: `argv` is empty, or something holds a NUL character.
            SandboxUnavailableError: The sandbox did not start it; a command that is not
                there is no failure but an exit with 127.
        """
        env = dict(env or {})
        request = {
            "argv": list(argv),
            "cwd": cwd,
            "env": env,
            "timeout_sec": timeout_sec,
            "terminal": terminal.model_dump() if terminal else None,
            "output_limit": output_limit,
        }
        process = cls(transport, where, output_limit)
        try:
            _check_strings([*argv, cwd or "", *env, *env.values()])
            async with asyncio.timeout(_START_SEC):
                await process._write(json_frame(b"S", request))
                process._reader = asyncio.create_task(process._read_frames())
                await process._until(lambda: process._started or process.ended)
        except OSError as exc:  # TimeoutError is one
            await process.terminate()
            raise SandboxUnavailableError(f"{where} does not start processes: {exc!r}.") from exc
        except BaseException:
            await process.terminate()
            raise
        if process._failure and not process._started:
            raise process._failure
        return process

    @property
    def ended(self) -> bool:
        """Whether `wait` returns or raises at once."""
        return self._result is not None or self._failure is not None

    async def send(self, data: bytes) -> None:
        """Write to its input; after its end nothing happens."""
        async with self._sending:
            for begin in range(0, len(data), CHUNK):
                piece = data[begin : begin + CHUNK]
                await self._until(lambda: self.ended or self._in_flight + CHUNK <= WINDOW)
                if self.ended:
                    return
                self._in_flight += len(piece)
                await self._write_while_alive(frame(b"I", piece))

    async def close_stdin(self) -> None:
        """End of input; at a terminal the end-of-file character."""
        async with self._sending:
            await self._write_while_alive(frame(b"E"))

    async def resize(self, size: TerminalSize) -> None:
        """Change the terminal's size."""
        await self._write_while_alive(json_frame(b"R", size.model_dump()))

    def output(self) -> AsyncIterator[OutputChunk]:
        """Chunks as they come; leaving the loop early drops the rest."""
        if self._streamed:
            raise RuntimeError("output() may be called once")
        self._streamed = True
        return self._stream()

    async def wait(self) -> ExecResult:
        """How it ended, its output included unless `output()` was called."""
        while True:
            await self._until(lambda: self.ended or (bool(self._chunks) and not self._streamed))
            if not self._streamed:
                while (chunk := await self._take()) is not None:
                    self._collected[chunk.stream] += chunk.data
            if self.ended:
                break
        if self._result is None:
            assert self._failure
            raise self._failure
        return self._result.model_copy(
            update={stream: bytes(data) for stream, data in self._collected.items()}
        )

    async def kill(self) -> None:
        """Kill the whole tree; on return it is gone. What it had not written yet is dropped."""
        self._discard = True
        await self._notify()
        await self._write_while_alive(frame(b"K"))
        try:
            async with asyncio.timeout(_KILL_SEC):
                await self._until(lambda: self.ended)
        except TimeoutError as exc:
            await self.terminate()
            raise SandboxTimeoutError(
                f"{self._where} did not confirm within {_KILL_SEC:g} s that a process was killed.",
                remedy="Stop the sandbox; everything in it ends with it.",
            ) from exc

    async def terminate(self) -> None:
        """Give it up without waiting for the supervisor to say so."""
        if not self.ended:
            self._failure = SandboxUnavailableError(f"A process in {self._where} was given up.")
        await self._transport.terminate()
        if self._reader:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
        await self._transport.close()
        await self._notify()

    # -- inside ------------------------------------------------------------------

    async def _stream(self) -> AsyncIterator[OutputChunk]:
        try:
            while True:
                await self._until(lambda: bool(self._chunks) or self.ended)
                chunk = await self._take()
                if chunk is None:
                    return
                yield chunk
        finally:
            self._discard = True
            self._chunks.clear()
            await self._notify()

    async def _take(self) -> OutputChunk | None:
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        self._buffered -= len(chunk.data)
        await self._notify()
        return chunk

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _write(self, data: bytes) -> None:
        async with self._writing:
            await self._transport.write(data)

    async def _write_while_alive(self, data: bytes) -> None:
        if not self.ended:
            with suppress(OSError):  # the reader sees the same end and says why
                await self._write(data)

    async def _read_frames(self) -> None:
        try:
            while not self.ended:
                await self._take_frame(*await self._frame())
        except SandboxError as exc:
            self._failure = exc
        except OSError as exc:
            self._failure = SandboxUnavailableError(f"{self._where} broke off: {exc!r}.")
            self._failure.__cause__ = exc
        finally:
            await self._transport.close()
            await self._notify()

    async def _frame(self) -> tuple[bytes, bytes]:
        header = await self._exactly(5)
        kind, size = struct.unpack(">cI", header)
        if size > _MAX_PAYLOAD.get(kind, -1):
            raise self._broken(f"frame {kind!r} of {size} bytes")
        return kind, await self._exactly(size)

    async def _exactly(self, count: int) -> bytes:
        while len(self._raw) < count:
            data = await self._transport.read(_READ)
            if not data:
                raise self._unavailable()
            self._raw += data
        data = bytes(self._raw[:count])
        del self._raw[:count]
        return data

    async def _take_frame(self, kind: bytes, payload: bytes) -> None:
        if kind in _STREAMS:
            await self._keep(OutputChunk(stream=_STREAMS[kind], data=payload))
        elif kind == b"A":
            if len(payload) != 4:  # noqa: PLR2004 - one 32-bit count
                raise self._broken("a short count")
            self._in_flight = max(0, self._in_flight - int.from_bytes(payload, "big"))
        elif kind == b"P":
            self._started = True
        elif kind == b"X":
            self._result = self._parse_exit(payload)
        else:
            raise self._refused(payload)
        await self._notify()

    async def _keep(self, chunk: OutputChunk) -> None:
        self._allowed -= len(chunk.data)
        if self._allowed < 0:
            raise self._broken("more output than it was allowed")
        await self._until(lambda: self._discard or self._buffered < _BUFFERED)
        if not self._discard:
            self._chunks.append(chunk)
            self._buffered += len(chunk.data)

    def _parse_exit(self, payload: bytes) -> ExecResult:
        report = self._parse(payload)
        left = report.pop("left", None)
        try:
            result = ExecResult.model_validate(report, strict=True)
        except ValueError as exc:
            raise self._broken("an exit that makes no sense") from exc
        if left != 0:
            raise SandboxUnavailableError(
                f"{self._where}: {left} processes of a command would not die.",
                remedy="Stop the sandbox; everything in it ends with it.",
            )
        return result

    def _parse(self, payload: bytes) -> dict[str, Any]:
        try:
            value = json.loads(payload)
        except ValueError as exc:
            raise self._broken("bad JSON") from exc
        if not isinstance(value, dict):
            raise self._broken("bad JSON")
        return value

    def _refused(self, payload: bytes) -> SandboxError:
        message = str(self._parse(payload).get("message", ""))[:500]
        return SandboxUnavailableError(
            f"{self._where} could not start a process: {message}.",
            remedy="If it is full of processes, stop and restart it.",
        )

    def _broken(self, what: str) -> SandboxError:
        return SandboxUnavailableError(f"{self._where}: the supervisor's stream holds {what}.")

    def _unavailable(self) -> SandboxError:
        return SandboxUnavailableError(
            f"{self._where} went away under a process, or something in it killed the supervisor.",
            remedy="Look at the sandbox's state and logs.",
        )


async def run_to_end(
    opening: Awaitable[SupervisedProcess], *, timeout_sec: float, stdin: bytes = b"", where: str
) -> ExecResult:
    """Give a process its input, collect its output, wait for its end: `exec` of every backend.

    Args:
        opening: What `open` returned, not awaited yet.
        timeout_sec: The command's own deadline, which `opening` passed to the supervisor.
        stdin: Its whole input.
        where: The sandbox's name, for messages.

    Raises:
        SandboxTimeoutError: The deadline and our grace passed without a word.
        SandboxUnavailableError: The sandbox died under it.
    """
    process: SupervisedProcess | None = None
    try:
        async with asyncio.timeout(timeout_sec + EXEC_GRACE_SEC):
            process = await opening
            return await _feed_and_wait(process, stdin)
    except TimeoutError as exc:
        if process:
            await process.terminate()
        raise SandboxTimeoutError(
            f"{where} did not say how a command ended, {EXEC_GRACE_SEC:g} s after its deadline "
            f"of {timeout_sec:g} s.",
            remedy="Look whether the sandbox is paused or the machine overloaded.",
        ) from exc
    finally:
        if process and not process.ended:
            await process.kill()


async def _feed_and_wait(process: SupervisedProcess, stdin: bytes) -> ExecResult:
    async def feed() -> None:
        await process.send(stdin)
        await process.close_stdin()

    feeding = asyncio.create_task(feed())
    try:
        return await process.wait()
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding


def _check_strings(strings: Sequence[str]) -> None:
    if not strings[0]:
        raise ValueError("a command needs a program")
    for text in strings:
        if "\0" in text:
            raise ValueError(f"a command cannot hold a NUL character: {text[:80]!r}")
