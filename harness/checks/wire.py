"""HTTP/1.1 framing with caps, shared by the client and the upstream stub.

Both ends talk to hostile code, so every read is bounded in bytes here and in
time by the caller.

Source: RFC 9112 sections 4-7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
"""Start line and headers together; also the limit of every `StreamReader` here."""
MAX_HEADERS = 200
"""Of one message: each takes far more memory than it has bytes."""
MAX_BODY_BYTES = 1024 * 1024
"""A body larger than this is a broken peer unless the caller says otherwise."""
_END_OF_HEAD = b"\r\n\r\n"


class WireError(Exception):
    """The peer does not speak HTTP/1.1, or says more than is allowed."""


@dataclass(frozen=True, slots=True)
class Head:
    """Start line and headers of a message; header names in lower case."""

    start: str
    headers: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        """The start line's three parts; the last one may hold spaces.

        Raises:
            WireError: There are fewer.
        """
        words = self.start.split(" ", 2)
        if len(words) < 2:  # noqa: PLR2004 - a reason phrase may be missing
            raise WireError(f"not HTTP: {self.start[:80]!r}")
        return words


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next message's head, or None when the peer closed between two messages.

    Raises:
        WireError: It is not HTTP, is too large, or ends early.
    """
    try:
        raw = await reader.readuntil(_END_OF_HEAD)
    except asyncio.IncompleteReadError as exc:
        if not exc.partial.strip():
            return None
        raise WireError("the connection ended within the headers") from exc
    except asyncio.LimitOverrunError as exc:
        raise WireError(f"more than {MAX_HEAD_BYTES} bytes of headers") from exc
    start, *lines = raw[: -len(_END_OF_HEAD)].decode("latin-1").lstrip("\r\n").split("\r\n")
    if len(lines) > MAX_HEADERS:
        raise WireError(f"more than {MAX_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise WireError(f"not a header: {line[:80]!r}")
        headers[name.strip().lower()] = value.strip()
    return Head(start, headers)


async def read_body(
    reader: asyncio.StreamReader,
    headers: Mapping[str, str],
    *,
    until_eof: bool = False,
    limit: int = MAX_BODY_BYTES,
) -> bytes:
    """A message's body by its framing headers.

    Args:
        reader: Positioned after the head.
        headers: From `read_head`.
        until_eof: A reply without framing headers lasts until the connection ends.
        limit: Bytes allowed.

    Raises:
        WireError: It is larger than `limit`, badly framed, or ends early.
    """
    try:
        if headers.get("transfer-encoding", "").lower().endswith("chunked"):
            return await _read_chunks(reader, limit)
        if "content-length" in headers:
            return await reader.readexactly(_size(headers["content-length"], 10, limit))
        return await _read_rest(reader, limit) if until_eof else b""
    except asyncio.IncompleteReadError as exc:
        raise WireError("the connection ended within the body") from exc
    except asyncio.LimitOverrunError as exc:
        raise WireError("a chunk's size line is too long") from exc


async def _read_chunks(reader: asyncio.StreamReader, limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    while True:
        line = await reader.readuntil(b"\r\n")
        size = _size(line.decode("latin-1").split(";")[0], 16, left)
        if size == 0:
            break
        left -= size
        parts.append(await reader.readexactly(size))
        if await reader.readexactly(2) != b"\r\n":
            raise WireError("a chunk does not end where it says")
    for _ in range(32):  # trailers; nobody sends more on purpose
        if await reader.readuntil(b"\r\n") == b"\r\n":
            return b"".join(parts)
    raise WireError("too many trailers")


async def _read_rest(reader: asyncio.StreamReader, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await reader.read(64 * 1024):
        size += len(part)
        if size > limit:
            raise WireError(f"the body is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _size(text: str, base: int, limit: int) -> int:
    digits = text.strip()
    if not digits.isalnum() or len(digits) > 16:  # noqa: PLR2004 - beyond any honest length
        raise WireError(f"not a length: {text[:40]!r}")
    try:
        size = int(digits, base)
    except ValueError as exc:
        raise WireError(f"not a length: {text[:40]!r}") from exc
    if size > limit:
        raise WireError(f"the body is larger than {limit} bytes")
    return size
