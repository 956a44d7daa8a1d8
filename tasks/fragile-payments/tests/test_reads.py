"""Do reads still answer as docs/api.md has it, and are bad bodies still turned down?"""

from __future__ import annotations

from urllib.parse import quote

from findings import Findings, brief, is_utc
from provider import Provider
from shop import CURRENCIES, Order, Shop, decimal, unknown_id, whole

from harness.checks import Measure, check


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
        captured += whole(payment.get("amount_eur"))
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
        cursor = f"&cursor={quote(following, safe='', errors='replace')}"
    found.expect("pages of 3 for 7 payments", pages, 3)
    found.expect("ids of a merchant, newest first", seen, newest_first)
    full = await shop.sut.get(f"/payments?merchant_id={merchant}&limit={len(newest_first)}")
    following = full.object().get("next_cursor", "missing")
    found.expect("next_cursor on a last page that is just full", following, None)
    everybody = await shop.sut.get("/payments?limit=100")
    items = everybody.object().get("items")
    found.expect("payments of all merchants", len(items) if isinstance(items, list) else None, 8)
    for limit in (0, 101):
        reply = await shop.sut.get(f"/payments?limit={limit}")
        found.holds(f"a list with limit {limit} is refused", 400 <= reply.status < 500)


async def _rates(found: Findings, shop: Shop, provider: Provider) -> None:
    for currency in CURRENCIES:
        reply = await shop.sut.get(f"/rates/{currency}")
        body = reply.object()
        found.expect(f"GET of rate {currency}", reply.status, 200)
        found.expect("currency of a rate", body.get("currency"), currency)
        found.holds("a rate is a string", isinstance(body.get("rate"), str))
        found.expect(f"rate {currency}", decimal(body.get("rate")), provider.rate(currency))
        found.holds("as_of is a time in UTC", is_utc(body.get("as_of")))
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
        *({"customer_email": email} for email in ("nobody", "")),
        *({name: None} for name in ("merchant_id", "amount", "currency", "card_token")),
        {"customer_email": None},
        {"merchant_id": ""},
        {"card_token": ""},
        {"description": 5},
    ]
    for change in wrong:
        reply = await shop.pay(shop.order(**change))
        found.expect(f"a body with {brief(change)}", reply.status, 422)
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
