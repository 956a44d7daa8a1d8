"""HTTP calls with a hard deadline, and what an answer means.

The timeouts of httpx count from one received byte to the next, so an upstream that drips
bytes never runs into them. `_Stream` puts one deadline over everything a call does.
"""

from __future__ import annotations

import json as jsonlib
import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from payments import __version__
from payments.errors import InDoubt, NotDone, Rejected

logger = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 1_000_000
UNSETTLED_4XX = (408, 409, 425)

_call = threading.local()


def _left(timeout_error: type[Exception]) -> float:
    left: float = _call.deadline - time.monotonic()
    if left <= 0:
        raise timeout_error("deadline")
    return left


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options))


@dataclass(frozen=True)
class Answer:
    """A status code and the JSON object that came with it."""

    status: int
    body: dict[str, Any]


class Upstream:
    """One upstream; safe to use from several threads."""

    def __init__(self, base_url: str, *, keepalive: int = 20) -> None:
        transport = httpx.HTTPTransport(
            limits=httpx.Limits(
                max_connections=100, max_keepalive_connections=keepalive, keepalive_expiry=3.0
            )
        )
        transport._pool._network_backend = _Backend()  # httpx has no argument for it
        self._client = httpx.Client(
            base_url=base_url,
            transport=transport,
            headers={"User-Agent": f"brookstall-payments/{__version__}"},
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        key: str | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """Send a request once; back within `timeout` seconds, whatever happens.

        Only 2xx and the statuses in `accept` are returned, all else is a NotDone, an InDoubt
        or a Rejected. What was sent or answered is in none of them: it may hold a card token.
        """
        _call.deadline = time.monotonic() + timeout
        what = f"{method} {path}"
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            with self._client.stream(
                method, path, json=json, params=params, headers=headers, timeout=timeout
            ) as response:
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MAX_ANSWER_BYTES:
                        raise InDoubt(f"{what}: answer too long")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
            raise NotDone(f"{what}: {type(exc).__name__}", sent=False) from None
        except httpx.HTTPError as exc:
            timed_out = isinstance(exc, httpx.TimeoutException)
            raise InDoubt(f"{what}: {type(exc).__name__}", timed_out=timed_out) from None

        status = response.status_code
        message = f"{what}: {status}"
        if response.is_success or status in accept:
            try:
                body = jsonlib.loads(bytes(data) or b"{}")
            except ValueError:
                body = None
            if not isinstance(body, dict):
                if status in accept:
                    body = {}
                else:
                    raise InDoubt(f"{message} without a JSON object", timed_out=True)
            return Answer(status, body)
        if status in (429, 503):
            raise NotDone(message, retry_after=_seconds(response.headers.get("Retry-After")))
        if 400 <= status < 500 and status not in UNSETTLED_4XX:
            raise Rejected(message, status=status)
        raise InDoubt(message)


def _seconds(retry_after: str | None) -> float:
    try:
        return min(max(0.0, float(retry_after or 0)), 3600.0)
    except ValueError:
        return 1.0
