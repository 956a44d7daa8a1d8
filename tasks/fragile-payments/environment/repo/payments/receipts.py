"""Mails a receipt to the customer after a captured payment."""

from __future__ import annotations

import asyncio
import logging

from payments.errors import UpstreamError
from payments.mailer import MailerClient
from payments.models import Payment
from payments.money import format_amount

logger = logging.getLogger(__name__)

_SUBJECT = "Your payment of {amount}"
_BODY = """\
We have taken {amount} from your card for {merchant}.

  Payment      {payment}
  Date         {date}
  For          {description}

Questions about your order? Please ask the shop and quote the payment number.

Brookstall
"""


class ReceiptSender:
    """Sends receipts on the side, so that nobody waits for the mailer at a checkout."""

    def __init__(self, mailer: MailerClient) -> None:
        self._mailer = mailer
        self._tasks: set[asyncio.Task[None]] = set()

    def send_later(self, payment: Payment) -> None:
        """Send the receipt for a captured payment."""
        task = asyncio.create_task(self._send(payment))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Stop sending."""
        for task in self._tasks:
            task.cancel()

    async def _send(self, payment: Payment) -> None:
        amount = format_amount(payment.amount, payment.currency)
        try:
            await self._mailer.send(
                to=payment.customer_email,
                subject=_SUBJECT.format(amount=amount),
                body=_BODY.format(
                    amount=amount,
                    merchant=payment.merchant_id,
                    payment=payment.id,
                    date=payment.created_at[:10],
                    description=payment.description or "-",
                ),
            )
        except UpstreamError:
            logger.exception("receipt for %s was not sent", payment.id)
