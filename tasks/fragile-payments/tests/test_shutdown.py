"""Is what was accepted finished when the platform stops the service?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from provider import Provider
from shop import Order, Shop, flat, statuses

from harness.checks import (
    SLACK_SEC,
    Contract,
    Hold,
    Measure,
    Response,
    Stopped,
    check,
)
from harness.errors import CheckError

PAYMENTS = 10
ARRIVAL_SEC = 0.5
"""Long after the first they come no more: whoever sends fewer at a time waits for those."""
SLOW_SEC = 1.5
"""How long the provider takes for these; long enough that stopping cannot be over before."""


@check(
    id="shutdown.drain",
    family="shutdown",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A release during the day loses no payment: what is under way at SIGTERM is finished, "
    "booked, and the process leaves in time.",
    derived_from="The platform stops a process with SIGTERM and gives it 10 seconds to leave. "
    "What we have accepted is finished.",
    control="Two undisturbed payments go through first; the same payments, just as slow, are taken "
    "on when nobody stops the service.",
    timing=True,
    long=True,
)
async def test_drain(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Ten payments are at the provider when SIGTERM comes; it answers them well after that."""
    await shop.warm_up()
    stopping: list[asyncio.Task[Stopped]] = []

    def stop() -> None:
        grace = contract["drain_sec"] + 5
        stopping.append(asyncio.create_task(shop.sut.stop(grace_sec=grace)))

    stopped_amid = await _slow_payments(shop, provider, stop)
    stopped = await stopping[0]
    await shop.sut.restart()
    accepted = stopped_amid.accepted()
    if not accepted:
        # whoever keeps payments from the provider must not get out of this: a good service decides
        raise CheckError("No payment was under way when SIGTERM came.")
    finished = sum([await _finished(shop, order, reply) for order, reply in accepted])
    measure(
        f"of {len(accepted)} payments under way at SIGTERM, those finished and in the books after",
        finished,
        unit="payments",
        at_least=len(accepted),
        partly_at_least=0.8 * len(accepted),
    )
    charges = [len(provider.charges(order.token)) for order in stopped_amid.orders]
    measure("most charges for one of them", max(charges), at_most=1)
    measure(
        "from SIGTERM to the end of the process",
        stopped.duration_sec,
        unit="s",
        at_most=contract["drain_sec"] + SLACK_SEC,
    )
    measure.info("exit code", stopped.exit_code)
    measure.info("replies", statuses(stopped_amid.replies))
    control = await _slow_payments(shop, provider)
    measure(
        f"payments that take the provider {SLOW_SEC} s and are taken on when nobody stops it",
        sum(reply.status in (201, 202) for reply in control.replies),
        at_least=1,
    )


@dataclass(frozen=True)
class SlowPayments:
    """Payments that the provider kept waiting, and what became of them."""

    orders: list[Order]
    replies: list[Response]
    at_provider: list[bool]
    """Whether each had reached the provider when `meanwhile` was called."""

    def accepted(self) -> list[tuple[Order, Response]]:
        """Those that the service had taken on: sent to the provider, or promised to the shop.

        One that it told to come back later without sending it anywhere is not among them.
        """
        together = zip(self.orders, self.replies, self.at_provider, strict=True)
        return [(o, r) for o, r, sent in together if sent or r.status in (201, 202)]


async def _slow_payments(
    shop: Shop, provider: Provider, meanwhile: Callable[[], None] = lambda: None
) -> SlowPayments:
    """Payments that the provider keeps for `SLOW_SEC`; `meanwhile` is called when all are there.

    Or as many as the service sends at a time, soon after.
    """
    barrier = Hold()
    orders = [shop.order() for _ in range(PAYMENTS)]
    for order in orders:
        provider.plan(order.token, barrier)
    payments = [asyncio.create_task(shop.pay(order)) for order in orders]
    began = time.monotonic()
    await barrier.arrived(PAYMENTS, timeout_sec=ARRIVAL_SEC)
    at_provider = [bool(provider.attempts(order.token)) for order in orders]
    meanwhile()
    await asyncio.sleep(SLOW_SEC - (time.monotonic() - began))
    barrier.release()
    return SlowPayments(orders, list(await asyncio.gather(*payments)), at_provider)


async def _finished(shop: Shop, order: Order, reply: Response) -> bool:
    """Promised to the shop before the end, and captured in the books after it."""
    if reply.status not in (201, 202):
        return False
    # the time lost by restarting does not count
    payment = await shop.final(replace(reply, finished_at=time.monotonic()))
    shown = await shop.show(payment.get("id"))
    return shop.captured(order, payment) and shop.captured(order, flat(shown))
