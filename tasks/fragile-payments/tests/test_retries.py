"""Does the service try again when that helps, stop when it does not, and never go on for ever?"""

from __future__ import annotations

import asyncio
import statistics
from contextlib import suppress
from itertools import pairwise

from provider import Provider
from replies import give_up_sec
from shop import FINAL, Order, Shop, slowest, statuses

from harness.checks import (
    SLACK_SEC,
    Attempts,
    Call,
    Contract,
    Measure,
    Response,
    check,
    reset,
    reset_mid_body,
    status,
)

PAID_BACK = 201
LANES = 6
ROUNDS = 2
"""Per lane: payments without a blip and one with, at another place in each lane."""
BETWEEN = 14
"""Blips are about three times as many as announced then. Denser ones would fail a service that
repeats a tenth of its calls at most, or leaves a provider alone of whose calls a fifth fail."""
A_MOMENT_SEC = 1.0
"""How long a payment that was answered with 202 holds up the next one in its lane."""
BLIPS = (status(503, "try_again"), status(429, "try_again"), reset)
PUT_OFF = 24
"""Payments that the provider puts off; with fewer, random waits may well seem to be even."""
AT_ONCE = 8
FURTHER_SEC = 1.0
"""For a payment's third attempt, where it comes after the reply."""
ENOUGH = 10
"""Payments with three attempts that say something."""
GROWTH = 1.1
"""Random waits that double on average reach this; even ones never do."""
AT_ALL_SEC = 0.05
"""A shorter wait is none: what lies between attempts that follow at once is chance, and two
such waits may well seem to grow. On a busy machine up to 0.04 s was seen."""
QUIET_SEC = 1.0
"""How long to wait for attempts that come after the reply."""


@check(
    id="retries.transient",
    family="retries",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A blip of the provider (one 503, 429 or connection reset) stays inside, "
    "so shops do not lose a checkout to something that a second try repairs.",
    derived_from="About 1 in 50 calls to the provider has a blip. A shop should not notice one.",
    control="Two undisturbed payments go through first, and fourteen of fifteen in between are "
    "such.",
    timing=True,
)
async def test_transient(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Twelve payments whose first charge fails, spread thinly among ones that do not."""
    await shop.warm_up()
    blips = {}
    for number in range(LANES * ROUNDS):
        order = shop.order()
        provider.blip(order.token, BLIPS[number % len(BLIPS)])
        blips[order.key] = order
    replies: dict[str, Response] = {}

    async def lane(first: int) -> None:
        for order in orders[first::LANES]:
            payments = [shop.order() for _ in range(BETWEEN)]
            payments.insert((first + 1) * BETWEEN // (LANES + 1), order)
            for each in payments:
                replies[each.key] = await shop.pay(each)
                await _ended(shop, replies[each.key])

    orders = list(blips.values())
    await asyncio.gather(*map(lane, range(LANES)))
    outcomes = await asyncio.gather(*(shop.final(replies[key]) for key in blips))
    good = sum(
        shop.captured(order, payment) for order, payment in zip(orders, outcomes, strict=True)
    )
    measure(
        f"of {len(orders)} payments with one blip, those that went through",
        good,
        unit="payments",
        at_least=len(orders) - 1,
        partly_at_least=len(orders) / 2,
    )
    measure(
        "slowest reply to a payment with a blip",
        slowest(replies[key] for key in blips),
        unit="s",
        at_most=contract["deadline_sec"] + SLACK_SEC,
        partly_at_most=2 * contract["deadline_sec"],
    )
    measure.info("replies to payments with a blip", statuses(replies[key] for key in blips))


async def _ended(shop: Shop, reply: Response) -> None:
    """Wait for a payment that was answered with 202, or a moment.

    Without that, who answers at once would be sent the next at once: that is a peak, in which they
    may tell shops to come back.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(A_MOMENT_SEC):
            await shop.final(reply)


@check(
    id="retries.refunds",
    family="retries",
    dimension="failure-mode-instinct",
    weight=1,
    shows="A blip of the provider stays inside when money is given back, too, and the money is "
    "given back once.",
    derived_from="About 1 in 50 calls to the provider has a blip. A shop should not notice one.",
    control="A refund without a blip goes through first.",
    timing=True,
)
async def test_refunds(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Refunds whose first call is turned away, is cut off before it is carried out, or after."""
    await shop.warm_up()
    order = shop.order(amount=1000)
    payment = await shop.final(await shop.pay(order))
    path = f"/payments/{payment.get('id')}/refunds"
    usual = await shop.sut.post(path, {"amount": 1})
    assert usual.status == PAID_BACK, f"A refund did not go through while all was well: {usual}"
    replies = []
    for trouble in (*BLIPS, reset_mid_body):
        provider.treat("/refunds", Attempts(trouble))
        replies.append(await shop.sut.post(path, {"amount": 1}, timeout_sec=give_up_sec(contract)))
    through = sum(reply.status == PAID_BACK for reply in replies)
    measure(
        f"of {len(replies)} refunds with one blip, those that went through",
        through,
        at_least=len(replies),
        partly_at_least=len(replies) / 2,
    )
    back = sum(effect.facts["amount"] for effect in provider.ledger.find("refund"))
    measure("refunds that were carried out and not told", back - through - 1, equals=0)
    measure(
        "slowest reply", slowest(replies), unit="s", at_most=contract["deadline_sec"] + SLACK_SEC
    )
    measure.info("replies", statuses(replies))


@check(
    id="retries.permanent",
    family="retries",
    dimension="failure-mode-instinct",
    weight=1,
    shows="A request that the provider calls wrong is not sent again, "
    "so a mistake of ours does not become load on a partner.",
    derived_from="not again after an answer that says that our request is wrong",
    control="Two undisturbed payments go through first, one after each that is turned down.",
)
async def test_permanent(shop: Shop, provider: Provider, measure: Measure) -> None:
    """The provider turns one payment down with each status that means so."""
    await shop.warm_up()
    turned_down = []
    for code in (400, 404, 422):
        order = shop.order()
        provider.plan(order.token, status(code, "invalid_request"))
        reply = await shop.pay(order)
        turned_down.append((code, order, reply))
        await shop.pay(shop.order())
    await asyncio.gather(*(shop.final(reply) for _, _, reply in turned_down))
    await asyncio.sleep(QUIET_SEC)
    for code, order, reply in turned_down:
        attempts = len(provider.attempts(order.token))
        measure(f"charges sent for a payment answered {code}", attempts, equals=1)
        measure.info(f"our reply to the payment answered {code}", reply.status)
    told_taken = sum(reply.status == 201 for _, _, reply in turned_down)
    measure("payments told to be taken that were turned down", told_taken, equals=0)


@check(
    id="retries.bounded",
    family="retries",
    dimension="failure-mode-instinct",
    weight=2,
    shows="While the provider keeps saying 'not now', each payment is sent a bounded number of "
    "times and the shop is told in time, so a bad hour does not become a storm.",
    derived_from="The provider's terms allow us to send one payment at most 5 times",
    control="Two undisturbed payments go through first.",
    timing=True,
)
async def test_bounded(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Four payments at once that the provider always puts off."""
    await shop.warm_up()
    orders = [shop.order() for _ in range(4)]
    for order in orders:
        provider.plan(order.token, Attempts(then=status(503, "try_again")))
    replies = await asyncio.gather(*(shop.pay(order) for order in orders))
    outcomes = await asyncio.gather(*(shop.final(reply) for reply in replies))
    await asyncio.sleep(QUIET_SEC)
    attempts = [len(provider.attempts(order.token)) for order in orders]
    measure("most charges sent for one payment", max(attempts), at_most=contract["max_attempts"])
    measure("charges sent for all of them", sum(attempts), at_least=1)
    measure(
        "slowest reply",
        slowest(replies),
        unit="s",
        at_most=contract["deadline_sec"] + SLACK_SEC,
        partly_at_most=2 * contract["deadline_sec"],
    )
    told_taken = sum(payment.get("status") == "captured" for payment in outcomes)
    measure("payments told to be taken that were not", told_taken, equals=0)
    unfinished = sum(
        reply.status == 202 and payment.get("status") not in FINAL
        for reply, payment in zip(replies, outcomes, strict=True)
    )
    measure("payments answered with 202 that have no outcome", unfinished, equals=0)
    measure.info("replies", statuses(replies))


@check(
    id="retries.spread",
    family="retries",
    dimension="failure-mode-instinct",
    weight=1,
    shows="The longer the provider says 'not now', the longer a payment waits for its next "
    "attempt, so that what is in trouble is left alone.",
    derived_from="The provider's terms allow us to send one payment at most 5 times",
    control="Two undisturbed payments go through first; sending a payment once or twice passes.",
    timing=True,
    advisory="No document asks for it: few attempts with even waits keep the terms too.",
)
async def test_spread(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Payments that the provider always puts off, eight at a time."""
    await shop.warm_up()
    orders = [shop.order() for _ in range(PUT_OFF)]
    gate = asyncio.Semaphore(AT_ONCE)

    async def put_off(order: Order) -> None:
        provider.plan(order.token, Attempts(then=status(503, "try_again")))
        async with gate:
            await shop.pay(order)
            await provider.upstream.until(
                lambda: len(provider.attempts(order.token)) > 2,
                timeout_sec=FURTHER_SEC,
            )

    await asyncio.gather(*(put_off(order) for order in orders))
    waits = [_waits(provider.attempts(order.token)) for order in orders]
    pairs = [pair for pair in waits if len(pair) > 1]
    measure.info(f"of {PUT_OFF} payments, those sent three times or more", len(pairs))
    growth = GROWTH
    if len(pairs) >= ENOUGH:
        first, second = (statistics.median(pair[n] for pair in pairs) for n in (0, 1))
        growth = second / max(first, AT_ALL_SEC)
        low, _, high = statistics.quantiles(pair[0] for pair in pairs)
        measure.info("first wait, median", first, unit="s")
        measure.info("second wait, median", second, unit="s")
        measure.info("jitter: the middle half of first waits, as a share", (high - low) / first)
    measure(
        f"the second wait as a multiple of the first, which counts as {AT_ALL_SEC:g} s or more",
        growth,
        at_least=GROWTH,
    )


def _waits(calls: list[Call]) -> list[float]:
    """From the answer to an attempt to the next one, in seconds; a 503 takes no time here."""
    return [later.arrived - before.arrived for before, later in pairwise(calls)]
