"""Mails a receipt to the customer after a captured payment."""

from __future__ import annotations

import asyncio
import logging
import time

from payments.errors import UpstreamError
from payments.mailer import MailerClient
from payments.models import Payment
from payments.money import format_amount
from payments.store import Store

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


AT_A_TIME = 32
"""Messages that the mailer is given at a time. One that takes long does not count any more."""

LONG_SEC = 15.0
MAX_OPEN = 200
POLL_SEC = 0.3
MAX_PAUSE_SEC = 5.0
REFUSED_AGAIN_SEC = 600.0


class ReceiptSender:
    """Sends the receipts in the outbox on the side; nobody waits for the mailer at a checkout.

    The mailer does not look for duplicates. So a receipt is noted as being sent just before it
    is, and is not sent again if the process dies after that: it has most probably been taken.
    """

    def __init__(self, store: Store, mailer: MailerClient) -> None:
        self._store = store
        self._mailer = mailer
        self._runner: asyncio.Task[None] | None = None
        self._open: dict[str, tuple[asyncio.Task[None], float]] = {}
        self._failures = 0
        self._resume_at = 0.0

    def start(self) -> None:
        """Begin to send."""
        self._runner = asyncio.create_task(self._run(), name="receipts")

    async def stop(self, timeout: float) -> None:
        """Send nothing more, and wait a while for what is being sent."""
        if self._runner is not None:
            self._runner.cancel()
        tasks = [task for task, _ in self._open.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        for payment_id in await self._store.receipts_unknown():
            logger.warning("receipt for %s may have been sent or not", payment_id)
        while True:
            try:
                room = self._room()
                if room > 0:
                    due = self._store.receipts_due(room + len(self._open))
                    for payment in [p for p in due if p.id not in self._open][:room]:
                        task = asyncio.create_task(self._send(payment))
                        self._open[payment.id] = task, time.monotonic()
            except Exception:
                logger.exception("receipts")
            await asyncio.sleep(POLL_SEC)

    def _room(self) -> int:
        now = time.monotonic()
        if now < self._resume_at:
            return 0
        at_a_time = 1 if self._failures else AT_A_TIME
        busy = sum(now - started < LONG_SEC for _, started in self._open.values())
        return min(at_a_time - busy, MAX_OPEN - len(self._open))

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
                on_leave=lambda: self._store.receipt_leaves(payment.id),
            )
        except UpstreamError as exc:
            await self._not_sent(payment, exc)
        else:
            self._failures = 0
            await self._store.receipt_sent(payment.id)
            logger.info("receipt for %s was sent", payment.id)
        finally:
            del self._open[payment.id]

    async def _not_sent(self, payment: Payment, error: UpstreamError) -> None:
        logger.warning("receipt for %s: %s", payment.id, error)
        if error.timed_out:
            return  # It may have been taken: not again.
        if error.rejected:
            await self._store.receipt_not_sent(payment.id, due_at=time.time() + REFUSED_AGAIN_SEC)
            return
        self._failures += 1
        self._resume_at = time.monotonic() + min(0.25 * 2 ** min(self._failures, 9), MAX_PAUSE_SEC)
        await self._store.receipt_not_sent(payment.id, due_at=time.time())
