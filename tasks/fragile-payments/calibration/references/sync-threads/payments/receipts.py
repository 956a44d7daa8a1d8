"""Mails a receipt to the customer after a captured payment.

The books say which receipts are due. The mailer does not look for duplicates, so a message that
it may have is not sent again:

    due ──► sending ──► sent
     ▲         ├──────► unsure   no answer, or we were killed: for support to look at
     └─────────┘                 any answer but 202: it does not have it

`sending` is noted when the connection stands and before the first byte goes out. A mailer that
cannot be reached therefore never leads to `unsure`.
"""

from __future__ import annotations

import logging
import threading
import time

from payments.errors import NotNow, Unclear
from payments.mailer import MailerClient
from payments.models import Payment
from payments.money import format_amount
from payments.store import Store

logger = logging.getLogger(__name__)

THREADS = 3
ANSWER_SEC = 900.0
"""The mailer may take minutes; giving up early would make a receipt `unsure`."""
MAX_PAUSE_SEC = 5.0

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
    """Sends receipts on threads of its own; no payment waits for the mailer."""

    def __init__(self, store: Store, mailer: MailerClient) -> None:
        self._store = store
        self._mailer = mailer
        self._cond = threading.Condition()
        self._taken: set[str] = set()  # ids that a thread works on
        self._later: dict[str, float] = {}  # ids that the mailer refused, and until when
        self._pause_until = 0.0
        self._failures = 0
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"receipts-{n}", daemon=True)
            for n in range(THREADS)
        ]

    def start(self) -> None:
        """Begin to send."""
        for payment_id in self._store.interrupted_receipts():
            logger.error("receipt of %s: we were interrupted, the mailer may have it", payment_id)
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        """There is a receipt to be sent."""
        with self._cond:
            self._cond.notify()

    def stop(self, until: float) -> None:
        """Begin no other message; wait for the mailer's answers to those under way."""
        with self._cond:
            self._stopping = True
            self._cond.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while (payment := self._next()) is not None:
            try:
                self._send(payment)
            except Exception:
                logger.exception("receipt of %s failed, it is tried again", payment.id)
                self._put_off(payment.id)
            finally:
                with self._cond:
                    self._taken.discard(payment.id)

    def _next(self) -> Payment | None:
        with self._cond:
            while not self._stopping:
                now = time.monotonic()
                if now < self._pause_until:
                    self._cond.wait(self._pause_until - now)
                    continue
                self._later = {i: until for i, until in self._later.items() if until > now}
                skip = self._taken.union(self._later)
                for payment in self._store.receipts_due(limit=len(skip) + 1):
                    if payment.id not in skip:
                        self._taken.add(payment.id)
                        return payment
                self._cond.wait(1.0)
            return None

    def _send(self, payment: Payment) -> None:
        amount = format_amount(payment.amount, payment.currency)
        try:
            self._mailer.send(
                to=payment.customer_email,
                subject=_SUBJECT.format(amount=amount),
                body=_BODY.format(
                    amount=amount,
                    merchant=payment.merchant_id,
                    payment=payment.id,
                    date=payment.created_at[:10],
                    description=payment.description or "-",
                ),
                limit=ANSWER_SEC,
                before_send=lambda: self._store.set_receipt(payment.id, "sending"),
            )
        except NotNow as exc:
            logger.warning("receipt of %s has to wait: %s", payment.id, exc)
            self._store.set_receipt(payment.id, "due")
            self._put_off(payment.id)
        except Unclear as exc:
            logger.error("receipt of %s: the mailer may have it: %s", payment.id, exc)
            self._store.set_receipt(payment.id, "unsure")
        else:
            self._store.set_receipt(payment.id, "sent")
            with self._cond:
                self._failures = 0

    def _put_off(self, payment_id: str) -> None:
        with self._cond:
            self._failures += 1
            now = time.monotonic()
            pause = min(MAX_PAUSE_SEC, 0.25 * 2 ** min(self._failures, 10))
            self._pause_until = now + pause
            # The next try goes to another one, in case it is the message that they do not like.
            self._later[payment_id] = now + 2 * pause
