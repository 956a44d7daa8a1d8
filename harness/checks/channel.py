"""The grader's end of the channel to the harness.

Line by line JSON over the process's own standard input and output. Both are
moved to private descriptors before anything else runs, so nothing that pytest,
a check or a library prints can get between the lines.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from typing import Any, BinaryIO

from pydantic import ValidationError

from harness.checks.failure import ChannelError
from harness.models.grader import (
    MAX_LINE_BYTES,
    CheckFinished,
    CheckStarted,
    Declared,
    Finished,
    GraderBrief,
    Reply,
    Request,
)

VERB_TIMEOUT_SEC = 60.0
"""How long a lifecycle verb may take on a busy machine, start excepted."""
START_TIMEOUT_SEC = 180.0
"""A fresh system under test: volume, tree, container."""

Notice = Declared | CheckStarted | CheckFinished | Finished
"""What the grader tells without being answered."""


class Channel:
    """Sends requests and notices, and hands each reply to who waits for it. Thread-safe."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Reply]] = {}
        self._last_id = 0
        self._closed = ""

    def receive_brief(self) -> GraderBrief:
        """Read the first line, then listen for replies in the background.

        Raises:
            ChannelError: There is none, or it is not a brief.
        """
        line = self._read_line()
        try:
            brief = GraderBrief.model_validate_json(line)
        except ValidationError as exc:
            raise ChannelError(f"The harness's first line is no brief: {exc}") from exc
        threading.Thread(target=self._listen, name="channel", daemon=True).start()
        return brief

    def tell(self, notice: Notice) -> None:
        """Send a notice.

        Raises:
            ChannelError: The harness is gone.
        """
        self._send(notice)

    async def request(
        self, verb: str, *, sut: str = "", timeout_sec: float = VERB_TIMEOUT_SEC, **args: object
    ) -> dict[str, Any]:
        """Ask for a lifecycle verb and wait for its value.

        Args:
            verb: One of `Request.verb`.
            sut: Which system under test; empty for `start`.
            timeout_sec: Seconds to wait for the harness.
            args: The verb's own arguments.

        Raises:
            ChannelError: The harness is gone, too slow, or says that its machinery failed.
        """
        with self._lock:
            if self._closed:
                raise ChannelError(self._closed)
            self._last_id += 1
            request = Request.model_validate(
                {"id": self._last_id, "verb": verb, "sut": sut, "args": args}
            )
            waiting = self._waiting[request.id] = Future()
        try:
            self._send(request)
            reply = await asyncio.wait_for(asyncio.wrap_future(waiting), timeout_sec)
        except TimeoutError as exc:
            raise ChannelError(
                f"The harness did not answer '{verb}' within {timeout_sec:g} s."
            ) from exc
        finally:
            self._waiting.pop(request.id, None)
        if reply.error:
            raise ChannelError(f"The harness could not '{verb}': {reply.error}")
        return reply.value

    def _send(self, line: Request | Notice) -> None:
        data = line.model_dump_json().encode() + b"\n"
        if len(data) > MAX_LINE_BYTES:
            raise ChannelError(f"A line of {len(data)} bytes is more than the channel takes.")
        with self._lock:
            try:
                self._writer.write(data)
                self._writer.flush()
            except OSError as exc:
                raise ChannelError(f"The harness is gone: {exc}") from exc

    def _read_line(self) -> bytes:
        line = self._reader.readline(MAX_LINE_BYTES + 1)
        if not line.endswith(b"\n"):
            raise ChannelError("The harness closed the channel.")
        return line

    def _listen(self) -> None:
        try:
            while True:
                reply = Reply.model_validate_json(self._read_line())
                waiting = self._waiting.get(reply.id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(reply)
        except (ChannelError, ValidationError, OSError, ValueError) as exc:
            self._close(f"The harness is gone: {exc}")

    def _close(self, reason: str) -> None:
        with self._lock:
            self._closed = reason
            waiting = list(self._waiting.values())
        for future in waiting:
            if not future.done():
                future.set_exception(ChannelError(reason))


def take_standard_streams() -> Channel:
    """The channel on this process's standard streams; what is printed goes to stderr."""
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Channel(reader, writer)
