"""What the clients of the provider and the mailer share."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

import httpx

from payments import __version__
from payments.errors import UpstreamError

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 8


def build_client(
    base_url: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """A client for one upstream; tests pass a `transport` to use instead of the network."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        timeout=None,
        limits=httpx.Limits(keepalive_expiry=30.0),
        headers={"User-Agent": f"brookstall-payments/{__version__}"},
    )


async def request_with_retry(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    json: Mapping[str, Any] | None = None,
    accept: Collection[int] = (),
) -> httpx.Response:
    """Send a request, again if need be, until the upstream has answered it.

    `accept` lists status codes besides 2xx that are an answer for the caller.

    Raises:
        UpstreamError: There was none after `MAX_ATTEMPTS` attempts.
    """
    error = UpstreamError(f"{method} {path}: not attempted")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            response = await client.request(method, path, json=json)
        except Exception as exc:
            error = UpstreamError(f"{method} {path}: {exc!r}")
        else:
            if response.is_success or response.status_code in accept:
                return response
            error = UpstreamError(
                f"{method} {path}: {response.status_code}",
                upstream_status=response.status_code,
            )
        logger.warning("attempt %d of %d: %s", attempt, MAX_ATTEMPTS, error)
    raise error
