"""Does everything that worked on a good day still work, as docs/api.md has it?"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

from findings import Findings, is_utc
from provider import Mailer, Provider
from shop import CURRENCIES, Order, Shop, decimal, flat, to_eur, unknown_id, whole

from harness.checks import Measure, Response, check

SETTLED_WITHIN_SEC = 12.0
"""Settlement runs every few seconds, receipts at once; both get this long."""
TWICE_SEC = 1.0
"""How long to wait for second receipts after the first."""
MAX_HALF = 20_000
"""A rate has four digits, so if any amount is worth a half, one up to here is."""
PUBLISHED = (
    "id",
    "status",
    "merchant_id",
    "amount",
    "currency",
    "amount_eur",
    "rate",
    "provider_charge_id",
    "description",
    "created_at",
)
"""Fields of a payment in api.md; more are allowed. It does not say what `description` is when it
was left out, so null and absent are both right then."""


@check(
    id="regression.payments",
    family="regression",
    dimension="verification",
    weight=2,
    shows="Payments still work as published in every currency, declined cards included.",
    derived_from="`docs/api.md` is what the shops have built on. It stays true, in every detail.",
    control="The stub answers the grader; charges are looked up in its ledger.",
)
async def test_payments(shop: Shop, provider: Provider, measure: Measure) -> None:
    """One payment in each currency, one without a description, one declined."""
    await shop.check_stub()
    found = Findings()
    orders = [shop.order(currency=currency) for currency in CURRENCIES]
    orders += [shop.order(amount=1, description=None), shop.order(amount=1_000_000)]
    orders += [shop.order(currency="CHF", amount=amount) for amount in (1, 2, 3)]
    halves = {name: _half(provider.rate(name)) for name in CURRENCIES}
    orders += [
        shop.order(currency=name, amount=amount) for name, amount in halves.items() if amount
    ]
    for order in orders:
        reply = await shop.pay(order)
        found.holds(
            f"a payment is answered 201 or 202 (it was {reply})", reply.status in (201, 202)
        )
        payment = await shop.final(reply)
        _captured(found, shop, provider, order, payment)
        shown = await shop.show(payment.get("id"))
        found.expect("GET of a payment", shown.status, 200)
        found.expect("a payment looked up", _public(flat(shown)), _public(payment))
    await _declined(found, shop, provider)
    found.record(measure)


def _half(rate: Decimal) -> int:
    """The smallest amount that is worth an even number of cents and a half; 0 if there is none."""
    return next((a for a in range(1, MAX_HALF) if a * rate % 2 == Decimal("0.5")), 0)


def _captured(
    found: Findings, shop: Shop, provider: Provider, order: Order, payment: dict[str, Any]
) -> None:
    body, rate = order.body, provider.rate(order.body["currency"])
    found.expect("status", payment.get("status"), "captured")
    found.holds("a payment has an id", isinstance(payment.get("id"), str) and payment.get("id"))
    for name in ("merchant_id", "amount", "currency"):
        found.expect(name, payment.get(name), body[name])
    found.expect("description", payment.get("description"), body.get("description"))
    found.holds("rate is a string", isinstance(payment.get("rate"), str))
    found.expect("rate", decimal(payment.get("rate")), rate)
    found.expect("amount_eur", payment.get("amount_eur"), to_eur(body["amount"], rate))
    found.holds("created_at is a time in UTC", is_utc(payment.get("created_at")))
    charges = provider.charges(order.token)
    found.expect("charges at the provider", len(charges), 1)
    found.holds("provider_charge_id is the provider's", shop.captured(order, payment))
    for charge in charges:
        for name in ("amount", "currency"):
            found.expect(f"{name} charged", charge.facts[name], body[name])


async def _declined(found: Findings, shop: Shop, provider: Provider) -> None:
    order = shop.order()
    provider.declined.add(order.token)
    reply = await shop.pay(order)
    found.holds("a declined card is 402, or 202 first", reply.status in (402, 202))
    payment = await shop.final(reply)
    found.expect("status of a declined payment", payment.get("status"), "declined")
    shown = await shop.show(payment.get("id"))
    found.expect("declined payment looked up", shown.object().get("status"), "declined")
    refund = await shop.sut.post(f"/payments/{payment.get('id')}/refunds", {"amount": 1})
    found.expect("refund of a declined payment", refund.status, 409)
    found.expect("charges for a declined card", len(provider.charges(order.token)), 0)


@check(
    id="regression.refunds",
    family="regression",
    dimension="verification",
    weight=1,
    shows="Money can still be given back in parts, and never more than was taken.",
    derived_from="all refunds together never exceed what was captured",
    control="The stub answers the grader; refunds are looked up in its ledger.",
)
async def test_refunds(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Two partial refunds, one too much, the rest, and refunds of nothing."""
    await shop.check_stub()
    found = Findings()
    order = shop.order(amount=1000, currency="GBP")
    payment = await shop.final(await shop.pay(order))
    assert shop.captured(order, payment), f"The payment to give back did not go through: {payment}"
    path = f"/payments/{payment.get('id')}/refunds"
    nothing = await shop.sut.post(path, {"amount": 0})
    found.holds("a refund of nothing is refused", 400 <= nothing.status < 500)
    for amount, status in ((300, 201), (250, 201), (451, 409), (450, 201), (1, 409)):
        reply = await shop.sut.post(path, {"amount": amount})
        found.expect(f"refund of {amount}", reply.status, status)
        if reply.ok:
            _refunded(found, provider, payment, amount, reply)
    back = provider.ledger.find("refund", charge_id=payment["provider_charge_id"])
    found.expect("given back at the provider", sum(e.facts["amount"] for e in back), 1000)
    missing = await shop.sut.post(f"/payments/{unknown_id('pay')}/refunds", {"amount": 1})
    found.expect("refund of an unknown payment", missing.status, 404)
    balance = await shop.sut.get(f"/merchants/{order.body['merchant_id']}/balance")
    eur = payment.get("amount_eur")
    found.expect("captured_eur after refunds", balance.object().get("captured_eur"), eur)
    found.expect("refunded_eur of a payment given back", balance.object().get("refunded_eur"), eur)
    found.record(measure)


def _refunded(
    found: Findings, provider: Provider, payment: dict[str, Any], amount: int, reply: Response
) -> None:
    body = reply.object()
    found.holds("a refund has an id", isinstance(body.get("id"), str) and body.get("id"))
    found.expect("payment_id of a refund", body.get("payment_id"), payment.get("id"))
    found.expect("amount of a refund", body.get("amount"), amount)
    effect = provider.ledger.get(str(body.get("provider_refund_id")))
    found.holds(
        "provider_refund_id is the provider's", effect and effect.facts.get("amount") == amount
    )


@check(
    id="regression.receipts-and-settlement",
    family="regression",
    dimension="verification",
    weight=1,
    shows="Customers still get one receipt and merchants still get their money once.",
    derived_from="Every captured payment has been settled, once. [...] Every captured payment has "
    "one receipt. Late is all right, twice is not, and neither is never.",
    control="The stub answers the grader; messages and settlements are counted at the stubs.",
)
async def test_receipts_and_settlement(
    shop: Shop, provider: Provider, mailer: Mailer, measure: Measure
) -> None:
    """Five payments and a declined one; every book agrees a few seconds later."""
    await shop.check_stub()
    found = Findings()
    merchant = shop.order().body["merchant_id"]
    orders = [shop.order(merchant_id=merchant, currency="USD") for _ in range(5)]
    refused = shop.order(merchant_id=merchant)
    provider.declined.add(refused.token)
    await shop.pay(refused)
    payments = [await shop.final(await shop.pay(order)) for order in orders]
    assert all(
        shop.captured(order, payment) for order, payment in zip(orders, payments, strict=True)
    ), f"Payments to settle did not go through: {payments[0]}"
    until = time.monotonic() + SETTLED_WITHIN_SEC
    balance = await _when_settled(shop, provider, merchant, payments, until)
    await mailer.upstream.until(
        lambda: all(mailer.to(order.body["customer_email"]) for order in orders),
        timeout_sec=max(0.0, until - time.monotonic()),
    )
    await asyncio.sleep(TWICE_SEC)
    total = sum(whole(payment.get("amount_eur")) for payment in payments)
    found.expect("captured_eur", balance.get("captured_eur"), total)
    found.expect("settled_eur", balance.get("settled_eur"), total)
    for order, payment in zip(orders, payments, strict=True):
        settled = provider.settlements(payment["provider_charge_id"])
        found.expect("settlements of a charge", settled, 1)
        letters = mailer.to(order.body["customer_email"])
        found.expect("receipts for a payment", len(letters), 1)
        for letter in letters:
            found.holds(
                "a receipt has subject and body", letter.get("subject") and letter.get("body")
            )
    declined = mailer.to(refused.body["customer_email"])
    found.expect("receipts for a declined payment", len(declined), 0)
    found.record(measure)


async def _when_settled(
    shop: Shop, provider: Provider, merchant: str, payments: list[dict[str, Any]], until: float
) -> dict[str, Any]:
    """The balance once every charge was settled, or after the time for it."""
    ids = [payment["provider_charge_id"] for payment in payments]
    total = sum(whole(payment.get("amount_eur")) for payment in payments)
    await provider.upstream.until(
        lambda: all(provider.settlements(id_) for id_ in ids),
        timeout_sec=until - time.monotonic(),
    )
    while True:
        balance = (await shop.sut.get(f"/merchants/{merchant}/balance")).object()
        if balance.get("settled_eur") == total or time.monotonic() > until:
            return balance
        await asyncio.sleep(0.1)


def _public(payment: dict[str, Any]) -> dict[str, Any]:
    """What api.md publishes of a payment."""
    return {name: payment.get(name, "missing") for name in PUBLISHED}
