"""Client for the mailer. See docs/mailer.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from payments.errors import NotNow, UpstreamError
from payments.upstream import call

ACCEPTED = 202


class MailerClient:
    """Sends plain-text mail."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def send(
        self, *, to: str, subject: str, body: str, limit: float, before_send: Callable[[], None]
    ) -> None:
        """Hand one message to the mailer.

        `before_send` is called when the connection stands and before the first byte goes out. If
        it was not called, the mailer cannot have the message.

        Raises:
            NotNow: The mailer does not have it.
            Unclear: It may have it.
        """
        begun = False

        def trace(event: str, info: dict[str, Any]) -> None:
            nonlocal begun
            if event == "http11.send_request_headers.started" and not begun:
                before_send()
                begun = True

        message = {"to": to, "subject": subject, "body": body}
        try:
            response = call(
                self._client, "POST", "/messages", limit=limit, body=message, trace=trace
            )
        except UpstreamError as exc:
            if begun:
                raise
            raise NotNow(str(exc)) from exc
        if response.status_code != ACCEPTED:
            raise NotNow(f"POST /messages: {response.status_code}")
