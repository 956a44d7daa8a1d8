"""What a shop's request does: it puts work into the outbox and waits for the outcome."""

from __future__ import annotations

import asyncio
import logging
import time

from payments import store
from payments.capacity import Admission
from payments.config import Settings
from payments.db import Database
from payments.dispatch import Dispatcher
from payments.errors import NotNow, TurnedDown, Unfinished, UnknownCurrency
from payments.models import Payment, PaymentRequest, PaymentStatus, Refund, Reply, new_id
from payments.provider import End
from payments.rates import Rates
from payments.waiting import Waiting

logger = logging.getLogger(__name__)

RATE_WAIT_SEC = 1.7


class PaymentService:
    """Takes payments and gives them back."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        rates: Rates,
        admission: Admission,
        waiting: Waiting,
        dispatcher: Dispatcher,
    ) -> None:
        self._settings = settings
        self._db = db
        self._rates = rates
        self._admission = admission
        self._waiting = waiting
        self._dispatcher = dispatcher
        self._refunds_waited_for: set[str] = set()
        self.leaving = False

    async def take(self, key: str, request: PaymentRequest) -> Reply:
        """Take a payment, or tell how the one with this key went.

        Raises:
            KeyReused: The key names another payment.
            NotNow: It cannot be done in time; the shop comes back.
            TurnedDown: There is no rate for this currency.
        """
        answer_by = time.monotonic() + self._settings.answer_sec
        payment = await self._db.read(store.find_key, key, request)
        if payment is None or store.can_repeat(payment, time.time()):
            payment = await self._accept(key, request, payment)
        if payment.pending:
            payment = await self._outcome(payment.id, answer_by)
        return _reply(payment)

    async def _accept(self, key: str, request: PaymentRequest, earlier: Payment | None) -> Payment:
        if self.leaving:
            raise NotNow("we are restarting, please come back")
        payment_id = new_id("pay") if earlier is None else earlier.id
        self._admission.enter(payment_id)
        accepted = False
        try:
            try:
                await self._rates.get(request.currency.value, wait=RATE_WAIT_SEC)
            except UnknownCurrency as exc:
                raise TurnedDown(str(exc)) from exc
            payment = await self._db.write(store.accept, key, request, payment_id, time.time())
            accepted = payment.id == payment_id and payment.pending
        finally:
            if not accepted:
                self._admission.leave(payment_id)
        if accepted:
            logger.info("payment %s of %r is accepted", payment.id, payment.merchant_id)
            self._dispatcher.wake("front")
        return payment

    async def _outcome(self, payment_id: str, answer_by: float) -> Payment:
        """The payment with its outcome, or pending when it is time to answer."""
        with self._waiting.waiting(payment_id) as future:
            payment = await self._db.read(store.get_payment, payment_id)
            assert payment is not None
            if not payment.pending:
                return payment
            try:
                async with asyncio.timeout(answer_by - time.monotonic()):
                    decided: Payment = await future
                    return decided
            except TimeoutError:
                pass
        payment = await self._db.write(store.promise, payment_id, time.time())
        if not payment.pending:
            self._dispatcher.decided(payment)
        return payment

    async def refund(self, payment_id: str, amount: int) -> Refund:
        """Give back a captured payment, or a part of it.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
            TurnedDown: The provider does not do it.
            NotNow: It could not be done, the shop may come back.
            Unfinished: It is not known yet; the shop comes back for the same amount.
        """
        answer_by = time.monotonic() + self._settings.answer_sec
        if self.leaving:
            raise NotNow("we are restarting, please come back")
        refund_id = new_id("ref")
        self._admission.enter(refund_id)
        ref = None
        try:
            ref = await self._db.write(
                store.accept_refund,
                payment_id,
                amount,
                refund_id,
                time.time(),
                self._refunds_waited_for,
            )
        finally:
            if ref != refund_id:
                self._admission.leave(refund_id)
        if isinstance(ref, Refund):
            return ref
        try:
            return await self._refund_outcome(ref, answer_by)
        finally:
            self._refunds_waited_for.discard(ref)

    async def _refund_outcome(self, ref: str, answer_by: float) -> Refund:
        end: Refund | End | bool
        with self._waiting.waiting(ref) as future:
            self._dispatcher.wake("front")
            try:
                async with asyncio.timeout(answer_by - time.monotonic()):
                    end = await future
            except TimeoutError:
                end = await self._db.write(store.give_up_refund, ref)
        if isinstance(end, Refund):
            return end
        if end is End.WRONG:
            raise TurnedDown("the provider turned the refund down")
        if end is False:
            raise Unfinished("the refund is under way, please ask again for the same amount")
        self._admission.leave(ref)
        raise NotNow("the refund could not be made now")


def _reply(payment: Payment) -> Reply:
    body = payment.to_json()
    if payment.status is PaymentStatus.CAPTURED:
        return Reply(201, body)
    if payment.status is PaymentStatus.DECLINED:
        return Reply(402, body)
    if payment.pending:
        return Reply(202, body)
    if payment.reason == "rejected":
        return Reply(502, {"detail": "the provider turned the payment down"} | body, 5)
    if payment.promised:
        return Reply(502, {"detail": "the payment has failed"} | body)
    return Reply(503, {"detail": "the payment could not be made now, please come back"}, 1)
