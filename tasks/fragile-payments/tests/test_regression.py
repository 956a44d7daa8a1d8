"""Does everything that worked on a good day still work, as docs/api.md has it?"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

from provider import Mailer, Provider
from shop import Order, Shop, decimal, to_eur, unknown_id

from harness.checks import Measure, Response, check

CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF")
SETTLED_WITHIN_SEC = 12.0
"""Settlement runs every few seconds, receipts at once; both get this long."""
FAILURES_SHOWN = 4
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
"""Fields of a payment in api.md; more are allowed."""


class Findings:
    """Collects everything that is not as promised, so that one check shows all of it."""

    def __init__(self) -> None:
        self.looked = 0
        self.wrong: list[str] = []

    def expect(self, what: str, actual: object, wanted: object) -> None:
        """Types count too: 1, 1.0, "1" and True are four different answers."""
        self.looked += 1
        if type(actual) is not type(wanted) or actual != wanted:
            self.wrong.append(f"{what} is {_brief(actual)}, not {_brief(wanted)}")

    def holds(self, what: str, fact: object) -> None:
        """A fact that must hold; `what` says it."""
        self.looked += 1
        if not fact:
            self.wrong.append(f"not so: {what}")

    def record(self, measure: Measure) -> None:
        """As measurements."""
        measure.info("statements looked at", self.looked)
        measure("statements of api.md that do not hold", len(self.wrong), equals=0)
        for sentence in self.wrong[:FAILURES_SHOWN]:
            measure.note(f"{sentence}.")


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
    for order in orders:
        reply = await shop.pay(order)
        found.holds(
            f"a payment is answered 201 or 202 (it was {reply})", reply.status in (201, 202)
        )
        payment = await shop.final(reply)
        _captured(found, shop, provider, order, payment)
        shown = await shop.show(payment.get("id"))
        found.expect("GET of a payment", shown.status, 200)
        found.expect("a payment looked up", _public(shown.object()), _public(payment))
    await _declined(found, shop, provider)
    found.record(measure)


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
    found.holds("created_at is a time in UTC", _is_utc(payment.get("created_at")))
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
    path = f"/payments/{payment['id']}/refunds"
    for amount, status in ((300, 201), (250, 201), (451, 409), (0, 422), (450, 201), (1, 409)):
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
    found.expect("payment_id of a refund", body.get("payment_id"), payment["id"])
    found.expect("amount of a refund", body.get("amount"), amount)
    effect = provider.ledger.get(str(body.get("provider_refund_id")))
    found.holds(
        "provider_refund_id is the provider's", effect and effect.facts.get("amount") == amount
    )


@check(
    id="regression.reads",
    family="regression",
    dimension="verification",
    weight=1,
    shows="Lists, rates, balances and probes still answer as published.",
    derived_from="`docs/api.md` is what the shops have built on. It stays true, in every detail.",
    control="The stub answers the grader.",
)
async def test_reads(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Seven payments of one merchant read in pages, beside one of another merchant."""
    await shop.check_stub()
    found = Findings()
    merchant = shop.order().body["merchant_id"]
    ids, captured = [], 0
    for _ in range(7):
        payment = await shop.final(await shop.pay(shop.order(merchant_id=merchant, currency="JPY")))
        ids.append(payment.get("id"))
        captured += payment.get("amount_eur") or 0
    await shop.pay(shop.order())
    await _pages(found, shop, merchant, ids[::-1])
    await _rates(found, shop, provider)
    balance = await shop.sut.get(f"/merchants/{merchant}/balance")
    found.expect("captured_eur", balance.object().get("captured_eur"), captured)
    await _small_reads(found, shop)
    found.record(measure)


async def _pages(found: Findings, shop: Shop, merchant: str, newest_first: list[object]) -> None:
    seen: list[object] = []
    cursor, pages = "", 0
    while pages < 5:
        reply = await shop.sut.get(f"/payments?merchant_id={merchant}&limit=3{cursor}")
        found.expect("a page of payments", reply.status, 200)
        items = reply.object().get("items")
        seen += (
            [item.get("id") for item in items if isinstance(item, dict)]
            if isinstance(items, list)
            else []
        )
        pages += 1
        following = reply.object().get("next_cursor", "missing")
        if not isinstance(following, str) or following == "missing":
            found.expect("next_cursor on the last page", following, None)
            break
        cursor = f"&cursor={following}"
    found.expect("pages of 3 for 7 payments", pages, 3)
    found.expect("ids of a merchant, newest first", seen, newest_first)
    everybody = await shop.sut.get("/payments?limit=100")
    items = everybody.object().get("items")
    found.expect("payments of all merchants", len(items) if isinstance(items, list) else None, 8)
    for limit in (0, 101):
        reply = await shop.sut.get(f"/payments?limit={limit}")
        found.expect(f"a list with limit {limit}", reply.status, 422)


async def _rates(found: Findings, shop: Shop, provider: Provider) -> None:
    for currency in CURRENCIES:
        reply = await shop.sut.get(f"/rates/{currency}")
        body = reply.object()
        found.expect(f"GET of rate {currency}", reply.status, 200)
        found.expect("currency of a rate", body.get("currency"), currency)
        found.holds("a rate is a string", isinstance(body.get("rate"), str))
        found.expect(f"rate {currency}", decimal(body.get("rate")), provider.rate(currency))
        found.holds("as_of is a time in UTC", _is_utc(body.get("as_of")))
    unknown = await shop.sut.get("/rates/XXX")
    found.expect("an unknown currency", unknown.status, 404)


async def _small_reads(found: Findings, shop: Shop) -> None:
    nobody = f"m_{unknown_id('x')}"
    balance = await shop.sut.get(f"/merchants/{nobody}/balance")
    zeros = {"merchant_id": nobody, "captured_eur": 0, "refunded_eur": 0, "settled_eur": 0}
    for name, wanted in zeros.items():
        found.expect(f"{name} of a new merchant", balance.object().get(name), wanted)
    missing = await shop.show(unknown_id("pay"))
    found.expect("an unknown payment", missing.status, 404)
    found.holds("errors have a detail", "detail" in missing.object())
    for path in ("/livez", "/readyz"):
        reply = await shop.sut.get(path)
        found.expect(path, reply.status, 200)


@check(
    id="regression.validation",
    family="regression",
    dimension="verification",
    weight=1,
    shows="Bodies that are not valid are still turned down before anything reaches the provider.",
    derived_from="The body is not valid. Nothing was sent to the provider.",
    control="Two undisturbed payments with valid bodies go through first.",
)
async def test_validation(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Bodies just outside what is allowed, and keys that are missing or too long."""
    await shop.warm_up()
    found = Findings()
    calls = sum(call.path == "/charges" for call in provider.upstream.calls)
    wrong: list[dict[str, object]] = [
        *({"amount": amount} for amount in (0, -5, 1_000_001, 12.5, "1250", True)),
        *({"currency": currency} for currency in ("SEK", "eur", "", 7)),
        *({"customer_email": email} for email in ("nobody", "a@b", "")),
        *({name: None} for name in ("merchant_id", "amount", "currency", "card_token")),
        {"customer_email": None},
        {"merchant_id": ""},
        {"card_token": ""},
        {"description": "x" * 201},
        {"description": 5},
    ]
    for change in wrong:
        reply = await shop.pay(shop.order(**change))
        found.expect(f"a body with {_brief(change)}", reply.status, 422)
    for body in (b"{", b"[]", b'"x"', b""):
        order = Order(shop.order().key, body)  # type: ignore[arg-type]
        reply = await shop.pay(order)
        found.expect(f"body {body!r}", reply.status, 422)
    await _keys(found, shop)
    after = sum(call.path == "/charges" for call in provider.upstream.calls)
    found.expect("charges sent for all of them", after - calls, 0)
    found.record(measure)


async def _keys(found: Findings, shop: Shop) -> None:
    order = shop.order()
    reply = await shop.sut.post("/payments", order.body)
    found.expect("a payment without a key", reply.status, 400)
    for key in ("", "k" * 256):
        reply = await shop.pay(Order(key, order.body))
        found.holds(f"a key of {len(key)} characters is refused", 400 <= reply.status < 500)


@check(
    id="regression.receipts-and-settlement",
    family="regression",
    dimension="verification",
    weight=1,
    shows="Customers still get one receipt and merchants still get their money once.",
    derived_from="Every captured payment has been settled, once.",
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
    balance = await _when_settled(shop, provider, merchant, payments)
    total = sum(payment["amount_eur"] for payment in payments)
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
    shop: Shop, provider: Provider, merchant: str, payments: list[dict[str, Any]]
) -> dict[str, Any]:
    """The balance once every charge was settled, or after the time for it."""
    until = time.monotonic() + SETTLED_WITHIN_SEC
    ids = [payment["provider_charge_id"] for payment in payments]
    total = sum(payment["amount_eur"] for payment in payments)
    await provider.upstream.until(
        lambda: all(provider.settlements(id_) for id_ in ids), timeout_sec=SETTLED_WITHIN_SEC
    )
    while True:
        balance = (await shop.sut.get(f"/merchants/{merchant}/balance")).object()
        if balance.get("settled_eur") == total or time.monotonic() > until:
            return balance
        await asyncio.sleep(0.1)


def _public(payment: dict[str, Any]) -> dict[str, Any]:
    """What api.md publishes of a payment."""
    return {name: payment.get(name, "missing") for name in PUBLISHED}


def _is_utc(value: object) -> bool:
    if not isinstance(value, str) or not value.endswith(("Z", "+00:00")):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
