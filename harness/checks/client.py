"""One HTTP request to the system under test, bounded in time and bytes.

Whatever the other side does is a `Response`, never an exception: no reply, half
a reply and nonsense are findings, and the check says what it makes of them.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.checks.failure import ControlFailed
from harness.checks.wire import MAX_BODY_BYTES, MAX_HEAD_BYTES, WireError, read_body, read_head

_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EADDRNOTAVAIL}
"""Errors that say that the grader ran out of something."""
_MAX_INTERIM = 8


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, if anything did."""

    status: int
    """0 when there was no whole reply."""
    elapsed: float
    """Seconds from when the request was sent, or due, to the end of the reply."""
    finished_at: float
    """`time.monotonic()` at the end of the reply, or when we gave up."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    """Why there is no whole reply; empty when there is one."""

    @property
    def ok(self) -> bool:
        """A whole reply with a 2xx status."""
        return 200 <= self.status < 300  # noqa: PLR2004 - what 2xx means

    def json(self) -> object:
        """The body as strict JSON, or None when it is none; never raises."""
        try:
            return json.loads(self.body, parse_constant=_reject)
        except (ValueError, RecursionError):
            return None

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        value = self.json()
        return value if isinstance(value, dict) else {}

    def __str__(self) -> str:
        """For a summary: status and the body's beginning, or what went wrong."""
        if self.error:
            return f"no reply ({self.error})"
        return f"{self.status} {self.body[:160].decode('utf-8', 'replace')}".strip()


async def fetch(
    address: str,
    method: str,
    path: str,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout_sec: float = 10.0,
    since: float | None = None,
    max_bytes: int = MAX_BODY_BYTES,
) -> Response:
    """Send one request on a new connection and read its reply.

    Args:
        address: `host:port`.
        method: Such as "GET".
        path: Path and query, already quoted.
        body: Sent as JSON; bytes are sent as they are; None sends no body.
        headers: Added to ours.
        timeout_sec: Seconds for everything together, the name look-up included; a dripped
            reply does not get more.
        since: `time.monotonic()` from which to count; now by default.
        max_bytes: A larger reply counts as none.

    Raises:
        ControlFailed: The grader itself ran out of sockets or memory.
    """
    start = time.monotonic() if since is None else since
    reply_headers: dict[str, str] = {}
    status, content, error = 0, b"", ""
    try:
        async with asyncio.timeout(timeout_sec):
            status, reply_headers, content = await _exchange(
                address, _request(address, method, path, body, headers or {}), method, max_bytes
            )
    except TimeoutError:
        error = f"none within {timeout_sec:g} s"
    except WireError as exc:
        error = str(exc)
    except OSError as exc:
        if exc.errno in _OURS:
            raise ControlFailed(f"The grader could not open a connection: {exc}.") from exc
        known = exc.errno is not None and exc.errno > 0  # a failed name look-up has its own
        error = os.strerror(exc.errno or 0) if known else str(exc)
    end = time.monotonic()
    return Response(status, end - start, end, reply_headers, content, error)


def _request(
    address: str, method: str, path: str, body: object, headers: Mapping[str, str]
) -> bytes:
    content = b""
    lines = {"Host": address, "Accept": "*/*", "Connection": "close"}
    if body is not None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines |= {"Content-Type": "application/json"}
    if content or method in {"POST", "PUT", "PATCH"}:
        lines |= {"Content-Length": str(len(content))}
    text = "".join(f"{name}: {value}\r\n" for name, value in (lines | dict(headers)).items())
    return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode() + content


async def _exchange(
    address: str, request: bytes, method: str, max_bytes: int
) -> tuple[int, dict[str, str], bytes]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=MAX_HEAD_BYTES)
    try:
        writer.write(request)
        for _ in range(_MAX_INTERIM):
            head = await read_head(reader)
            if head is None:
                raise WireError("the connection was closed without a reply")
            status = _status(head.words)
            if status >= 200:  # noqa: PLR2004 - 1xx announces another head
                break
        else:
            raise WireError("only interim replies")
        empty = method == "HEAD" or status in (204, 304)
        content = b""
        if not empty:
            content = await read_body(reader, head.headers, until_eof=True, limit=max_bytes)
        return status, dict(head.headers), content
    finally:
        writer.transport.abort()


def _status(words: list[str]) -> int:
    # a superscript is a digit to `isdigit`, and none to `int`
    digits = words[1].isascii() and words[1].isdigit() and len(words[1]) == 3  # noqa: PLR2004 - a status has three digits
    if not words[0].startswith("HTTP/1.") or not digits:
        raise WireError(f"not an HTTP reply: {' '.join(words)[:80]!r}")
    return int(words[1])


def _reject(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
