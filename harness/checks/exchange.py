"""One call to an upstream, its answer, and the connection in a behaviour's hands."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.checks.wire import MAX_HEAD_BYTES

_RST_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body; bytes go out as they are."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> tuple[bytes, bytes]:
        """Head and body as they go over the wire."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        text = "".join(
            f"{name}: {value}\r\n" for name, value in (lines | dict(self.headers)).items()
        )
        return f"HTTP/1.1 {self.status} -\r\n{text}\r\n".encode(), body


@dataclass(slots=True)
class Call:
    """One request that was read to its end. Times are `time.monotonic()` seconds."""

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    arrived: float
    started: float | None = None
    """When a slot was free for it."""
    answered: float | None = None
    """When the whole answer was handed to the network."""
    gone: float | None = None
    """When the caller hung up before that."""
    status: int | None = None

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


class WatchedReader(asyncio.StreamReader):
    """Tells at once when the caller hangs up, without reading ahead."""

    def __init__(self) -> None:
        super().__init__(limit=MAX_HEAD_BYTES)
        self.ended = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.ended.set()

    def set_exception(self, exc: Exception) -> None:
        """The connection was reset."""
        super().set_exception(exc)
        self.ended.set()


class Exchange:
    """One call and the connection it came on, in a behaviour's hands."""

    def __init__(
        self,
        call: Call,
        work: Callable[[], Awaitable[Answer]],
        reader: WatchedReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._work = work
        self._reader = reader
        self._writer = writer
        self._answer: Answer | None = None
        self.call = call
        self.complete = False
        """A whole answer went out, so the connection can carry the next call."""

    async def answer(self) -> Answer:
        """Let the handler do its work, in a slot and with its latency; its effect is then there."""
        if self._answer is None:
            self._answer = await self._work()
        return self._answer

    async def send(self, answer: Answer) -> None:
        """Send a whole answer."""
        head, body = answer.encode()
        self.answered(answer)
        await self.write(head + body)

    def answered(self, answer: Answer) -> None:
        """Note that the whole answer went out, for behaviours that write it themselves."""
        self.call.status = answer.status
        self.call.answered = time.monotonic()
        self.complete = True

    async def write(self, data: bytes) -> None:
        """Send some bytes."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            self.complete = False

    async def until_gone(self) -> None:
        """Wait until the caller hangs up."""
        await self._reader.ended.wait()

    @property
    def gone(self) -> bool:
        """The caller hung up."""
        return self._reader.ended.is_set()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.complete = False
        reset_connection(self._writer)


def reset_connection(writer: asyncio.StreamWriter) -> None:
    """End a connection with a TCP reset instead of an orderly end."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    writer.transport.abort()
