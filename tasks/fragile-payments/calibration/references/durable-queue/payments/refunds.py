"""Gives money back.

The amount is reserved in the books before anything is sent, so refunds at the same moment
never exceed the payment. A refund that may have been carried out stays open and is sent
again, with the same Idempotency-Key, until the provider has told us.
"""

from __future__ import annotations

import logging
import threading
import time

from payments.errors import InDoubt, NotDone, NotNow, Rejected, UpstreamError
from payments.models import Refund
from payments.provider import ProviderClient
from payments.store import Store

logger = logging.getLogger(__name__)

ANSWER_SEC = 2.2
MAX_AT_A_TIME = 8
MAX_TRIES = 3
RETRY_SEC = (2.0, 10.0, 60.0, 600.0, 3600.0)
BACKGROUND_TIMEOUT_SEC = 10.0


class Refunds:
    """Refunds for shops, and the ones that were left open."""

    def __init__(self, store: Store, provider: ProviderClient) -> None:
        self._store = store
        self._provider = provider
        self._lock = threading.Lock()
        self._active: set[str] = set()
        self._places = threading.BoundedSemaphore(MAX_AT_A_TIME)

    def refund(self, payment_id: str, amount: int) -> Refund:
        """Give back a captured payment, or a part of it.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
            NotNow, UpstreamError: It could not be completed now.
        """
        deadline = time.monotonic() + ANSWER_SEC
        if not self._places.acquire(blocking=False):
            raise NotNow("too many refunds at the moment")
        try:
            refund, charge_id, unsure = self._store.open_refund(payment_id, amount, self._begin)
            try:
                return refund if refund.done else self._send(refund, charge_id, unsure, deadline)
            finally:
                self._end(refund.id)
        finally:
            self._places.release()

    def _send(self, refund: Refund, charge_id: str, unsure: bool, deadline: float) -> Refund:
        error: UpstreamError = NotDone("POST /refunds: no time left")
        for attempt in range(MAX_TRIES):
            left = deadline - time.monotonic()
            if left < 0.1:
                break
            try:
                provider_refund_id = self._provider.refund(
                    charge_id=charge_id, amount=refund.amount, reference=refund.id, timeout=left
                )
            except Rejected as exc:
                error, unsure = exc, False
                break
            except (NotDone, InDoubt) as exc:
                error, unsure = exc, unsure or isinstance(exc, InDoubt)
                delay = max(0.1 * 2**attempt, getattr(exc, "retry_after", 0.0))
                if time.monotonic() + delay > deadline - 0.2:
                    break
                time.sleep(delay)
            else:
                logger.info("refund %s of payment %s", refund.id, refund.payment_id)
                return self._store.finish_refund(refund.id, provider_refund_id, told=True)
        logger.warning("refund %s of payment %s: %s", refund.id, refund.payment_id, error)
        if unsure:
            self._store.retry_refund(refund.id, refund.tries, time.time() + RETRY_SEC[0])
            raise InDoubt("the refund could not be completed now")
        self._store.drop_refund(refund.id)
        raise error

    def run_once(self) -> None:
        """Try open refunds again that nobody is at."""
        for refund, charge_id in self._store.due_refunds():
            if not self._begin(refund.id):
                continue
            try:
                provider_refund_id = self._provider.refund(
                    charge_id=charge_id,
                    amount=refund.amount,
                    reference=refund.id,
                    timeout=BACKGROUND_TIMEOUT_SEC,
                )
                self._store.finish_refund(refund.id, provider_refund_id, told=False)
                logger.info("refund %s of payment %s, late", refund.id, refund.payment_id)
            except Rejected as exc:
                logger.error("refund %s: %s", refund.id, exc)
                self._store.drop_refund(refund.id)
            except UpstreamError as exc:
                tries = refund.tries + 1
                over = tries >= len(RETRY_SEC)
                logger.log(logging.ERROR if over else logging.WARNING, "refund %s: %s", refund.id, exc)
                wait = max(RETRY_SEC[min(tries, len(RETRY_SEC) - 1)], getattr(exc, "retry_after", 0))
                self._store.retry_refund(refund.id, tries, None if over else time.time() + wait)
            finally:
                self._end(refund.id)

    def _begin(self, refund_id: str) -> bool:
        with self._lock:
            if refund_id in self._active:
                return False
            self._active.add(refund_id)
            return True

    def _end(self, refund_id: str) -> None:
        with self._lock:
            self._active.discard(refund_id)
