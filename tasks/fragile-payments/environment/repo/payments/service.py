"""What happens when somebody pays or is paid back."""

from __future__ import annotations

import logging

from payments.errors import PaymentNotFound, RefundNotPossible
from payments.models import Payment, PaymentRequest, PaymentStatus, Refund, Reply, new_id, utc_now
from payments.money import to_eur
from payments.provider import ProviderClient
from payments.rates import RateCache
from payments.receipts import ReceiptSender
from payments.settlement import SettlementWorker
from payments.store import Store

logger = logging.getLogger(__name__)


class PaymentService:
    """Takes payments and gives them back."""

    def __init__(
        self,
        store: Store,
        provider: ProviderClient,
        rates: RateCache,
        settlement: SettlementWorker,
        receipts: ReceiptSender,
    ) -> None:
        self._store = store
        self._provider = provider
        self._rates = rates
        self._settlement = settlement
        self._receipts = receipts

    async def take(self, key: str, request: PaymentRequest) -> Reply:
        """Charge the customer's card, or tell again how that went.

        Returns 201 and the captured payment, or 402 and the declined one.

        Raises:
            UpstreamError: The provider did not carry it out; nothing is stored.
        """
        earlier = self._store.find_reply(key)
        if earlier is not None:
            logger.info("payment key=%s was answered before", key)
            return earlier

        payment_id = new_id("pay")
        rate = await self._rates.get(request.currency.value)
        charge_id = await self._provider.charge(
            reference=payment_id,
            amount=request.amount,
            currency=request.currency.value,
            card_token=request.card_token,
        )
        captured = charge_id is not None
        payment = Payment(
            id=payment_id,
            merchant_id=request.merchant_id,
            amount=request.amount,
            currency=request.currency.value,
            amount_eur=to_eur(request.amount, rate.value),
            rate=rate.value,
            status=PaymentStatus.CAPTURED if captured else PaymentStatus.DECLINED,
            customer_email=request.customer_email,
            created_at=utc_now(),
            provider_charge_id=charge_id,
            description=request.description,
        )
        reply = Reply(status_code=201 if captured else 402, body=payment.to_json())

        self._store.insert_payment(payment)
        self._store.save_reply(key, payment.id, reply)
        logger.info("payment %s of %s is %s", payment.id, payment.merchant_id, payment.status)

        if captured:
            self._settlement.add(payment)
            self._receipts.send_later(payment)
        return reply

    async def refund(self, payment_id: str, amount: int) -> Refund:
        """Give back a captured payment, or a part of it.

        Raises:
            PaymentNotFound: There is no such payment.
            RefundNotPossible: It was not captured, or less than `amount` is left of it.
            UpstreamError: The provider did not carry it out; nothing is stored.
        """
        payment = self._store.get_payment(payment_id)
        if payment is None:
            raise PaymentNotFound(f"no payment {payment_id}")
        if payment.status is not PaymentStatus.CAPTURED or payment.provider_charge_id is None:
            raise RefundNotPossible(f"payment {payment_id} is {payment.status}")
        refunded = self._store.refunded(payment_id)
        if refunded + amount > payment.amount:
            raise RefundNotPossible(
                f"{payment.amount - refunded} of payment {payment_id} can be refunded"
            )

        refund_id = new_id("ref")
        provider_refund_id = await self._provider.refund(
            charge_id=payment.provider_charge_id, amount=amount, reference=refund_id
        )
        # Taken from the running total, so that parts add up to the whole in EUR too.
        amount_eur = to_eur(refunded + amount, payment.rate) - to_eur(refunded, payment.rate)
        refund = Refund(
            id=refund_id,
            payment_id=payment_id,
            amount=amount,
            amount_eur=amount_eur,
            provider_refund_id=provider_refund_id,
            created_at=utc_now(),
        )
        self._store.insert_refund(refund)
        logger.info("refund %s of payment %s", refund.id, payment_id)
        return refund
