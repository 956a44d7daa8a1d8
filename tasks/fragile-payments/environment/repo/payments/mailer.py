"""Client for the mailer. See docs/mailer.md."""

from __future__ import annotations

import httpx

from payments.upstream import request_with_retry


class MailerClient:
    """Sends plain-text mail."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(self, *, to: str, subject: str, body: str) -> None:
        """Hand one message to the mailer; UpstreamError if it did not take it."""
        await request_with_retry(
            self._client, "POST", "/messages", json={"to": to, "subject": subject, "body": body}
        )
