"""Are rates still right when looking them up fails, hangs, or is answered late?"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal

from provider import Provider
from quotes import FOREIGN, Quote, ask, charged_with, keep_asking, measure_quotes, until_right
from replies import give_up_sec, measure_replies
from shop import FINAL, Shop, decimal, statuses

from harness.checks import (
    SLACK_SEC,
    Attempts,
    Contract,
    Hold,
    Measure,
    Response,
    check,
    hang_after_accept,
    ok,
    reset,
    status,
)

SPELL_SEC = 2.0
OUTAGE_SEC = 6.0
"""Longer than a rate may be kept."""
PAY_EVERY_SEC = 0.5
LATE_SEC = (0.9, 2.4)
"""Late for a look-up: before and after most services give one up. A third one is answered when
its rate may not be quoted any more."""
AFTER_SEC = 0.8
"""How long rates are looked at after that."""


@check(
    id="cache.blip",
    family="cache",
    dimension="failure-mode-instinct",
    weight=1,
    shows="A shop does not notice that a look-up of a rate failed once, and no failure is "
    "remembered for longer than it lasts.",
    derived_from="About 1 in 50 calls to the provider has a blip. A shop should not notice one.",
    control="Two undisturbed payments go through first.",
    timing=True,
)
async def test_blip(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure, rng: random.Random
) -> None:
    """The first look-up of two currencies fails, and all of the other two for two seconds."""
    await shop.warm_up()
    currencies = rng.sample(FOREIGN, 4)
    faults = dict(zip(currencies, [status(503), reset] * 2, strict=True))
    once, longer = currencies[:2], currencies[2:]
    for currency in once:
        provider.treat(f"/rates/{currency}", Attempts(faults[currency]))
    noticed = await asyncio.gather(*(_notices(shop, contract, currency) for currency in once))
    measure("quotes and payments that did not go through for a blip", sum(noticed), equals=0)

    old = {currency: provider.rate(currency) for currency in longer}
    for currency in longer:
        provider.treat(f"/rates/{currency}", faults[currency])
    end = time.monotonic() + SPELL_SEC
    quotes = await keep_asking(shop, contract, longer, lambda _: time.monotonic() > end)
    quotes += await _well_again(shop, provider, contract, measure, old)
    measure_quotes(measure, contract, quotes)


async def _notices(shop: Shop, contract: Contract, currency: str) -> int:
    """How many of a quote and a payment at the same moment did not go through."""
    order = shop.order(currency=currency)
    quote, reply = await asyncio.gather(ask(shop, contract, currency), shop.pay(order))
    payment = await shop.final(reply)
    return (quote.rate is None) + (not shop.captured(order, payment))


async def _well_again(
    shop: Shop,
    provider: Provider,
    contract: Contract,
    measure: Measure,
    old: dict[str, Decimal],
) -> list[Quote]:
    """Look-ups work from now on, and these rates are not what they were when the trouble began."""
    for currency, rate in old.items():
        if provider.rate(currency) == rate:
            provider.publish(currency)
        provider.treat(f"/rates/{currency}", ok)
    latest = time.monotonic() + contract["staleness_sec"] + SLACK_SEC
    quotes = await until_right(shop, provider, contract, measure, old)
    outlived = sum(one.rate == old[one.currency] and one.asked > latest for one in quotes)
    measure("old rates quoted too long after it", outlived, equals=0)
    return quotes


@check(
    id="cache.outage",
    family="cache",
    dimension="failure-mode-instinct",
    weight=2,
    shows="While look-ups of rates hang, every shop is still answered in time, and old rates do "
    "not outlive the trouble.",
    derived_from="Every request to us is answered within 3 seconds, whatever the provider does.",
    control="A payment carries the provider's rate before it; the provider's other calls are well "
    "all the time.",
    timing=True,
    long=True,
)
async def test_outage(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure, rng: random.Random
) -> None:
    """Quotes and payments while look-ups hang, of a known currency, a new one, and in EUR.

    Those of the known one are never answered, also not when it is over.
    """
    await shop.warm_up(payments=1)
    known, new = rng.sample(FOREIGN, 2)
    await charged_with(shop, known, provider.rate(known))
    old = {currency: provider.rate(currency) for currency in (known, new)}
    silence = Hold(then=reset)
    for currency in FOREIGN:
        provider.treat(f"/rates/{currency}", hang_after_accept if currency == known else silence)
    end = time.monotonic() + OUTAGE_SEC
    paying = asyncio.create_task(_pay_on(shop, contract, [known, new, "EUR"], end))
    asking = asyncio.create_task(
        keep_asking(shop, contract, [known, new], lambda _: time.monotonic() > end, every_sec=0.3)
    )
    await asyncio.sleep(OUTAGE_SEC / 4)
    for currency in old:
        provider.publish(currency)
    await asyncio.sleep(end - time.monotonic())
    for currency in FOREIGN:
        provider.treat(f"/rates/{currency}", ok)
    silence.release()
    quotes = await _well_again(shop, provider, contract, measure, old)
    right = {quote.currency for quote in quotes if quote.rate == provider.rate(quote.currency)}
    wrong = await _wrong(shop, provider, right)
    measure("payments afterwards that do not go through as quoted", wrong, equals=0)
    measure_quotes(measure, contract, [*await asking, *quotes])
    replies = await paying
    measure_replies(measure, contract, replies)
    promised = [reply for reply in replies if reply.status == 202]
    outcomes = await asyncio.gather(*map(shop.final, promised))
    unfinished = sum(payment.get("status") not in FINAL for payment in outcomes)
    measure("payments answered with 202 that have no outcome", unfinished, equals=0)


async def _pay_on(
    shop: Shop, contract: Contract, currencies: Sequence[str], end: float
) -> list[Response]:
    """Pay in turn in each currency, without waiting for answers."""
    paying: list[asyncio.Task[Response]] = []
    while time.monotonic() < end:
        order = shop.order(currency=currencies[len(paying) % len(currencies)])
        paying.append(asyncio.create_task(shop.pay(order, timeout_sec=give_up_sec(contract))))
        await asyncio.sleep(PAY_EVERY_SEC)
    return await asyncio.gather(*paying)


async def _wrong(shop: Shop, provider: Provider, currencies: Iterable[str]) -> int:
    """How many payments do not go through at the rate that is published."""
    wrong = 0
    for currency in currencies:
        order = shop.order(currency=currency)
        payment = await shop.insist(order, await shop.pay(order))
        right = decimal(payment.get("rate")) == provider.rate(currency)
        wrong += not (right and shop.captured(order, payment))
    return wrong


@check(
    id="cache.late-answer",
    family="cache",
    dimension="failure-mode-instinct",
    weight=2,
    shows="An old rate that arrives late is not taken for a fresh one, so nobody pays with it "
    "after it was replaced.",
    derived_from="When the provider changes a rate, it is what we quote and charge with, 5 seconds "
    "later at the latest.",
    control="An undisturbed payment goes through first; the provider holds an answer that it has "
    "worked out before the change.",
    timing=True,
)
async def test_late_answer(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure, rng: random.Random
) -> None:
    """In three currencies a look-up is answered with the old rate, some time after the change."""
    await shop.warm_up(payments=1)
    allowed = contract["staleness_sec"] + SLACK_SEC
    late = dict(zip(rng.sample(FOREIGN, 3), (*LATE_SEC, allowed), strict=True))
    old = {currency: provider.rate(currency) for currency in late}
    over = asyncio.Event()
    changes = [asyncio.create_task(_change(provider, *item, allowed)) for item in late.items()]
    asking = asyncio.create_task(keep_asking(shop, contract, list(late), lambda _: over.is_set()))
    changed = dict(zip(late, await asyncio.gather(*changes), strict=True))
    await asyncio.sleep(max(changed.values()) + allowed + AFTER_SEC - time.monotonic())
    over.set()
    quotes = await asking

    for currency, late_sec in late.items():
        ages = (
            quote.asked - changed[currency]
            for quote in quotes
            if (quote.currency, quote.rate) == (currency, old[currency])
        )
        measure(
            f"age of the last old rate quoted, its look-up being {late_sec:g} s late",
            max(ages, default=0.0),
            unit="s",
            at_most=allowed,
        )
    outdated = 0
    for currency, rate in old.items():
        payment = await shop.final(await shop.pay(shop.order(currency=currency)))
        outdated += decimal(payment.get("rate")) == rate
    measure("payments charged with an old rate afterwards", outdated, equals=0)
    measure.info("quotes", statuses(quote.reply for quote in quotes))


async def _change(provider: Provider, currency: str, late_sec: float, patience_sec: float) -> float:
    """Publish a rate while the answer with the one before is on its way; when that was."""
    answer = Hold(applied=True)
    provider.treat(f"/rates/{currency}", Attempts(answer))
    await answer.arrived(1, timeout_sec=patience_sec)
    provider.publish(currency)
    changed = time.monotonic()
    await asyncio.sleep(late_sec)
    answer.release()
    return changed
