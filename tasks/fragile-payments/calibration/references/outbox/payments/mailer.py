"""Client for the mailer. See docs/mailer.md."""

from __future__ import annotations

import httpx

from payments.upstream import Answer, call

_ACCEPTED = 202
_TIMEOUT_SEC = 300.0
"""They may take minutes, and a message that we gave up on may still be delivered."""


class MailerClient:
    """Sends plain-text mail."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(self, *, to: str, subject: str, body: str) -> Answer:
        """Hand one message to the mailer; anything but 202 means that they do not have it.

        Raises:
            NotSent: They do not have it.
            NoAnswer: Nobody knows.
        """
        return await call(
            self._client,
            "POST",
            "/messages",
            json={"to": to, "subject": subject, "body": body},
            timeout=_TIMEOUT_SEC,
        )

    @staticmethod
    def accepted(answer: Answer) -> bool:
        """Whether they have it."""
        return answer.status == _ACCEPTED
