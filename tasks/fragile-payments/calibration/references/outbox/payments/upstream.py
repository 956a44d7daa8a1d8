"""One call to somebody else: bounded in time and size, and exact about how it ended.

It is sent once; whether to send it again is for those who know what it means.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from payments import __version__

MAX_BODY = 256 * 1024


class NotSent(Exception):
    """There was no connection, so they have not seen it."""


class NoAnswer(Exception):
    """They may or may not have carried it out."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


@dataclass(frozen=True)
class Answer:
    """What they said; `body` is None if it is no JSON object."""

    status: int
    body: dict[str, Any] | None = None
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def not_now(self) -> bool:
        """Not carried out; try again later."""
        return self.status in (429, 503)

    @property
    def wrong(self) -> bool:
        """Our request is wrong; not to be repeated."""
        return 400 <= self.status < 500 and self.status not in (402, 408, 409, 425, 429)


def build_client(
    base_url: str, *, transport: httpx.AsyncBaseTransport | None = None, keepalive: int = 20
) -> httpx.AsyncClient:
    """A client for one upstream; tests pass a `transport` to use instead of the network."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        timeout=httpx.Timeout(None, connect=1.0),
        # Short, so that we do not write to a connection that they are about to close.
        limits=httpx.Limits(
            max_connections=30, max_keepalive_connections=keepalive, keepalive_expiry=2.0
        ),
        headers={
            "User-Agent": f"brookstall-payments/{__version__}",
            "Accept-Encoding": "identity",
        },
        trust_env=False,
    )


async def call(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    timeout: float,
    json: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Answer:
    """Send a request once; `timeout` is for all of it, down to the last byte of the answer.

    Messages of the exceptions name the call and nothing of its content.

    Raises:
        NotSent: It did not get to them.
        NoAnswer: It may or may not have got to them.
    """
    headers = {} if key is None else {"Idempotency-Key": key}
    request = client.build_request(method, path, json=json, params=params, headers=headers)
    what = f"{method} {request.url.path}"
    try:
        async with asyncio.timeout(timeout):
            response = await client.send(request, stream=True)
            try:
                body = await _read(response) if response.is_success else None
            finally:
                await response.aclose()
    except TimeoutError as exc:
        raise NoAnswer(f"{what}: no answer in {timeout:.1f} s", timed_out=True) from exc
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
        raise NotSent(f"{what}: {type(exc).__name__}") from exc
    except Exception as exc:
        raise NoAnswer(f"{what}: {type(exc).__name__}") from exc
    return Answer(
        status=response.status_code,
        body=body,
        retry_after=_seconds(response.headers.get("Retry-After")),
    )


async def _read(response: httpx.Response) -> dict[str, Any] | None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > MAX_BODY:
            return None
    try:
        body = jsonlib.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _seconds(value: str | None) -> float | None:
    """The header Retry-After, which is seconds or a date."""
    if value is None:
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
    return min(max(seconds, 0.0), 86400.0) if math.isfinite(seconds) else None
