"""Client for the mailer. See docs/mailer.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

from payments.upstream import call

TIMEOUT_SEC = 600.0
"""It can take minutes, and giving up on a message means not to know whether it was taken."""


class MailerClient:
    """Sends plain-text mail."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(
        self, *, to: str, subject: str, body: str, on_leave: Callable[[], Awaitable[None]]
    ) -> None:
        """Hand one message to the mailer, once; UpstreamError if it did not take it.

        Waits for `on_leave` between connecting and sending the message itself.
        """

        async def trace(event: str, info: object) -> None:
            if event == "http11.send_request_body.started":
                await on_leave()

        await call(
            self._client,
            "POST",
            "/messages",
            json={"to": to, "subject": subject, "body": body},
            timeout=TIMEOUT_SEC,
            read=lambda response: None,
            extensions={"trace": trace},
        )
