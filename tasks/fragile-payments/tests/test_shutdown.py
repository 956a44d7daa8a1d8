"""Is what was accepted finished when the platform stops the service?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from provider import Provider
from shop import Order, Shop, flat, statuses

from harness.checks import SLACK_SEC, Contract, Hold, Measure, Response, Stopped, check

PAYMENTS = 10
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
    control="The same payments, just as slow, are finished when nobody stops the service.",
    timing=True,
)
async def test_drain(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Ten payments are at the provider when SIGTERM comes; it answers them well after that."""
    await shop.warm_up()
    _, replies = await _slow_payments(shop, provider)
    expected = sum(reply.status in (201, 202) for reply in replies)
    measure.info("finished when nobody stops the service", expected)
    assert expected, f"No payment got through that takes the provider {SLOW_SEC} s: {replies[0]}"

    stopping: list[asyncio.Task[Stopped]] = []

    def stop() -> None:
        grace = contract["drain_sec"] + 5
        stopping.append(asyncio.create_task(shop.sut.stop(grace_sec=grace)))

    orders, replies = await _slow_payments(shop, provider, stop)
    stopped = await stopping[0]
    await shop.sut.restart()
    pairs = zip(orders, replies, strict=True)
    finished = sum([await _finished(shop, order, reply) for order, reply in pairs])
    measure(
        f"of {PAYMENTS} payments under way at SIGTERM, those finished and in the books afterwards",
        finished,
        unit="payments",
        at_least=expected,
        partly_at_least=0.8 * expected,
    )
    charges = [len(provider.charges(order.token)) for order in orders]
    measure("most charges for one of them", max(charges), at_most=1)
    measure(
        "from SIGTERM to the end of the process",
        stopped.duration_sec,
        unit="s",
        at_most=contract["drain_sec"] + SLACK_SEC,
    )
    measure.info("exit code", stopped.exit_code)
    measure.info("replies", statuses(replies))


async def _slow_payments(
    shop: Shop, provider: Provider, meanwhile: Callable[[], None] = lambda: None
) -> tuple[list[Order], list[Response]]:
    """Payments that the provider keeps for `SLOW_SEC`; `meanwhile` is called when all are there."""
    barrier = Hold()
    orders = [shop.order() for _ in range(PAYMENTS)]
    for order in orders:
        provider.plan(order.token, barrier)
    payments = [asyncio.create_task(shop.pay(order)) for order in orders]
    await barrier.arrived(PAYMENTS, timeout_sec=1.0)
    meanwhile()
    await asyncio.sleep(SLOW_SEC)
    barrier.release()
    return orders, list(await asyncio.gather(*payments))


async def _finished(shop: Shop, order: Order, reply: Response) -> bool:
    """Promised to the shop before the end, and captured in the books after it."""
    if reply.status not in (201, 202):
        return False
    payment = await shop.final(reply)
    shown = await shop.show(payment.get("id"))
    return shop.captured(order, payment) and shop.captured(order, flat(shown))
