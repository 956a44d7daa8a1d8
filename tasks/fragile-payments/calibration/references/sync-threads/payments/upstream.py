"""Blocking HTTP calls whose total time and size are bounded.

httpx's timeouts are per read: an upstream that drips a byte a second is never too slow for them.
Here every socket operation of a call gets what is left until the call's deadline, so connecting,
sending, headers and body together end in time. (Resolving a name is the exception; the system's
resolver cannot be interrupted. It happens on background threads only, nobody waits for it.)
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from payments import __version__
from payments.errors import NotNow, Rejected, Unclear

MAX_BODY = 256 * 1024
MAX_CONNECT_SEC = 1.0

_call = threading.local()
"""`_call.deadline` is when the call that this thread makes has to be over."""


def _left(timeout: float | None) -> float:
    left: float = _call.deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for this call is over")
    return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection on which no operation goes beyond the deadline of the current call."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(
            host, port, min(_left(timeout), MAX_CONNECT_SEC), local_address, socket_options
        )
        return _Stream(stream)


class BoundedTransport(httpx.BaseTransport):
    """Carries out a request by `request.extensions["deadline"]`, reading at most `MAX_BODY`."""

    def __init__(self, *, keep_alive: bool) -> None:
        self._pool = httpcore.ConnectionPool(
            max_connections=32,
            max_keepalive_connections=16 if keep_alive else 0,
            # Shorter than the usual 5 s of servers: they should not close it while we send.
            keepalive_expiry=3.0,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _call.deadline = request.extensions["deadline"]
        extensions = {k: v for k, v in request.extensions.items() if k == "trace"}
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        try:
            response = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.read(),
                    extensions=extensions,
                )
            )
            with contextlib.closing(response):
                body = bytearray()
                for chunk in response.iter_stream():
                    body += chunk
                    if len(body) > MAX_BODY:
                        raise httpx.ReadError("the answer is too long")
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
            raise httpx.ConnectError(str(exc)) from exc
        except httpcore.TimeoutException as exc:
            raise httpx.ReadTimeout(str(exc)) from exc
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as exc:
            raise httpx.ReadError(str(exc)) from exc
        # We ask for no content encoding; a body that has one is not for us to unpack.
        headers = [(k, v) for k, v in response.headers if k.lower() != b"content-encoding"]
        return httpx.Response(response.status, headers=headers, content=bytes(body))

    def close(self) -> None:
        self._pool.close()


def build_client(
    base_url: str, *, transport: httpx.BaseTransport | None = None, keep_alive: bool = True
) -> httpx.Client:
    """A client for one upstream; tests pass a `transport` to use instead of the network."""
    return httpx.Client(
        base_url=base_url,
        transport=transport or BoundedTransport(keep_alive=keep_alive),
        trust_env=False,
        headers={
            "User-Agent": f"brookstall-payments/{__version__}",
            "Accept-Encoding": "identity",
        },
    )


def call(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    limit: float,
    body: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    trace: Callable[[str, dict[str, Any]], None] | None = None,
) -> httpx.Response:
    """Make one call that is over after `limit` seconds; any answer is returned.

    Raises:
        NotNow: The upstream was not reached, so nothing happened there.
        Unclear: There was no complete answer.
    """
    extensions: dict[str, Any] = {"deadline": time.monotonic() + limit}
    if trace is not None:
        extensions["trace"] = trace
    try:
        return client.request(
            method, path, json=body, params=params, headers=headers, extensions=extensions
        )
    except httpx.ConnectError as exc:
        raise NotNow(f"{method} {_short(path)}: not reached") from exc
    except httpx.HTTPError as exc:
        raise Unclear(f"{method} {_short(path)}: {type(exc).__name__}") from exc


def check(response: httpx.Response, what: str) -> None:
    """Raise what an answer other than 2xx means, see docs/provider-api.md."""
    status = response.status_code
    if 200 <= status < 300:
        return
    if status in (429, 503):
        raise NotNow(f"{what}: {status}", retry_after(response))
    if 400 <= status < 500 and status not in (408, 409, 425):
        raise Rejected(f"{what}: {status}", status)
    raise Unclear(f"{what}: {status}")


def json_object(response: httpx.Response, what: str) -> dict[str, Any]:
    """The JSON object in an answer; Unclear if there is none."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError) as exc:
        raise Unclear(f"{what}: the answer is not JSON") from exc
    if not isinstance(body, dict):
        raise Unclear(f"{what}: the answer is not an object")
    return body


def retry_after(response: httpx.Response) -> float | None:
    """The seconds in `Retry-After` (which may also be a date), or None."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        seconds = (when - datetime.now(UTC)).total_seconds()
    if not seconds < 86400:  # also if it is not a number
        return 86400.0
    return max(0.0, seconds)


def _short(path: str) -> str:
    return path.split("?", 1)[0]
