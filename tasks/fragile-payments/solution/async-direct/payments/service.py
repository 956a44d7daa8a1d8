"""What happens when somebody pays or is paid back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from payments.errors import (
    Busy,
    KeyReused,
    PaymentNotFound,
    PaymentsError,
    RefundNotPossible,
    TooSlow,
    UnderWay,
    UpstreamError,
)
from payments.gate import Gate
from payments.models import Claim, Payment, PaymentRequest, PaymentStatus, Refund, Reply
from payments.provider import CALL_TIMEOUT_SEC, Delivery, ProviderClient
from payments.rates import RateCache
from payments.store import Store

logger = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_WITHIN_SEC = 2.5
"""We have promised 3 seconds; the rest is for a busy machine and the network."""

LAST_SEND_SEC = 0.25
"""Nothing is sent anew when less time than that is left."""

RATE_WAIT_SEC = 0.8
"""How long a payment waits for a rate if there is none."""

MAX_UNDER_WAY = 150
"""Requests being worked on, those included whose shop has gone on without us."""


class PaymentService:
    """Takes payments and gives them back.

    Every request is a task of its own. A shop is answered when the task is done or the time is
    up; the task goes on until it knows what came of its last call.
    """

    def __init__(self, store: Store, provider: ProviderClient, rates: RateCache) -> None:
        self._store = store
        self._provider = provider
        self._rates = rates
        # The provider serves 10 calls at a time. Two more wait in line there, so that it never
        # waits for us; 25 wait in line here, which is half a second.
        self._gate = Gate(slots=12, queue=25, wait_sec=0.6)
        self._under_way: dict[str, PaymentRequest] = {}
        self._late_refunds: dict[tuple[str, int], asyncio.Task[Refund]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def is_under_way(self, key: str) -> bool:
        """Whether the payment with this key is being worked on."""
        return key in self._under_way

    async def drain(self, timeout: float) -> None:
        """Let what is under way come to an end; the next start looks after the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- payments ----------------------------------------------------------------

    async def take(self, key: str, request: PaymentRequest) -> Reply:
        """Charge the customer's card, or tell again how that went.

        Returns 201 and the captured payment, or 402 and the declined one.

        Raises:
            UnderWay: A request with this key is being worked on.
            KeyReused: The key belongs to another payment.
            Busy, RateUnavailable: Nothing was done.
            TooSlow, UpstreamError: No outcome; the shop comes back for it.
        """
        # No await from here to where the key is taken: duplicates arrive at the same moment.
        if key in self._under_way:
            if self._under_way[key] != request:
                raise KeyReused("this key was used with another body")
            raise UnderWay("the first request with this key is still under way")
        claim = self._store.find_claim(key)
        reply = self._store.find_reply(key)
        if not self._same_payment(request, claim, reply):
            raise KeyReused("this key was used with another body")
        if reply is not None:
            return reply
        task, deadline = self._spawn(lambda until: self._pay(key, request, claim, until))
        self._under_way[key] = request
        task.add_done_callback(lambda _: self._under_way.pop(key))
        return await _answer(task, deadline)

    def _same_payment(
        self, request: PaymentRequest, claim: Claim | None, reply: Reply | None
    ) -> bool:
        if claim is not None:
            return claim.fingerprint == request.fingerprint(claim.payment_id)
        if reply is None:
            return True
        # Version 1.14 kept no fingerprint, and nothing of the card.
        asked = request.model_dump(mode="json", exclude={"card_token", "customer_email"})
        payment = self._store.get_payment(reply.body["id"])
        return asked == {name: reply.body[name] for name in asked} and (
            payment is None or payment.customer_email == request.customer_email
        )

    async def _pay(
        self, key: str, request: PaymentRequest, claim: Claim | None, deadline: float
    ) -> Reply:
        currency = request.currency.value
        await self._rates.get(currency, wait_sec=RATE_WAIT_SEC)
        with await self._gate.enter(until=deadline) as slot:
            maybe_charged = claim is not None and claim.look_at is not None
            if claim is not None and maybe_charged:
                # Look first: the provider forgets our key after 24 hours, and a payment that
                # is only charged now gets the rate of now.
                left = max(0.1, deadline - asyncio.get_running_loop().time())
                charge_id = await self._provider.find_charge(claim.payment_id, timeout=left)
                if charge_id is not None:
                    return await self.book(claim, charge_id)
            rate = self._rates.current(currency)
            claim = await self._store.claim(
                key, request, rate.value, look_at=time.time() + 2 * CALL_TIMEOUT_SEC
            )
            if claim is None:
                reply = self._store.find_reply(key)
                assert reply is not None
                return reply
            try:
                charge_id = await self._provider.charge(
                    reference=claim.payment_id,
                    amount=request.amount,
                    currency=currency,
                    card_token=request.card_token,
                    delivery=Delivery(deadline - LAST_SEND_SEC, on_trouble=slot.step_aside),
                )
            except UpstreamError as exc:
                maybe_charged = maybe_charged or exc.unclear
                await self._store.reschedule(claim, time.time() if maybe_charged else None)
                raise
        return await self.book(claim, charge_id)

    async def book(self, claim: Claim, charge_id: str | None) -> Reply:
        """Note the outcome of a payment; without a `charge_id` the card was declined."""
        reply = await self._store.finish(claim, charge_id)
        body = reply.body
        logger.info("payment %s of %r is %s", body["id"], body["merchant_id"], body["status"])
        return reply

    # -- refunds -----------------------------------------------------------------

    async def refund(self, payment_id: str, amount: int) -> Refund:
        """Give back a captured payment, or a part of it.

        Refunds have no key. A shop that was told to come back and asks for the same amount
        means the same refund.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
            Busy: Nothing was done.
            TooSlow, UpstreamError: No outcome; the shop comes back for it.
        """
        payment = self._store.get_payment(payment_id)
        if payment is None:
            raise PaymentNotFound(f"no payment {payment_id}")
        if payment.status is not PaymentStatus.CAPTURED:
            raise RefundNotPossible(f"payment {payment_id} is {payment.status}")
        what = payment_id, amount
        if what in self._late_refunds:
            task, deadline = self._late_refunds[what], _deadline()
        else:
            task, deadline = self._spawn(lambda until: self._give_back(payment, amount, until))
        try:
            refund = await _answer(task, deadline)
        except TooSlow:
            self._late_refunds[what] = task
            task.add_done_callback(lambda _: self._late_refunds.pop(what, None))
            raise
        await self._store.drop_refund(refund.id)
        return refund

    async def _give_back(self, payment: Payment, amount: int, deadline: float) -> Refund:
        with await self._gate.enter(until=deadline) as slot:
            claim = await self._store.claim_refund(payment.id, amount)
            if claim.refund is not None:
                return claim.refund
            try:
                provider_refund_id = await self._provider.refund(
                    charge_id=claim.charge_id,
                    amount=amount,
                    reference=claim.id,
                    delivery=Delivery(deadline - LAST_SEND_SEC, on_trouble=slot.step_aside),
                )
            except UpstreamError as exc:
                if exc.unclear or (claim.sends > 0 and not exc.rejected):
                    await self._store.leave_refund_open(claim, time.time() + 5)
                else:
                    await self._store.drop_refund(claim.id)
                raise
        refund = await self._store.finish_refund(claim, provider_refund_id)
        logger.info("refund %s of payment %s", refund.id, payment.id)
        return refund

    # -- tasks -------------------------------------------------------------------

    def _spawn(
        self, work: Callable[[float], Coroutine[Any, Any, T]]
    ) -> tuple[asyncio.Task[T], float]:
        if len(self._tasks) >= MAX_UNDER_WAY:
            raise Busy("too many requests at the moment, please come back")
        deadline = _deadline()
        task = asyncio.create_task(work(deadline))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task, deadline

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, PaymentsError):
            logger.error("unexpected", exc_info=error)


def _deadline() -> float:
    return asyncio.get_running_loop().time() + ANSWER_WITHIN_SEC


async def _answer(task: asyncio.Task[T], deadline: float) -> T:
    """What came of the task, if that is known in time; the task goes on in any case."""
    done, _ = await asyncio.wait({task}, timeout=deadline - asyncio.get_running_loop().time())
    if not done:
        raise TooSlow("no answer from the provider yet, please come back")
    return task.result()
