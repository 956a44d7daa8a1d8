"""Client for the mailer. See docs/mailer.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from payments.errors import UpstreamError
from payments.upstream import send

TIMEOUT_SEC = 600.0
"""It takes minutes at times, and to give up on a message too early is to send it twice."""


class MailerClient:
    """Sends plain-text mail."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(
        self, *, to: str, subject: str, body: str, left: Callable[[], None]
    ) -> None:
        """Hand one message to the mailer; UpstreamError if it did not take it.

        Calls `left` when the last byte of the message is out: not before, they do not have it yet,
        and not later, we may not live to see the answer.
        """

        async def trace(event: str, info: Any) -> None:
            if event == "http11.send_request_body.complete":
                left()

        message = {"to": to, "subject": subject, "body": body}
        try:
            async with asyncio.timeout(TIMEOUT_SEC):
                status, _, _ = await send(
                    self._client, "POST", "/messages", json=message, extensions={"trace": trace}
                )
        except Exception as exc:
            raise UpstreamError(f"mailer: {type(exc).__name__}") from exc
        if status != 202:
            raise UpstreamError(f"mailer: {status}", upstream_status=status)
