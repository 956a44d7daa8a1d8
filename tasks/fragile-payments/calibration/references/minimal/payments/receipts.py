"""Mails a receipt to the customer after a captured payment."""

from __future__ import annotations

import asyncio
import logging

from payments.errors import UpstreamError
from payments.mailer import MailerClient
from payments.models import Payment, seconds_since, utc_now
from payments.money import format_amount
from payments.store import Store

logger = logging.getLogger(__name__)

MAX_SENDING = 20
"""Messages on their way to the mailer, those that it is slow to take not counted."""
MAX_SENDING_AND_SLOW = 200
SLOW_SEC = 10.0
MIN_RETRY_SEC = 5.0
MAX_RETRY_SEC = 3600.0

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
    """Sends receipts on the side, so that nobody waits for the mailer at a checkout.

    What is due is in the books. It is struck out when it has left for the mailer and put back if
    the mailer did not take it, so that a restart in between does not send it twice.
    """

    def __init__(self, store: Store, mailer: MailerClient) -> None:
        self._store = store
        self._mailer = mailer
        self._tasks: dict[asyncio.Task[None], float] = {}
        self._sending: set[str] = set()
        self._mailer_ok = True
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._runner = asyncio.create_task(self._run(), name="receipts")

    async def stop(self, grace_sec: float) -> None:
        """Stop sending; what the mailer has already been given may take `grace_sec`."""
        if self._runner is not None:
            self._runner.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_sec)
        for task in self._tasks:
            logger.error("the mailer has not answered yet to the %s", task.get_name())
            task.cancel()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(0.2 if self._mailer_ok else 1.0)
            quick = sum(clock() - started < SLOW_SEC for started in self._tasks.values())
            # As long as it does not take any, one message is enough to find out.
            room = min(MAX_SENDING - quick, MAX_SENDING_AND_SLOW - len(self._tasks))
            try:
                due = self._store.due_receipts(limit=room + len(self._sending))
            except Exception:
                logger.exception("receipts are not sent now")
                continue
            due = [payment for payment in due if payment.id not in self._sending]
            for payment in due[: room if self._mailer_ok else min(room, 1)]:
                self._sending.add(payment.id)
                task = asyncio.create_task(self._send(payment), name=f"receipt for {payment.id}")
                self._tasks[task] = clock()
                task.add_done_callback(self._tasks.pop)

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
                left=lambda: self._store.set_receipt_due(payment, None),
            )
        except UpstreamError as exc:
            logger.warning("receipt for %s was not sent: %s", payment.id, exc)
            self._mailer_ok = False
            age = seconds_since(payment.created_at)
            wait = max(MIN_RETRY_SEC, min(age, MAX_RETRY_SEC))
            self._store.set_receipt_due(payment, utc_now(wait))
        else:
            logger.info("receipt for %s was sent", payment.id)
            self._mailer_ok = True
            self._store.set_receipt_due(payment, None)
        finally:
            self._sending.discard(payment.id)
