"""One refund on its way through the provider.

The provider has no list of refunds to look into. What tells us whether a call was carried out is
to send it again with the same `Idempotency-Key`, so that is what we do if we are not sure, also
when the shop was told to come back: as long as it is not known, its amount is held.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from payments.attempts import ATTEMPT_SEC, MAX_ATTEMPTS, Errand, Outcome
from payments.errors import NotCompleted, NotNow, Rejected, Unclear
from payments.provider import ProviderClient
from payments.store import RefundRequest, Store

logger = logging.getLogger(__name__)


class RefundJob(Errand):
    """Gives back money, or finds out whether it was given back."""

    def __init__(
        self,
        store: Store,
        provider: ProviderClient,
        request: RefundRequest,
        charge_id: str,
        *,
        on_end: Callable[[RefundJob], None],
    ) -> None:
        super().__init__()
        self.id = request.id
        self._store = store
        self._provider = provider
        self._request = request
        self._charge_id = charge_id
        self._on_end = on_end
        self._attempts = request.attempts
        self._refund_id: str | None = None

    def nobody_waits(self) -> RefundJob:
        """It was under way when the process ended, or earlier in this one."""
        self.back = self._in_doubt = self._gone = True
        return self

    def come_back(self) -> bool:
        """The shop asks for it again; whether there is still something to wait for."""
        with self._cond:
            if self._ended:
                return False
            self._attempts = 0
            self._gone = False
            self._started = True
            return True

    def _advance(self) -> float | None:
        if self._refund_id is not None:
            return self._done(self._refund_id)
        if self._gone and not self._in_doubt:
            return self._release(NotCompleted(503, "not carried out"))
        if self._attempts >= MAX_ATTEMPTS:
            if not self._in_doubt:
                return self._release(
                    NotCompleted(503, "the provider does not answer", self._retry_after or 1.0)
                )
            logger.error("refund %s: the provider may have carried it out", self.id)
            self._store.refund_untold(self.id)
            return self._end(NotCompleted(504, "not known yet, please come back", 3))
        self._attempts += 1
        self._store.refund_attempt(self.id, self._attempts)
        if not self._may_begin():
            return time.monotonic()
        try:
            refund_id = self._provider.refund(
                charge_id=self._charge_id,
                amount=self._request.amount,
                reference=self.id,
                limit=ATTEMPT_SEC[self._attempts - 1],
            )
        except Rejected as exc:
            logger.error("refund %s was rejected: %s", self.id, exc)
            return self._release(NotCompleted(502, "the provider does not accept this refund"))
        except (NotNow, Unclear) as exc:
            logger.warning("refund %s, attempt %d: %s", self.id, self._attempts, exc)
            return self._attempt_failed(exc, in_doubt=isinstance(exc, Unclear))
        return self._done(refund_id)

    def _done(self, refund_id: str) -> None:
        self._refund_id = refund_id
        with self._cond:
            refund = self._store.book_refund(self.id, refund_id, told=not self._gone)
            logger.info("refund %s of payment %s", self.id, refund.payment_id)
            self._end(refund)

    def _release(self, outcome: NotCompleted) -> None:
        self._store.release_refund(self.id)
        self._end(outcome)

    def _time_is_up(self) -> Outcome:
        self._gone = True
        if self._sending or self._in_doubt:
            self.back = True
            try:
                self._store.refund_untold(self.id)
            except Exception:  # it is told at the next start then
                logger.exception("refund %s", self.id)
            return NotCompleted(504, "not known yet, please come back", retry_after=3)
        return NotCompleted(503, "the provider does not answer", self._retry_after or 1.0)

    def _forget(self) -> None:
        self._on_end(self)
