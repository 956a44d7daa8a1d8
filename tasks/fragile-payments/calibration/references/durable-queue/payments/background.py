"""What comes after the outcome. All of it is read from the books, so nothing gets lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from payments.errors import NotDone, Rejected, UpstreamError
from payments.models import Payment, PaymentStatus
from payments.money import format_amount
from payments.provider import ProviderClient
from payments.store import Store
from payments.upstream import Upstream

logger = logging.getLogger(__name__)

SETTLEMENT_TIMEOUT_SEC = 10.0
REJECTED_CHARGE_SEC = 3600.0

DOUBT_CHECKS_SEC = (0.0, 3.0, 10.0, 30.0, 120.0, 600.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
DOUBT_TIMEOUT_SEC = 5.0

RECEIPT_SENDERS = 6
RECEIPT_TIMEOUT_SEC = 900.0
RECEIPT_RETRY_SEC = 3.0
RECEIPT_REJECTED_RETRY_SEC = 600.0


class Loop:
    """A thread that calls `run_once` again and again, whatever happens in there."""

    def __init__(self, name: str, run_once: Callable[[], bool | None], pause_sec: float) -> None:
        self._run_once = run_once
        self._pause_sec = pause_sec
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing new."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for the thread, but not longer than this."""
        self._thread.join(max(0.0, timeout))

    def _run(self) -> None:
        more: bool | None = False
        while not self._stop.wait(0 if more else self._pause_sec):
            try:
                more = self._run_once()
            except Exception as exc:
                logger.error("%s: %r", self._thread.name, exc)
                more = False


class Settlement:
    """Hands captured charges to the provider, so that the merchants get their money.

    Repeating is safe: a charge that has been settled before is not paid out again.
    """

    def __init__(self, store: Store, provider: ProviderClient, batch_size: int) -> None:
        self._store = store
        self._provider = provider
        self._batch_size = batch_size
        self._rejected: dict[str, float] = {}

    def run_once(self) -> bool:
        """Settle one batch; True if there is more."""
        now = time.monotonic()
        self._rejected = {c: until for c, until in self._rejected.items() if until > now}
        waiting = self._store.unsettled(self._batch_size + len(self._rejected))
        batch = [c for c in dict.fromkeys(waiting) if c not in self._rejected][: self._batch_size]
        return self._settle(batch) if batch else False

    def _settle(self, batch: list[str]) -> bool:
        try:
            batch_id, settled = self._provider.settle(batch, timeout=SETTLEMENT_TIMEOUT_SEC)
        except Rejected as exc:
            if len(batch) == 1:
                logger.error("charge %s cannot be settled: %s", batch[0], exc)
                self._rejected[batch[0]] = time.monotonic() + REJECTED_CHARGE_SEC
                return False
            # One charge must not keep the others from their money.
            middle = len(batch) // 2
            first, second = self._settle(batch[:middle]), self._settle(batch[middle:])
            return first or second
        except UpstreamError as exc:
            logger.warning("settlement of %d charges: %s", len(batch), exc)
            return False
        done = set(settled) & set(batch)
        self._store.mark_settled(done, batch_id)
        logger.info("settled %d charges in batch %s", len(done), batch_id)
        return len(batch) == self._batch_size == len(done)


class Doubts:
    """Payments that are not captured although the provider may have charged the card.

    The shop has been told that there is no payment, so a charge that turns up is given back.
    We look for a day, since a call may have been waiting in the provider's line.
    """

    def __init__(self, store: Store, provider: ProviderClient) -> None:
        self._store = store
        self._provider = provider

    def run_once(self) -> None:
        """Look up what is due."""
        for payment, checks in self._store.due_doubts():
            try:
                self._check(payment, checks)
            except UpstreamError as exc:
                logger.warning("payment %s in doubt: %s", payment.id, exc)
                wait = max(3.0, getattr(exc, "retry_after", 0.0))
                self._store.check_again(payment.id, checks, time.time() + wait)
                return

    def _check(self, payment: Payment, checks: int) -> None:
        charges = self._provider.charges(payment.id, timeout=DOUBT_TIMEOUT_SEC)
        for charge_id, amount in charges:
            try:
                self._provider.refund(
                    charge_id=charge_id,
                    amount=amount,
                    reference=f"undo_{payment.id}_{charge_id[-20:]}"[:64],
                    timeout=DOUBT_TIMEOUT_SEC,
                )
                logger.error(
                    "payment %s is %s but charge %s existed; it was given back",
                    payment.id,
                    payment.status,
                    charge_id,
                )
            except Rejected as exc:
                logger.error("payment %s: charge %s stands: %s", payment.id, charge_id, exc)
        if charges or checks + 1 >= len(DOUBT_CHECKS_SEC):
            failed = payment.status is PaymentStatus.FAILED
            self._store.end_doubt(payment.id, charges[0][0] if charges and failed else None)
        else:
            next_check = time.time() + DOUBT_CHECKS_SEC[checks + 1]
            self._store.check_again(payment.id, checks + 1, next_check)


_SUBJECT = "Your payment of {amount}"
_BODY = """\
We have taken {amount} from your card for {merchant}.

  Payment      {payment}
  Date         {date}
  For          {description}

Questions about your order? Please ask the shop and quote the payment number.

Brookstall
"""


class Receipts:
    """Mails a receipt to the customer after a captured payment.

    The mailer looks for no duplicates, and after a crash nobody knows whether it had the
    message that was being sent. It most likely had, so that one is not sent again.
    """

    def __init__(self, store: Store, mailer: Upstream) -> None:
        self._store = store
        self._mailer = mailer
        self._pause_until = 0.0

    def recover(self) -> None:
        """Once at start: sort out what was being sent."""
        for payment_id in self._store.sending_receipts():
            logger.error("receipt for %s: sent or not, unknown after a crash", payment_id)
            self._store.set_receipt(payment_id, "doubt")

    def run_once(self) -> bool:
        """Send one receipt; True if there was one."""
        if time.monotonic() < self._pause_until:
            return False
        payment = self._store.take_receipt()
        if payment is None:
            return False
        amount = format_amount(payment.amount, payment.currency)
        message = {
            "to": payment.customer_email,
            "subject": _SUBJECT.format(amount=amount),
            "body": _BODY.format(
                amount=amount,
                merchant=payment.merchant_id,
                payment=payment.id,
                date=payment.created_at[:10],
                description=payment.description or "-",
            ),
        }
        state, at = "sent", None
        try:
            # Minutes are normal for it, and giving up early means not knowing.
            self._mailer.call("POST", "/messages", json=message, timeout=RECEIPT_TIMEOUT_SEC)
        except UpstreamError as exc:
            logger.warning("receipt for %s: %s", payment.id, exc)
            if getattr(exc, "timed_out", False):
                state = "doubt"
            else:
                rejected = isinstance(exc, Rejected)
                wait = RECEIPT_REJECTED_RETRY_SEC if rejected else RECEIPT_RETRY_SEC
                if isinstance(exc, NotDone):
                    wait = max(wait, exc.retry_after)
                state, at = "due", time.time() + wait
                if not rejected:
                    self._pause_until = time.monotonic() + 1.0
        self._note(payment.id, state, at)
        return True

    def _note(self, payment_id: str, state: str, at: float | None) -> None:
        for _ in range(10):
            try:
                return self._store.set_receipt(payment_id, state, at)
            except Exception as exc:
                logger.error("receipt for %s is %s: %r", payment_id, state, exc)
                time.sleep(1)
