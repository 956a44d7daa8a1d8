"""Does one key stand for one payment, and two keys for two?"""

from __future__ import annotations

import asyncio
import time

from provider import Provider
from shop import CONFLICT, NOT_NOW, Order, Shop, statuses

from harness.checks import Measure, Response, check

SEQUENTIAL_TRIALS = 5
AT_ONCE = 10
"""Pairs sent at the same moment: a gap between look-up and write may close before the provider."""
PAIRS = 4
CROWDS = 2
CROWD = 20
DISTINCT_TRIALS = 3
RACE_SEC = 0.3
"""How long a duplicate gets to act before the first call is let go."""
RACES_SEC = 60.0
"""For all races; they take a tenth of it. Whoever holds every reply back is not waited for."""


@check(
    id="idempotency.sequential",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A shop that sends a finished payment again gets the same payment and no second charge.",
    derived_from="Sending it again, at any time, [...] never charges a second time. "
    "It is answered with the same payment",
    control="Each payment's first request goes through and is in the ledger.",
)
async def test_sequential(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Each of five payments is sent three times, one after the other."""
    await shop.check_stub()
    charges, other_ids = [], 0
    for _ in range(SEQUENTIAL_TRIALS):
        order = shop.order()
        first = await shop.final(await shop.pay(order))
        assert shop.captured(order, first), f"The first request did not go through: {first}"
        again = [await shop.pay(order) for _ in range(2)]
        other_ids += sum(
            not reply.ok or reply.object().get("id") != first.get("id") for reply in again
        )
        charges.append(len(provider.charges(order.token)))
    measure("most charges for one key", max(charges), equals=1)
    measure("repeats that were not answered with the same payment", other_ids, equals=0)


@check(
    id="idempotency.concurrent",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=3,
    shows="Two presses of the button while the first is under way charge the customer once; "
    "a look-up before the write would charge twice.",
    derived_from="Sending it again, at any time, also while the first is under way [...] "
    "never charges a second time.",
    control="Copies start at the same moment, or while the provider holds the first call at a "
    "barrier, so the race really happens; two undisturbed payments go through first.",
)
async def test_concurrent(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Pairs at the same moment; pairs and crowds while the provider works on the first."""
    await shop.warm_up()
    worst, wrong, unfinished = 1, 0, 0
    seen: list[Response] = []
    races = [_at_once] * AT_ONCE + [_pair] * PAIRS + [_crowd] * CROWDS
    until = time.monotonic() + RACES_SEC
    for number, race in enumerate(races):
        if time.monotonic() > until:
            measure("races that came to an end within a minute", number, at_least=len(races))
            break
        order = shop.order()
        replies = await race(shop, provider, order)
        payment = await shop.insist(order, replies[0])
        unfinished += not shop.captured(order, payment)
        wrong += sum(not _allowed(reply, payment.get("id")) for reply in replies)
        worst = max(worst, len(provider.charges(order.token)))
        seen += replies
    measure("most charges for one key", worst, equals=1)
    measure("replies that are neither this payment nor 'not now'", wrong, equals=0)
    measure("keys without a captured payment in the end", unfinished, equals=0)
    measure.info("replies", statuses(seen))


async def _at_once(shop: Shop, _: Provider, order: Order) -> list[Response]:
    return list(await asyncio.gather(shop.pay(order), shop.pay(order)))


async def _pair(shop: Shop, provider: Provider, order: Order) -> list[Response]:
    return await _race(shop, provider, order, 2)


async def _crowd(shop: Shop, provider: Provider, order: Order) -> list[Response]:
    return await _race(shop, provider, order, CROWD)


async def _race(shop: Shop, provider: Provider, order: Order, copies: int) -> list[Response]:
    """Send copies while the provider holds the first one's charge; the first one's reply first."""
    barrier = provider.hold(order.token)
    first = asyncio.create_task(shop.pay(order))
    arrived = await barrier.arrived(1, timeout_sec=2.5)
    others = [asyncio.create_task(shop.pay(order)) for _ in range(copies - 1)]
    await asyncio.wait(others, timeout=RACE_SEC)
    barrier.release()
    replies = list(await asyncio.gather(first, *others))
    assert arrived, f"A payment did not reach the provider within 2.5 s; the reply was {replies[0]}"
    return replies


def _allowed(reply: Response, payment_id: object) -> bool:
    if reply.ok:
        return payment_id is not None and reply.object().get("id") == payment_id
    return reply.status in (*CONFLICT, *NOT_NOW)


@check(
    id="idempotency.distinct-keys",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=1,
    shows="Two orders that look the same are two payments: "
    "duplicates are told by the key, not guessed from the content.",
    derived_from="Different keys are different payments, even if everything else is the same",
    control="The stub answers the grader. It is itself the control of the other two: "
    "refusing everything similar would pass them.",
    long=True,
)
async def test_distinct_keys(shop: Shop, provider: Provider, measure: Measure) -> None:
    """The same order twice under two keys, one after the other and at once."""
    await shop.check_stub()
    charges, ids = [], 0
    for trial in range(DISTINCT_TRIALS):
        order = shop.order()
        twin = Order(shop.order().key, order.body)
        if trial:
            replies = await asyncio.gather(shop.pay(order), shop.pay(twin))
        else:
            replies = [await shop.pay(order), await shop.pay(twin)]
        payments = [await shop.final(reply) for reply in replies]
        ids += len({payment.get("id") for payment in payments} - {None})
        charges.append(len(provider.charges(order.token)))
    measure("fewest charges for two keys", min(charges), equals=2)
    measure("most charges for two keys", max(charges), equals=2)
    measure("different payments", ids, equals=2 * DISTINCT_TRIALS)
