"""Is a payment one charge when nobody can tell at first whether it was carried out?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from provider import Provider
from shop import Order, Shop, statuses

from harness.checks import Contract, Hold, Measure, Response, check, ok, reset, reset_mid_body

CUT_OFF = 2
SILENT = 3
SILENT_SEC = 5.0
"""After this long the network gives up on a call that the provider does not answer."""
LATE = 2
LATE_SEC = 7.0
"""Carried out only now, when everybody has given up on the call and shops have come back."""
LANDED_SEC = 0.3
"""Within which the provider carries out what it was held up with."""
REFUSED = 4
REFUSED_SEC = 3.5
"""Longer than a request may take, so each has had its answer before the provider is back."""
PATIENCE_SEC = 0.3
HUNG_UP = 4
HELD_SEC = 1.0
"""How long the provider keeps a call after its shop has hung up."""


@dataclass
class Story:
    """One key from its first request to its outcome."""

    order: Order
    replies: list[Response] = field(default_factory=list)
    payment: dict[str, Any] = field(default_factory=dict)
    may_fail: bool = False
    """It was answered with 202 in bad times; `failed` without a charge is a promised outcome."""


@check(
    id="idempotency.lost-answer",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=3,
    shows="When the provider's answer got lost and the money was taken, or is taken only later, "
    "the customer is charged once and the payment is in the books; sending it as a new one would "
    "charge twice.",
    derived_from="Sending it again, at any time, [...] never charges a second time. "
    "It is answered with the same payment",
    control="Two undisturbed payments go through first; the ledger shows that the money was taken.",
    long=True,
)
async def test_lost_answer(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Charges are carried out, but the answer breaks off, or there is none for five seconds.

    Others wait in line and are carried out after seven seconds, though nobody listens any more.
    """
    await shop.warm_up()
    cut_off = [Story(shop.order()) for _ in range(CUT_OFF)]
    silent = [Story(shop.order()) for _ in range(SILENT)]
    late = [Story(shop.order()) for _ in range(LATE)]
    silence, in_line = Hold(then=reset, applied=True), Hold()
    for story in cut_off:
        provider.blip(story.order.token, reset_mid_body)
    for story in silent:
        provider.plan(story.order.token, silence)
    for story in late:
        provider.blip(story.order.token, in_line)
    until = time.monotonic() + LATE_SEC + contract["outage_recovery_sec"]
    stories = cut_off + silent + late
    paying = [asyncio.create_task(_insist(shop, story, until=until)) for story in stories]
    await asyncio.sleep(SILENT_SEC)
    _heal(provider, silent, silence)
    await asyncio.sleep(LATE_SEC - SILENT_SEC)
    in_line.release()
    await asyncio.gather(asyncio.sleep(LANDED_SEC), *paying)
    await _judge(shop, provider, measure, stories)


@check(
    id="idempotency.nothing-happened",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A payment that failed because the provider could not be reached goes through when the "
    "shop comes back: the failure does not stick to the key.",
    derived_from="This is not an outcome: the shop comes back with the same key "
    "and then gets one of the above.",
    control="Two undisturbed payments go through first; nothing reached the provider while it "
    "was away, so nothing was charged then.",
)
async def test_nothing_happened(shop: Shop, provider: Provider, measure: Measure) -> None:
    """The provider refuses connections until each request has had its answer, then is well."""
    await shop.warm_up()
    stories = [Story(shop.order()) for _ in range(REFUSED)]
    await provider.upstream.refuse()
    _, *replies = await asyncio.gather(
        asyncio.sleep(REFUSED_SEC), *(shop.pay(story.order) for story in stories)
    )
    charged = sum(len(provider.charges(story.order.token)) for story in stories)
    measure.info("charges while the provider was away", charged)
    await provider.upstream.accept()
    for story, reply in zip(stories, replies, strict=True):
        story.may_fail = reply.status == 202
    await asyncio.gather(*map(_insist, [shop] * REFUSED, stories, replies))
    await _judge(shop, provider, measure, stories)


@check(
    id="idempotency.hung-up",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A shop that hangs up and asks again later gets its one payment: "
    "a lost connection to the shop loses no money and takes none twice.",
    derived_from="Sending it again, at any time, also while the first is under way [...] "
    "never charges a second time.",
    control="Two undisturbed payments go through first; each call is at the provider "
    "when its shop hangs up.",
)
async def test_hung_up(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Half of the shops come back at once, half when it is over; half were charged by then."""
    await shop.warm_up()
    barriers = [Hold(applied=number % 2 == 0) for number in range(HUNG_UP)]
    stories = [Story(shop.order()) for _ in barriers]
    for story, barrier in zip(stories, barriers, strict=True):
        provider.plan(story.order.token, barrier)
    await asyncio.gather(*map(_hang_up, [shop] * HUNG_UP, stories, barriers))
    early = [asyncio.create_task(_insist(shop, story)) for story in stories[: HUNG_UP // 2]]
    await asyncio.sleep(HELD_SEC)
    for barrier in barriers:
        barrier.release()
    late = [asyncio.create_task(_insist(shop, story)) for story in stories[HUNG_UP // 2 :]]
    await asyncio.gather(*early, *late)
    await _judge(shop, provider, measure, stories)


async def _insist(
    shop: Shop, story: Story, reply: Response | None = None, *, until: float | None = None
) -> None:
    """Pay, or come back after `reply`, until there is an outcome, and once more after it."""
    story.replies.append(reply or await shop.pay(story.order))
    story.payment = await shop.insist(story.order, story.replies[-1], until=until)
    story.replies.append(await shop.pay(story.order))


async def _hang_up(shop: Shop, story: Story, barrier: Hold) -> None:
    """Pay, and close the connection while the call is at the provider."""
    paying = asyncio.create_task(shop.pay(story.order))
    await barrier.arrived(1, timeout_sec=2.5)
    await asyncio.wait([paying], timeout=PATIENCE_SEC)
    paying.cancel()
    await asyncio.gather(paying, return_exceptions=True)


def _heal(provider: Provider, stories: list[Story], barrier: Hold) -> None:
    """Later calls are well; those at the barrier get what it has for them."""
    for story in stories:
        provider.plan(story.order.token, ok)
    barrier.release()


async def _judge(shop: Shop, provider: Provider, measure: Measure, stories: list[Story]) -> None:
    """Each key is one charge, one captured payment, and in the books."""
    charges = [len(provider.charges(story.order.token)) for story in stories]
    failed = [
        story
        for story, count in zip(stories, charges, strict=True)
        if story.may_fail and not count and story.payment.get("status") == "failed"
    ]
    told = [story for story in stories if story not in failed]
    measure("most charges for one key", max(charges), at_most=1)
    measure(
        f"of {len(stories)} keys, those without a captured payment in the end",
        sum(not shop.captured(story.order, story.payment) for story in told),
        equals=0,
    )
    booked = await asyncio.gather(*(shop.in_books(story.order, story.payment) for story in told))
    measure("payments that the books show otherwise", booked.count(False), equals=0)
    others = sum(not _same(story) for story in told)
    measure("keys that were answered with another payment later", others, equals=0)
    measure.info("payments promised in bad times that failed without a charge", len(failed))
    measure.info("first replies", statuses(story.replies[0] for story in stories))


def _same(story: Story) -> bool:
    again = story.replies[-1]
    return again.ok and again.object().get("id") == story.payment.get("id")
