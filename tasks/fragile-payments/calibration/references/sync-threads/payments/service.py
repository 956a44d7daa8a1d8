"""What happens when somebody pays or is paid back."""

from __future__ import annotations

import logging
import threading
import time

from payments.attempts import Outcome, busy
from payments.errors import (
    KeyReused,
    NotCompleted,
    PaymentNotFound,
    PaymentsError,
    UnknownCurrency,
)
from payments.models import PaymentRequest, PaymentStatus, Refund, Reply, new_id, reply
from payments.payment_job import LATE_LOOKS, LateLook, PaymentJob, Tools, same_request
from payments.refund_job import RefundJob
from payments.store import Known, RefundRequest

logger = logging.getLogger(__name__)

MAX_LINE_SEC = 0.5
"""Nobody is put into a line that is longer than this,"""
START_SEC = 0.7
"""and who was not served by then is told to come back."""
RATE_SEC = 1.6
_UNFINISHED = (PaymentStatus.PENDING, PaymentStatus.ABORTED)


class PaymentService:
    """Takes payments and gives them back."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lock = threading.Lock()
        self._under_way: dict[str, PaymentJob] = {}
        self._refunds: dict[str, RefundJob] = {}

    def resume(self) -> None:
        """Go on with everything that was under way when the process ended."""
        store, engine = self._tools.store, self._tools.engine
        unfinished = store.unfinished()
        self._tools.vault.keep_only({found.payment.id for found in unfinished if found.accepted})
        for found in unfinished:
            job = PaymentJob.of_unfinished(self._tools, found, self._forget_payment)
            self._under_way[found.key] = job
            engine.submit(job)
        for payment_id in store.to_look_for():
            engine.submit(LateLook(self._tools, payment_id), time.monotonic() + LATE_LOOKS[-1])
        refunds = store.unfinished_refunds()
        for request in refunds:
            engine.submit(self._refund_job(request).nobody_waits())
        logger.info("going on with %d payments, %d refunds", len(unfinished), len(refunds))

    def take(self, key: str, request: PaymentRequest, answer_by: float) -> Reply:
        """Charge the customer's card, or tell again how that went.

        Answers 201, 402, or 202 if it takes longer.

        Raises:
            KeyReused: The key belongs to another payment.
            StillUnderWay: The first request with this key has no outcome yet.
            NotCompleted: The shop has to come back.
        """
        known = self._known(key, request)
        if known is not None and known.payment.status not in _UNFINISHED:
            return reply(known.payment)
        job = PaymentJob.of_request(self._tools, key, request, self._forget_payment)
        with self._lock:
            first = self._under_way.setdefault(key, job)
        if first is not job:
            if known is None and not first.is_same(request):
                raise KeyReused("this key was used for another payment")
            return _payment(first.answer_copy(request))
        try:
            # Once more: it may have got its outcome while we were not yet registered.
            known = self._known(key, request)
            if known is not None and known.payment.status not in _UNFINISHED:
                self._forget_payment(job)
                return reply(known.payment)
            if known is not None:
                job.come_back(known)
            self._admit()
            self._tools.rates.wait(
                request.currency.value, min(answer_by - 0.5, time.monotonic() + RATE_SEC)
            )
            if not self._tools.engine.try_submit(job, MAX_LINE_SEC):
                raise busy()
        except UnknownCurrency as exc:
            self._forget_payment(job)
            raise NotCompleted(502, str(exc)) from exc
        except BaseException:
            self._forget_payment(job)
            raise
        return _payment(job.wait(min(time.monotonic() + START_SEC, answer_by), answer_by))

    def refund(self, payment_id: str, amount: int, answer_by: float) -> Refund:
        """Give back a captured payment, or a part of it.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
            NotCompleted: The shop has to come back.
        """
        if not self._tools.engine.has_room(MAX_LINE_SEC):
            raise busy()
        request = self._tools.store.ask_refund(new_id("ref"), payment_id, amount)
        if request.refund is not None:
            return request.refund
        with self._lock:
            job = self._refunds.get(request.id)
        if job is None or not job.come_back():
            job = self._refund_job(request)
            self._tools.engine.submit(job)
        outcome = job.wait(answer_by, answer_by)
        if isinstance(outcome, Refund):
            return outcome
        assert isinstance(outcome, PaymentsError)
        raise outcome

    def _known(self, key: str, request: PaymentRequest) -> Known | None:
        known = self._tools.store.find_key(key)
        if known and not same_request(request, known.payment, known.salt, known.digest):
            raise KeyReused("this key was used for another payment")
        return known

    def _admit(self) -> None:
        if not self._tools.engine.has_room(MAX_LINE_SEC):
            raise busy()
        if not self._tools.health.may_try():
            raise busy("the provider does not answer")

    def _forget_payment(self, job: PaymentJob) -> None:
        with self._lock:
            if self._under_way.get(job.key) is job:
                del self._under_way[job.key]

    def _refund_job(self, request: RefundRequest) -> RefundJob:
        payment = self._tools.store.get_payment(request.payment_id)
        if payment is None or payment.provider_charge_id is None:
            raise PaymentNotFound(f"no payment {request.payment_id}")
        job = RefundJob(
            self._tools.store,
            self._tools.provider,
            request,
            payment.provider_charge_id,
            on_end=self._forget_refund,
        )
        with self._lock:
            self._refunds[request.id] = job
        return job

    def _forget_refund(self, job: RefundJob) -> None:
        with self._lock:
            if self._refunds.get(job.id) is job:
                del self._refunds[job.id]


def _payment(outcome: Outcome) -> Reply:
    if isinstance(outcome, Reply):
        return outcome
    assert isinstance(outcome, PaymentsError)
    raise outcome
