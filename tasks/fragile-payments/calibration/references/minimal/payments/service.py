"""What happens when somebody pays or is paid back."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import replace

from payments.errors import (
    KeyReused,
    PaymentNotFound,
    PaymentsError,
    RefundNotPossible,
    UnknownCurrency,
    UpstreamError,
)
from payments.models import (
    Payment,
    PaymentRequest,
    PaymentStatus,
    Refund,
    Reply,
    new_id,
    seconds_since,
    utc_now,
)
from payments.money import to_eur
from payments.provider import ProviderClient
from payments.rates import RateCache
from payments.store import Store

logger = logging.getLogger(__name__)

ANSWER_WITHIN_SEC = 2.5
"""Then the shop is told `pending`; 3 seconds are promised."""
CHARGE_FOR_SEC = 8.0
"""How long we try to charge."""
GIVE_UP_AFTER_SEC = 10.5
"""How long we ask for a charge that we are not sure of; 15 seconds are promised."""
WATCH_FOR_SEC = 3600.0
"""How long we look out for a charge that comes after we have given up."""

_STATUS_CODES = {
    PaymentStatus.CAPTURED: 201,
    PaymentStatus.PENDING: 202,
    PaymentStatus.DECLINED: 402,
}


def _same_but_for_the_card(payment: Payment, request: PaymentRequest) -> bool:
    fields = request.model_dump(exclude={"card_token"})
    return all(getattr(payment, name) == value for name, value in fields.items())


class PaymentService:
    """Takes payments and gives them back."""

    def __init__(self, store: Store, provider: ProviderClient, rates: RateCache) -> None:
        self._store = store
        self._provider = provider
        self._rates = rates
        self._started_at = utc_now()
        self._running: dict[str, tuple[str, asyncio.Task[None]]] = {}
        """By key, with the fingerprint of the request."""
        self._held: dict[str, float] = {}
        """Until when the provider wants us to wait with a key."""
        self._beginning = 0
        self._refunding: set[str] = set()
        self._checker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after payments that have no outcome."""
        self._checker = asyncio.create_task(self._check_all(), name="checker")

    async def stop(self, grace_sec: float) -> None:
        """Finish what is under way; the next process asks for what is not after `grace_sec`."""
        give_up_at = asyncio.get_running_loop().time() + grace_sec
        while self._store.any_pending() and asyncio.get_running_loop().time() < give_up_at:
            await asyncio.sleep(0.05)
        if self._checker is not None:
            self._checker.cancel()
        for _, task in self._running.values():
            task.cancel()

    async def take(self, key: str, request: PaymentRequest) -> Reply:
        """Charge the customer's card, or tell again how that went.

        Returns 201 and the captured payment, 402 and the declined one, or 202 and the pending
        one, which gets its outcome without the shop.

        Raises:
            KeyReused: The key belongs to another request.
            UpstreamError: The provider did not carry it out; the shop may come back.
        """
        fingerprint = hashlib.sha256(f"{key}\n{request.model_dump_json()}".encode()).hexdigest()
        known, task = self._running.get(key, (None, None))
        found = self._store.find_key(key)
        earlier = None
        if found is not None:
            earlier, known = found
            if known is None and _same_but_for_the_card(earlier, request):
                known = fingerprint  # Written by the first version, which did not keep it.
        if (task or earlier) and known != fingerprint:
            raise KeyReused("this key was used with another body")

        if task is None:
            if earlier is not None and not self._may_try_again(earlier):
                logger.info("payment %s was asked for again", earlier.id)
                return Reply(_STATUS_CODES[earlier.status], earlier.to_json())
            if key in self._held:
                wait = self._held[key] - asyncio.get_running_loop().time()
                raise UpstreamError("the provider asks to wait", retry_after=max(wait, 1.0))
            task = asyncio.create_task(self._carry_out(key, fingerprint, request, earlier))
            self._running[key] = (fingerprint, task)
            task.add_done_callback(lambda task: self._done(key, task))
        await asyncio.wait({task}, timeout=ANSWER_WITHIN_SEC)

        found = self._store.find_key(key)
        if task.done() and not task.cancelled():
            await task
        elif found is None or found[0].status is PaymentStatus.FAILED:
            task.cancel()  # It is not begun yet, and nobody would wait for it.
        if found is None or found[0].status not in _STATUS_CODES:
            raise UpstreamError("the payment could not be begun in time")
        return Reply(_STATUS_CODES[found[0].status], found[0].to_json())

    def _may_try_again(self, payment: Payment) -> bool:
        # A pending one has somebody who sees to it, unless it is left from an earlier process.
        return payment.status is PaymentStatus.FAILED or (
            payment.status is PaymentStatus.PENDING and payment.created_at < self._started_at
        )

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        del self._running[key]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, UpstreamError) and error.retry_after is not None:
            loop = task.get_loop()
            self._held[key] = loop.time() + error.retry_after
            loop.call_later(error.retry_after, self._held.pop, key, None)
        elif error is not None and not isinstance(error, PaymentsError):
            logger.error("payment key=%s broke", key, exc_info=error)

    async def _carry_out(
        self, key: str, fingerprint: str, request: PaymentRequest, earlier: Payment | None
    ) -> None:
        unsure = earlier is not None and earlier.check_at is not None
        if earlier is not None and unsure:
            charge_id = await self._provider.find_charge(earlier.id)
            if charge_id is not None:
                self._finish(earlier, PaymentStatus.CAPTURED, charge_id)
                return
        try:
            rate = await self._rates.get(request.currency.value)
        except UnknownCurrency as exc:
            raise UpstreamError(str(exc), upstream_status=404) from exc
        if self._provider.overloaded(self._beginning):
            raise UpstreamError("more payments than we can take")
        payment = Payment(
            id=earlier.id if earlier else new_id("pay"),
            merchant_id=request.merchant_id,
            amount=request.amount,
            currency=request.currency.value,
            amount_eur=to_eur(request.amount, rate.value),
            rate=rate.value,
            status=PaymentStatus.PENDING,
            customer_email=request.customer_email,
            created_at=utc_now(),
            description=request.description,
            check_at=utc_now(GIVE_UP_AFTER_SEC),
        )
        # In the books before it is sent: whatever happens to us, nothing is charged without.
        self._store.begin_payment(payment, key, fingerprint)
        logger.info("payment %s of %s is %s", payment.id, payment.merchant_id, payment.status)
        self._beginning += 1
        try:
            await self._store.flush()
        finally:
            self._beginning -= 1
        try:
            charge_id = await self._provider.charge(
                reference=payment.id,
                amount=request.amount,
                currency=request.currency.value,
                card_token=request.card_token,
                time_limit=CHARGE_FOR_SEC,
            )
        except UpstreamError as exc:
            if unsure or exc.unsure:
                self._store.check_later(payment, utc_now())
                return
            self._finish(payment, PaymentStatus.FAILED)
            raise
        captured = charge_id is not None
        self._finish(
            payment, PaymentStatus.CAPTURED if captured else PaymentStatus.DECLINED, charge_id
        )

    def _finish(
        self, payment: Payment, status: PaymentStatus, charge_id: str | None = None
    ) -> None:
        if self._store.finish_payment(payment.id, status, charge_id):
            logger.info("payment %s of %s is %s", payment.id, payment.merchant_id, status)

    async def _check_all(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            try:
                await asyncio.gather(*(self._check(p) for p in self._store.to_check(limit=50)))
            except Exception:
                logger.exception("payments cannot be checked now")

    async def _check(self, payment: Payment) -> None:
        """Ask the provider for a payment of which we are not sure."""
        wait, answered = 1.0, True
        try:
            charge_id = await self._provider.find_charge(payment.id)
        except UpstreamError as exc:
            charge_id, answered, wait = None, False, max(1.0, exc.retry_after or 0.0)
        if charge_id is not None:
            if payment.status is PaymentStatus.FAILED:
                logger.error("payment %s was charged after it had failed", payment.id)
            self._finish(payment, PaymentStatus.CAPTURED, charge_id)
            return
        age = seconds_since(payment.created_at)
        if age < GIVE_UP_AFTER_SEC:
            wait = min(wait, GIVE_UP_AFTER_SEC - age)
            self._store.check_later(payment, utc_now(wait), payment.status)
            return
        # They may still have it in line, so we look out for it, less and less often.
        check_at: str | None = utc_now(max(wait, age if answered else 5.0))
        if answered and age > WATCH_FOR_SEC:
            check_at = None
        changed = self._store.check_later(payment, check_at, PaymentStatus.FAILED)
        if changed and payment.status is PaymentStatus.PENDING:
            logger.info("payment %s of %s is failed", payment.id, payment.merchant_id)

    async def refund(self, payment_id: str, amount: int) -> Refund:
        """Give back a captured payment, or a part of it.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
            UpstreamError: The provider did not carry it out, or we are not sure; then the next
                request for this amount goes on with this refund.
        """
        payment = self._store.get_payment(payment_id)
        if payment is None:
            raise PaymentNotFound(f"no payment {payment_id}")
        if payment.status is not PaymentStatus.CAPTURED or payment.provider_charge_id is None:
            raise RefundNotPossible(f"payment {payment_id} is {payment.status}")
        in_doubt = self._store.open_refunds(payment_id, amount)
        refund = next((r for r in in_doubt if r.id not in self._refunding), None)
        unsure = refund is not None
        if refund is None:
            refunded = self._store.refunded(payment_id)
            if refunded + amount > payment.amount:
                raise RefundNotPossible(
                    f"{payment.amount - refunded} of payment {payment_id} can be refunded"
                )
            refund = Refund(
                id=new_id("ref"),
                payment_id=payment_id,
                amount=amount,
                amount_eur=0,
                provider_refund_id="",
                created_at=utc_now(),
            )
            self._store.insert_refund(refund)

        self._refunding.add(refund.id)
        try:
            await self._store.flush()
            provider_refund_id = await self._provider.refund(
                charge_id=payment.provider_charge_id, amount=amount, reference=refund.id
            )
        except UpstreamError as exc:
            if not exc.unsure and (exc.rejected or not unsure):
                self._store.delete_refund(refund.id)
            raise
        finally:
            self._refunding.discard(refund.id)
        # Taken from the running total, so that parts add up to the whole in EUR too.
        done = self._store.refunded(payment_id, done=True)
        refund = replace(
            refund,
            amount_eur=to_eur(done + amount, payment.rate) - to_eur(done, payment.rate),
            provider_refund_id=provider_refund_id,
        )
        self._store.finish_refund(refund)
        await self._store.flush()
        logger.info("refund %s of payment %s", refund.id, payment_id)
        return refund
