"""Are rates kept, and not kept too long?"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from provider import Provider
from quotes import FOREIGN, Quote, ask, charged_with, measure_quotes, until_right
from replies import give_up_sec, measure_replies
from shop import CURRENCIES, Order, Shop, decimal, statuses, to_eur

from harness.checks import (
    SLACK_SEC,
    Contract,
    Hold,
    Measure,
    Response,
    check,
    fetch,
    ok,
    open_loop,
)
from harness.errors import CheckError

POLL_SEC = 0.1
AFTER_SEC = 0.8
"""How long rates are looked at after the last old one was allowed."""
READS_PER_SEC = 40
READ_FOR_SEC = 4.0
CROWD = 50
"""Quotes of one currency at once."""
OTHERS = 6
PAYERS = 4
"""Quotes and payments of every currency beside them."""
HELD_SEC = 0.5
"""A look-up usually takes 0.2 s; in this time everybody is there before its answer."""
FEW = 5
"""Look-ups for a crowd: one does it, but it may be one more that was under way, and repetitions
of a slow one are a matter of taste; what there must not be is one for each."""


@check(
    id="cache.staleness",
    family="cache",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A rate that the provider has changed is quoted and charged soon after, "
    "so nobody pays with last week's franc.",
    derived_from="When the provider changes a rate, it is what we quote and charge with, 5 seconds "
    "later at the latest.",
    control="Before the change, quotes and payments carry the provider's rate; "
    "after it, the provider's stub gives the grader the new one.",
    timing=True,
    long=True,
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
        await charged_with(shop, currency, provider.rate(currency))
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
    dimension="failure-mode-instinct",
    weight=1,
    shows="Rates are still kept: being fresh is not bought with a billed look-up for every quote.",
    derived_from="Our plan pays for 1 rate look-up per second and currency, on average.",
    control="The quotes carry the provider's rate; look-ups are counted over the time that the "
    "quotes really took.",
    timing=True,
)
async def test_usefulness(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """A hundred and sixty quotes of one currency in four seconds, and payments beside them."""
    await shop.warm_up(payments=1)
    rate = provider.rate("USD")
    before = provider.rate_calls("USD")

    async def read(number: int, due: float) -> Response:
        if number % READS_PER_SEC == 0:
            await shop.pay(shop.order(currency="USD"))
        return await shop.sut.request("GET", "/rates/USD", since=due)

    load = await open_loop(read, rate=READS_PER_SEC, seconds=READ_FOR_SEC)
    took = max(shot.reply.finished_at for shot in load.shots) - load.began
    good = sum(decimal(shot.reply.object().get("rate")) == rate for shot in load.shots)
    measure("quotes with the right rate", 100 * good / len(load.shots), unit="%", at_least=95)
    measure(
        f"look-ups at the provider while {len(load.shots)} quotes were asked for",
        (provider.rate_calls("USD") - before) / max(took, READ_FOR_SEC),
        unit="1/s",
        at_most=2 * contract["rate_calls_per_sec"],  # "on average", and a few seconds are few
        partly_at_most=READS_PER_SEC / 10,
    )
    measure.info("replies", statuses(shot.reply for shot in load.shots))


async def _stub_gives(provider: Provider, currency: str, rate: Decimal) -> None:
    reply = await fetch(provider.upstream.address, "GET", f"/rates/{currency}")
    if decimal(reply.object().get("rate")) != rate:
        raise CheckError(f"The provider's stub gave {reply} instead of rate {rate}.")


async def _poll(shop: Shop, currency: str, until: float) -> list[tuple[float, Decimal | None]]:
    """Quotes with the time at which each was asked for."""
    quotes: list[tuple[float, Decimal | None]] = []
    while (now := time.monotonic()) < until:
        reply = await shop.sut.get(f"/rates/{currency}", timeout_sec=2.0)
        quotes.append((now, decimal(reply.object().get("rate")) if reply.ok else None))
        await asyncio.sleep(max(0.0, now + POLL_SEC - time.monotonic()))
    return quotes


@check(
    id="cache.stampede",
    family="cache",
    dimension="failure-mode-instinct",
    weight=2,
    shows="When many ask for a rate that is not at hand, it is looked up once and every currency "
    "gets its own, so a rate that runs out is no flood of billed calls.",
    derived_from="Our plan pays for 1 rate look-up per second and currency, on average.",
    control="An undisturbed payment goes through first; afterwards every currency must be quoted, "
    "so answering nobody is no way out.",
    timing=True,
    long=True,
)
async def test_stampede(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure, rng: random.Random
) -> None:
    """A crowd for a rate that nobody asked for yet, and one for a rate that has run out."""
    await shop.warm_up(payments=1)
    new, idle = rng.sample(FOREIGN, 2)
    crowds = [await _crowd(shop, provider, contract, rng, new)]
    await asyncio.sleep(contract["staleness_sec"] + SLACK_SEC)
    crowds.append(await _crowd(shop, provider, contract, rng, idle))
    for which, crowd in zip(("a new", "an idle"), crowds, strict=True):
        measure(
            f"look-ups for {CROWD} quotes of {which} currency",
            crowd.lookups,
            at_most=max(FEW, 1 + round(contract["rate_calls_per_sec"] * crowd.took_sec)),
            partly_at_most=CROWD / 5,
        )
    wrong = sum(crowd.wrong(shop, provider) for crowd in crowds)
    measure("quotes and payments with a rate that is not their currency's", wrong, equals=0)
    measure_quotes(measure, contract, [one for crowd in crowds for one in crowd.quotes])
    measure_replies(measure, contract, [reply for crowd in crowds for reply in crowd.replies])
    await until_right(shop, provider, contract, measure, FOREIGN)


@dataclass
class _Crowd:
    """What a crowd was told, and what was looked up for it."""

    quotes: list[Quote]
    orders: list[Order]
    replies: list[Response]
    payments: list[dict[str, Any]]
    lookups: int
    """Of the currency that was looked up most."""
    took_sec: float

    def wrong(self, shop: Shop, provider: Provider) -> int:
        """How many were told or charged something else than their currency's rate."""
        quoted = [one for one in self.quotes if one.reply.status == 200]
        count = sum(one.rate != provider.rate(one.currency) for one in quoted)
        for order, payment in zip(self.orders, self.payments, strict=True):
            rate = provider.rate(order.body["currency"])
            told = decimal(payment.get("rate")), payment.get("amount_eur")
            right = told == (rate, to_eur(order.body["amount"], rate))
            count += shop.captured(order, payment) and not right
        return count


async def _crowd(
    shop: Shop, provider: Provider, contract: Contract, rng: random.Random, hot: str
) -> _Crowd:
    """Everybody at once, in random order, while the provider holds all look-ups of rates."""
    began, limit = time.monotonic(), give_up_sec(contract)
    before = {currency: provider.rate_calls(currency) for currency in FOREIGN}
    barriers = {currency: Hold() for currency in FOREIGN}
    for currency, barrier in barriers.items():
        provider.treat(f"/rates/{currency}", barrier)
    orders = [shop.order(currency=currency) for currency in CURRENCIES * PAYERS]
    wanted = [hot] * CROWD + list(CURRENCIES) * OTHERS
    rng.shuffle(wanted)
    paying = [asyncio.create_task(shop.pay(order, timeout_sec=limit)) for order in orders]
    asking = [asyncio.create_task(ask(shop, contract, currency)) for currency in wanted]
    await barriers[hot].arrived(1, timeout_sec=HELD_SEC)  # or its rate is at hand
    await asyncio.sleep(HELD_SEC)
    for currency, barrier in barriers.items():
        provider.treat(f"/rates/{currency}", ok)
        barrier.release()
    quotes, replies = await asyncio.gather(*asking), await asyncio.gather(*paying)
    took = time.monotonic() - began
    lookups = max(provider.rate_calls(currency) - before[currency] for currency in FOREIGN)
    payments = await asyncio.gather(*map(shop.final, replies))
    return _Crowd(quotes, orders, replies, payments, lookups, took)
