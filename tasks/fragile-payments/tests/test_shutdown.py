"""Is what was accepted finished when the platform stops the service?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from provider import Provider
from replies import give_up_sec
from shop import Order, Shop, flat, statuses

from harness.checks import (
    SLACK_SEC,
    Contract,
    Exchange,
    Measure,
    Response,
    check,
    ok,
)
from harness.errors import CheckError

PAYMENTS = 10
LATER = 20
LATER_EVERY_SEC = 0.1
"""More keep coming until SIGTERM is there, which takes a second and more on a busy machine: however
long it takes, some are then fresh, and what is left of a short grace is not enough for them."""
SLOW_SEC = 1.5
"""How long the provider takes for each."""
PROMPT_SEC = 0.5
"""One that is sent to the provider so soon was not kept waiting, and has time left for that."""
PAUSE_SEC = 0.15
"""When no other arrives for so long, the service sends no more at a time."""
LOOKED_UP = 6
"""Payments that are looked up at a time after the restart: fewer than any good service takes."""


@check(
    id="shutdown.drain",
    family="shutdown",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A release during the day loses no payment: what is under way at SIGTERM is finished, "
    "booked, and the process leaves in time.",
    derived_from="The platform stops a process with SIGTERM and gives it 10 seconds to leave. "
    "What we have accepted is finished.",
    control="Two undisturbed payments go through first; payments that are just as slow are taken "
    "on when nobody stops the service.",
    timing=True,
    long=True,
)
async def test_drain(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Ten payments are at the provider when SIGTERM is sent, and more come until it is there."""
    await shop.warm_up()
    offers = [_offer(shop, provider, contract) for _ in range(PAYMENTS)]
    await _under_way(provider, offers)
    stopping = asyncio.create_task(shop.sut.stop(grace_sec=contract["drain_sec"] + 5))
    for _ in range(LATER):
        await asyncio.sleep(LATER_EVERY_SEC)
        offers.append(_offer(shop, provider, contract))
    replies = await asyncio.gather(*(offer.reply for offer in offers))
    stopped = await stopping
    await shop.sut.restart()
    accepted = [offer for offer in offers if _accepted(provider, offer)]
    if not accepted:
        # whoever keeps payments from the provider must not get out of this: a good service decides
        raise CheckError("No payment was under way when SIGTERM came.")
    gate = asyncio.Semaphore(LOOKED_UP)
    finished = sum(await asyncio.gather(*(_finished(gate, shop, offer) for offer in accepted)))
    measure(
        f"of {len(accepted)} payments taken on by SIGTERM, those finished and in the books after",
        finished,
        unit="payments",
        at_least=len(accepted),
        partly_at_least=0.8 * len(accepted),
    )
    charges = [len(provider.charges(offer.order.token)) for offer in offers]
    measure("most charges for one of them", max(charges), at_most=1)
    measure(
        "from SIGTERM to the end of the process",
        stopped.duration_sec,
        unit="s",
        at_most=contract["drain_sec"] + SLACK_SEC,
    )
    measure.info("exit code", stopped.exit_code)
    measure.info("replies", statuses(replies))
    control = [_offer(shop, provider, contract).reply for _ in range(PAYMENTS)]
    measure(
        f"payments that take the provider {SLOW_SEC} s and are taken on when nobody stops it",
        sum(reply.status in (201, 202) for reply in await asyncio.gather(*control)),
        at_least=1,
    )


@dataclass(frozen=True)
class Offer:
    """A payment that the provider is slow with."""

    order: Order
    at: float
    """`time.monotonic()` at which its shop asked for it."""
    reply: asyncio.Task[Response]


def _offer(shop: Shop, provider: Provider, contract: Contract) -> Offer:
    order = shop.order()
    provider.plan(order.token, _slowly)
    reply = asyncio.create_task(shop.pay(order, timeout_sec=give_up_sec(contract)))
    return Offer(order, time.monotonic(), reply)


async def _slowly(exchange: Exchange) -> None:
    await asyncio.sleep(SLOW_SEC)
    await ok(exchange)


async def _under_way(provider: Provider, offers: Sequence[Offer]) -> None:
    """Wait until all are at the provider, or as many as the service sends at a time."""
    there, patience_sec = 0, PROMPT_SEC

    def more() -> bool:
        return sum(bool(provider.attempts(offer.order.token)) for offer in offers) > there

    while there < len(offers) and await provider.upstream.until(more, timeout_sec=patience_sec):
        there, patience_sec = there + 1, PAUSE_SEC


def _accepted(provider: Provider, offer: Offer) -> bool:
    """Whether the service had taken it on: sent it to the provider, or promised it to the shop.

    One that it told to come back later without sending it anywhere was not taken on.
    """
    attempts = provider.attempts(offer.order.token)
    sent = bool(attempts) and attempts[0].arrived <= offer.at + PROMPT_SEC
    return sent or offer.reply.result().status in (201, 202)


async def _finished(gate: asyncio.Semaphore, shop: Shop, offer: Offer) -> bool:
    """Promised to the shop before the end, and captured in the books after it."""
    reply = offer.reply.result()
    if reply.status not in (201, 202):
        return False
    async with gate:
        # the time lost by restarting does not count
        payment = await shop.final(replace(reply, finished_at=time.monotonic()))
        shown = await shop.show(payment.get("id"))
    return shop.captured(offer.order, payment) and shop.captured(offer.order, flat(shown))
