"""The copy beside the relay: reads a reply while its bytes go on to the client."""

from __future__ import annotations

import hashlib

from pydantic_core import from_json

from harness.gateway.formats import Format
from harness.gateway.formats.loose import items, table, text
from harness.gateway.sse import EventCutter, Sent

WHOLE_BYTES = 8 * 1024 * 1024
"""What is kept of a reply in one piece in order to read it; a longer one is counted only."""
_PROBLEM_CHARS = 2000


class ReplyCopy:
    """Fed every chunk of one reply."""

    def __init__(self, form: Format, *, streamed: bool, strip_usage: bool) -> None:
        self.reader = form.reader()
        self.malformed = 0
        self.bytes = 0
        self.truncated = False
        self.streamed = streamed
        self.readable = True
        """False for an operation or encoding whose body means nothing to us."""
        self._hash = hashlib.sha256()
        self._whole = bytearray()
        self._cutter = EventCutter() if streamed else None
        self.strip_usage = strip_usage and streamed
        """Leave out the usage that the client did not ask for."""

    @property
    def sha256(self) -> str:
        """Of everything fed so far."""
        return self._hash.hexdigest()

    def feed(self, chunk: bytes) -> bytes:
        """Read a chunk.

        Returns:
            What the client gets of it: the same, unless usage is left out.
        """
        self._hash.update(chunk)
        self.bytes += len(chunk)
        if self._cutter is None:
            self._keep(chunk)
            return chunk
        events = self._cutter.feed(chunk)
        for sent in events:
            self._read(sent)
        if self.strip_usage:
            return b"".join(sent.raw for sent in events if not _is_usage_only(sent))
        return chunk

    def end(self) -> bytes:
        """The reply is over.

        Returns:
            What the client has not got yet.
        """
        if self._cutter is None:
            self._read_whole()
            return b""
        rest = self._cutter.rest()
        if rest is None:
            return b""
        self._read(rest)
        return rest.raw if self.strip_usage else b""

    @property
    def passed_on(self) -> bool:
        """The client has all of it, to its format's end.

        Not told where something is left out: such a chunk is read before it is passed on.
        """
        return self.readable and self.reader.ended and not self.strip_usage

    @property
    def cut(self) -> bool:
        """The reply did not come to the end that its format has."""
        return self.readable and not self.reader.ended and not self.truncated

    def error(self) -> str:
        """An upstream's error body, as text."""
        try:
            body = from_json(bytes(self._whole))
        except ValueError:
            return self._whole[:_PROBLEM_CHARS].decode("utf-8", "replace")
        first = table(items(body)[0]) if items(body) else table(body)
        inner = table(first, "error")
        said = text(inner, "message") or text(first, "message") or text(first, "error")
        return (said or bytes(self._whole).decode("utf-8", "replace"))[:_PROBLEM_CHARS]

    def _keep(self, chunk: bytes) -> None:
        if len(self._whole) + len(chunk) > WHOLE_BYTES:
            self.truncated = True
            self._whole.clear()
        if not self.truncated:
            self._whole += chunk

    def _read(self, sent: Sent) -> None:
        if not sent.readable:
            self.malformed += 1
        elif sent.data and self.readable:
            try:
                self.reader.event(sent.name, sent.data)
            except ValueError:
                self.malformed += 1
        elif not _is_comment(sent):
            self.malformed += 1

    def _read_whole(self) -> None:
        if not self._whole or not self.readable:
            return
        try:
            self.reader.whole(from_json(bytes(self._whole)))
        except ValueError:
            self.malformed += 1


def _is_comment(sent: Sent) -> bool:
    """Comments keep a connection alive; an event without data is nothing."""
    lines = sent.raw.splitlines()
    return all(line.startswith((b":", b"event", b"id", b"retry")) or not line for line in lines)


def _is_usage_only(sent: Sent) -> bool:
    """The chunk that a client gets only when it asked for usage: no choices, but usage."""
    if '"usage"' not in sent.data:
        return False
    try:
        body = table(from_json(sent.data))
    except ValueError:
        return False
    return body.get("choices") == [] and bool(table(body, "usage"))
