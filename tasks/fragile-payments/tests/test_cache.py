"""Are rates kept, and not kept too long?"""

from __future__ import annotations

import asyncio
import random
import time
from decimal import Decimal

from provider import Provider
from shop import Shop, decimal, statuses, to_eur

from harness.checks import (
    SLACK_SEC,
    Contract,
    ControlFailed,
    Measure,
    Response,
    check,
    fetch,
    open_loop,
)

POLL_SEC = 0.1
AFTER_SEC = 0.8
"""How long rates are looked at after the last old one was allowed."""
READS_PER_SEC = 40
READ_FOR_SEC = 4.0


@check(
    id="cache.staleness",
    family="cache",
    dimension="tradeoff-reasoning",
    weight=2,
    shows="A rate that the provider has changed is quoted and charged soon after, "
    "so nobody pays with last week's franc.",
    derived_from="When the provider changes a rate, it is what we quote and charge with, 5 seconds "
    "later at the latest.",
    control="Before the change, quotes and payments carry the provider's rate; "
    "after it, the provider's stub gives the grader the new one.",
    timing=True,
)
async def test_staleness(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure, rng: random.Random
) -> None:
    """Every rate has a value of its own, so each answer names the moment it comes from.

    One currency is asked for all the time, the other not at all between the change and
    the payment that must carry the new rate.
    """
    await shop.warm_up(payments=1)
    busy, idle = rng.sample(["USD", "GBP", "CHF"], 2)
    for currency in (busy, idle):
        await _charged_with(shop, currency, provider.rate(currency))
    await asyncio.sleep(rng.uniform(0, 0.5))

    old, new, changed = provider.rate(busy), provider.publish(busy), time.monotonic()
    old_idle, new_idle = provider.rate(idle), provider.publish(idle)
    await _stub_gives(provider, busy, new)
    allowed = contract["staleness_sec"] + SLACK_SEC
    quotes = await _poll(shop, busy, changed + allowed + AFTER_SEC)

    last_old = max((at for at, rate in quotes if rate == old), default=changed)
    first_new = min((at for at, rate in quotes if rate == new), default=changed + allowed + 60)
    known = sum(rate in (old, new) for _, rate in quotes)
    measure("age of the last old rate quoted", last_old - changed, unit="s", at_most=allowed)
    measure(
        "old rates quoted after the new one",
        sum(rate == old and at > first_new for at, rate in quotes),
        equals=0,
    )
    measure("quotes with a rate", 100 * known / len(quotes), unit="%", at_least=90)
    outdated = 0
    for currency, wanted in ((busy, new), (idle, new_idle)):
        payment = await shop.final(await shop.pay(shop.order(currency=currency)))
        outdated += decimal(payment.get("rate")) != wanted
    measure("payments charged with an old rate afterwards", outdated, equals=0)
    measure.info("rate of the idle currency", f"{old_idle} -> {new_idle}")


@check(
    id="cache.usefulness",
    family="cache",
    dimension="tradeoff-reasoning",
    weight=1,
    shows="Rates are still kept: being fresh is not bought with a billed look-up for every quote.",
    derived_from="Our plan pays for 1 rate look-up per second and currency, on average.",
    control="The quotes carry the provider's rate; the load generator stays on time.",
)
async def test_usefulness(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """A hundred and sixty quotes of one currency in four seconds, and payments beside them."""
    await shop.warm_up(payments=1)
    rate = provider.rate("USD")

    async def read(number: int, due: float) -> Response:
        if number % READS_PER_SEC == 0:
            await shop.pay(shop.order(currency="USD"))
        return await shop.sut.request("GET", "/rates/USD", since=due)

    load = await open_loop(read, rate=READS_PER_SEC, seconds=READ_FOR_SEC)
    load.require_on_time()
    good = sum(decimal(shot.reply.object().get("rate")) == rate for shot in load.shots)
    measure("quotes with the right rate", 100 * good / len(load.shots), unit="%", at_least=95)
    budget = contract["rate_calls_per_sec"] * READ_FOR_SEC
    measure(
        f"look-ups at the provider for {len(load.shots)} quotes in {READ_FOR_SEC:g} s",
        provider.rate_calls("USD"),
        at_most=2 * budget,  # "on average", and four seconds are a short time to take one
        partly_at_most=len(load.shots) / 10,
    )
    measure.info("replies", statuses(shot.reply for shot in load.shots))


async def _charged_with(shop: Shop, currency: str, rate: Decimal) -> None:
    order = shop.order(currency=currency)
    payment = await shop.final(await shop.pay(order))
    assert shop.captured(order, payment), f"A payment in {currency} did not go through: {payment}"
    assert decimal(payment.get("rate")) == rate, (
        f"Before any change, a payment in {currency} has rate {payment.get('rate')}, not {rate}"
    )
    assert payment.get("amount_eur") == to_eur(order.body["amount"], rate), (
        f"A payment of {order.body['amount']} {currency} at {rate} has amount_eur "
        f"{payment.get('amount_eur')}"
    )


async def _stub_gives(provider: Provider, currency: str, rate: Decimal) -> None:
    reply = await fetch(provider.upstream.address, "GET", f"/rates/{currency}")
    if decimal(reply.object().get("rate")) != rate:
        raise ControlFailed(f"The provider's stub gave {reply} instead of rate {rate}.")


async def _poll(shop: Shop, currency: str, until: float) -> list[tuple[float, Decimal | None]]:
    """Quotes with the time at which each was asked for."""
    quotes: list[tuple[float, Decimal | None]] = []
    while (now := time.monotonic()) < until:
        reply = await shop.sut.get(f"/rates/{currency}", timeout_sec=2.0)
        quotes.append((now, decimal(reply.object().get("rate")) if reply.ok else None))
        await asyncio.sleep(max(0.0, now + POLL_SEC - time.monotonic()))
    return quotes
