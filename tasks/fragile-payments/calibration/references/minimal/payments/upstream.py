"""What the clients of the provider and the mailer share."""

from __future__ import annotations

import asyncio
import json as jsonlib
import logging
import math
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

import httpx

from payments import __version__
from payments.errors import UpstreamError

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_ATTEMPTS = 5
MAX_ANSWER_BYTES = 1_000_000
CONNECT_TIMEOUT_SEC = 1.0
FIRST_TIMEOUT_SEC = 2.0
"""For the first attempt, so that a second one may still help who waits for us."""
TIMEOUT_SEC = 5.0


def build_client(
    base_url: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """A client for one upstream; tests pass a `transport` to use instead of the network."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        # Only for the connection; a whole answer is timed in here, they may come in drips.
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_SEC),
        limits=httpx.Limits(keepalive_expiry=30.0),
        headers={
            "User-Agent": f"brookstall-payments/{__version__}",
            "Accept-Encoding": "identity",
        },
    )


async def send(
    client: httpx.AsyncClient, method: str, path: str, **options: Any
) -> tuple[int, httpx.Headers, bytes]:
    """Send a request once; the answer's status, headers and body, which has to be small."""
    async with client.stream(method, path, **options) as response:
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise ValueError("answer is too long")
        return response.status_code, response.headers, body


async def request_with_retry(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    parse: Callable[[Any], T],
    time_limit: float,
    slot: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
    patience: float = math.inf,
    attempts: int = MAX_ATTEMPTS,
    json: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    key: str | None = None,
    accept: Collection[int] = (),
) -> T | None:
    """Send a request, again if need be, until the upstream has answered it.

    Returns what `parse` makes of the answer, or None if its status is one of `accept`. Each
    attempt is made in a `slot`; `patience` is how long to wait for the first one. With `key`,
    the upstream takes all attempts for one.

    Raises:
        UpstreamError: There was none after `attempts` attempts or `time_limit` seconds, it was
            that the request is wrong, or to wait for longer than we can.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + time_limit
    headers = {} if key is None else {"Idempotency-Key": key}
    unsure = False
    for attempt in range(1, attempts + 1):
        sent = False
        error = UpstreamError(f"{method} {path}: too busy")
        try:
            wait_until = deadline if attempt > 1 else min(deadline, clock() + patience)
            async with asyncio.timeout_at(wait_until) as limit, slot():
                timeout = FIRST_TIMEOUT_SEC if attempt == 1 else TIMEOUT_SEC
                last = attempt == attempts
                limit.reschedule(deadline if last else min(deadline, clock() + timeout))
                sent = True
                status, answer_headers, body = await send(
                    client, method, path, json=json, params=params, headers=headers
                )
            if status in accept:
                return None
            if 200 <= status < 300:
                return parse(jsonlib.loads(body))
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            error = UpstreamError(f"{method} {path}: {type(exc).__name__}")
        except Exception as exc:
            unsure = unsure or sent
            if sent:  # Only the name: the text may quote what we have sent.
                error = UpstreamError(f"{method} {path}: {type(exc).__name__}")
        else:
            error = UpstreamError(f"{method} {path}: {status}", upstream_status=status)
            if status in (429, 503):
                error.retry_after = _seconds(answer_headers.get("Retry-After"))
            else:
                unsure = unsure or not error.rejected
        logger.warning("attempt %d of %d: %s", attempt, attempts, error)
        # Where it was told "not now", the caller is told soon; where money may have been
        # taken, the attempts are spread over the time there is.
        delay = error.retry_after or 0.1 * (4 if unsure else 1.7) ** (attempt - 1)
        if not sent or error.rejected or attempt == attempts or clock() + delay >= deadline:
            break
        await asyncio.sleep(delay)
    error.unsure = unsure
    raise error


def _seconds(retry_after: str | None) -> float | None:
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return min(seconds, 3600.0) if seconds > 0 else None
