"""Does what the provider can take still get through when twice as much arrives?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from provider import USUAL_SEC, Provider
from replies import measure_statuses
from shop import FINAL, Order, Shop, statuses

from harness.checks import (
    SLACK_SEC,
    Bench,
    Contract,
    ControlFailed,
    Effect,
    Load,
    Measure,
    Response,
    Shot,
    check,
    fetch,
    open_loop,
    percentile,
)

GOODPUT_LOAD_SEC = 8.0
RECOVERY_LOAD_SEC = 7.0
CALIBRATION_SEC = 1.2
PROBE_EVERY_SEC = 0.15
FAST_SEC = 1.0
"""A normal payment: the provider's usual time several times over; also 'well within a second'."""
ENOUGH = 3
"""Normal payments in a row that say it is over."""
ACCEPTED = 202


@pytest.fixture
def capacity(bench: Bench, provider: Provider, contract: Contract, measure: Measure) -> float:
    """What the provider takes per second; asked for before `shop`, so that no service is there."""
    return bench.run(_calibrate(provider, contract, measure))


@check(
    id="backpressure.goodput",
    family="backpressure",
    dimension="failure-mode-instinct",
    weight=3,
    shows="At twice the provider's capacity, what the provider can take still gets through in time "
    "and the rest is told quickly to come back, instead of everybody waiting for nothing.",
    derived_from="What it can take must still get through, at least 70 % of it, within the "
    "3 seconds. The rest is told quickly, well within a second, to come back.",
    control="The provider's capacity is measured directly, before the service is started; "
    "the load generator's own lateness stays within bounds.",
    timing=True,
    loud=True,
)
async def test_goodput(
    capacity: float, shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Counts payments due after the first 3 s, when every queue there is has filled."""
    await shop.warm_up()
    orders: list[Order] = []
    load = await _peak(shop, orders, contract["peak_factor"] * capacity, GOODPUT_LOAD_SEC, contract)
    load.require_on_time()

    deadline = contract["deadline_sec"]
    counted = [shot for shot in load.shots if shot.due >= deadline]
    await _outcomes(provider, load.shots, orders, contract)
    charged = provider.charged()
    useful = sum(_useful(shot, charged[orders[shot.number].token], contract) for shot in counted)
    room = capacity * (GOODPUT_LOAD_SEC - deadline)
    percent = min(100.0, 100 * useful / room)
    wanted = contract["peak_goodput_percent"]
    measure(
        "share of the provider's capacity that became payments in time",
        percent,
        unit="%",
        at_least=wanted,
        partly_at_least=wanted * 4 / 7,
    )
    measure(
        "99th percentile of all replies",
        percentile([shot.reply.elapsed for shot in load.shots], 0.99),
        unit="s",
        at_most=deadline + SLACK_SEC,
        partly_at_most=2 * deadline,
    )
    refused = [shot.reply.elapsed for shot in load.shots if not shot.reply.ok]
    measure(
        "95th percentile of refusals",
        percentile(refused, 0.95),
        unit="s",
        at_most=FAST_SEC,
        partly_at_most=deadline + SLACK_SEC,
    )
    measure(
        "payments answered with 202 that have no outcome in time",
        await _unfinished(shop, load.shots, orders, charged, contract),
        equals=0,
    )
    measure_statuses(measure, contract, [shot.reply for shot in load.shots])
    _describe(load, provider, measure)


@check(
    id="backpressure.recovery",
    family="backpressure",
    dimension="failure-mode-instinct",
    weight=2,
    shows="When the peak is over, payments are normal again at once, answered and charged: "
    "no backlog of work that nobody waits for any more.",
    derived_from="after the peak is over, payments are normal again",
    control="The provider's capacity is measured directly, before the service is started; "
    "the load generator's own lateness stays within bounds.",
    timing=True,
    loud=True,
)
async def test_recovery(
    capacity: float, shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """After a peak, a payment every 150 ms until three in a row are normal."""
    await shop.warm_up()
    orders: list[Order] = []
    rate = contract["peak_factor"] * capacity
    peak = asyncio.create_task(_peak(shop, orders, rate, RECOVERY_LOAD_SEC, contract))
    await asyncio.sleep(RECOVERY_LOAD_SEC)
    began = time.monotonic()
    recovered, first = await _until_normal(shop, provider, contract)
    load = await peak
    load.require_on_time()
    measure.info("replies", statuses(shot.reply for shot in load.shots))
    _describe(load, provider, measure)
    measure(
        "from the end of the peak to three normal payments",
        max(0.0, recovered - max(began, load.ended)),
        unit="s",
        at_most=contract["recovery_sec"] + SLACK_SEC,
        partly_at_most=2 * contract["recovery_sec"],
    )
    await provider.upstream.until(
        lambda: all(provider.charges(order.token) for order in first),
        timeout_sec=contract["outcome_sec"],
    )
    charged = sum(bool(provider.charges(order.token)) for order in first)
    measure("of these three, those that were really charged", charged, equals=len(first))


async def _calibrate(provider: Provider, contract: Contract, measure: Measure) -> float:
    """What the provider takes per second, measured by calling it directly."""
    provider.upstream.latency = USUAL_SEC
    slots = int(contract["provider_concurrency"])
    until = time.monotonic() + CALIBRATION_SEC

    async def caller(number: int) -> int:
        answered = 0
        while time.monotonic() < until:
            token = f"tok_calibration{number}"
            body = {"reference": token, "amount": 1, "currency": "EUR", "card_token": token}
            reply = await fetch(provider.upstream.address, "POST", "/charges", body=body)
            answered += reply.status == 201
        return answered

    began = time.monotonic()
    answered = sum(await asyncio.gather(*(caller(number) for number in range(2 * slots))))
    capacity = answered / (time.monotonic() - began)
    nominal = slots / USUAL_SEC
    if not 0.85 * nominal <= capacity <= 1.05 * nominal:
        raise ControlFailed(
            f"The provider's stub took {capacity:.0f} calls per second instead of {nominal:.0f}.",
            remedy="The machine is too busy; grade again when it is not.",
            slug="load-late",
        )
    provider.upstream.peak = 0
    measure.info("provider's capacity", capacity, unit="payments/s")
    return capacity


async def _peak(
    shop: Shop, orders: list[Order], rate: float, seconds: float, contract: Contract
) -> Load:
    """Offer payments at a rate; `orders` gets them by number."""
    orders += [shop.order() for _ in range(round(rate * seconds))]
    give_up = 2 * contract["deadline_sec"] + 0.5

    async def send(number: int, due: float) -> Response:
        return await shop.pay(orders[number], since=due, timeout_sec=give_up)

    return await open_loop(send, rate=rate, seconds=seconds)


@dataclass(frozen=True)
class _Probe:
    """A payment that was offered after the peak."""

    order: Order
    offered: float
    reply: asyncio.Task[Response]

    def normal(self, provider: Provider, within_sec: float) -> bool:
        """Answered soon, and charged `within_sec` of being offered, whatever the answer was."""
        if not self.reply.done():
            return False
        reply = self.reply.result()
        charges = provider.charges(self.order.token)
        in_time = any(effect.at <= self.offered + within_sec for effect in charges)
        return reply.ok and reply.elapsed <= FAST_SEC and in_time


async def _until_normal(
    shop: Shop, provider: Provider, contract: Contract
) -> tuple[float, list[Order]]:
    """When the third normal payment in a row was answered, and these; or the end of waiting."""
    limit_sec = 2 * contract["recovery_sec"] + 1
    within_sec = contract["deadline_sec"] + SLACK_SEC
    until = time.monotonic() + limit_sec
    probes: list[_Probe] = []
    first = None
    while first is None and time.monotonic() < until:
        order = shop.order()
        paying = asyncio.create_task(shop.pay(order, timeout_sec=limit_sec))
        probes.append(_Probe(order, time.monotonic(), paying))
        await asyncio.sleep(PROBE_EVERY_SEC)
        first = _in_a_row([probe.normal(provider, within_sec) for probe in probes])
    normal = [] if first is None else probes[first : first + ENOUGH]
    answered = normal[-1].reply.result().finished_at if normal else until
    for probe in probes:
        probe.reply.cancel()
    await asyncio.wait([probe.reply for probe in probes])
    return answered, [probe.order for probe in normal]


def _in_a_row(normal: list[bool]) -> int | None:
    """The first of enough normal payments in a row, if there are such."""
    for first in range(len(normal) - ENOUGH + 1):
        if all(normal[first : first + ENOUGH]):
            return first
    return None


async def _outcomes(
    provider: Provider, shots: Sequence[Shot], orders: list[Order], contract: Contract
) -> None:
    """Give payments that were answered 202 the time that the contract gives them."""
    pending = [shot for shot in shots if shot.reply.status == ACCEPTED]
    if pending:
        last = max(shot.reply.finished_at for shot in pending) + contract["outcome_sec"]
        tokens = {orders[shot.number].token for shot in pending}
        await provider.upstream.until(
            lambda: tokens <= provider.charged().keys(),
            timeout_sec=max(0.0, last - time.monotonic()),
        )


async def _unfinished(
    shop: Shop,
    shots: Sequence[Shot],
    orders: list[Order],
    charged: dict[str, list[Effect]],
    contract: Contract,
) -> int:
    """How many payments answered with 202 were neither charged in time nor told to have failed."""
    unfinished = 0
    for shot in shots:
        charges = charged[orders[shot.number].token]
        if shot.reply.status == ACCEPTED and not _in_time(shot.reply, charges, contract):
            payment = await shop.final(shot.reply)
            unfinished += bool(charges) or payment.get("status") not in FINAL
    return unfinished


def _in_time(reply: Response, charges: list[Effect], contract: Contract) -> bool:
    """Whether a payment that was answered with 202 was charged when it had to be."""
    return any(effect.at <= reply.finished_at + contract["outcome_sec"] for effect in charges)


def _useful(shot: Shot, charges: list[Effect], contract: Contract) -> bool:
    """Taken, really charged, and both in time."""
    reply = shot.reply
    in_time = reply.elapsed <= contract["deadline_sec"] + SLACK_SEC
    if reply.status == ACCEPTED:
        return in_time and _in_time(reply, charges, contract)
    ids = {effect.id for effect in charges}
    return in_time and reply.status == 201 and str(reply.object().get("provider_charge_id")) in ids


def _describe(load: Load, provider: Provider, measure: Measure) -> None:
    measure.info("payments offered", len(load.shots))
    measure.info("most calls open at the provider", provider.upstream.peak)
    measure.info("load generator late, median", load.lateness(0.5) * 1000, unit="ms")
    measure.info("load generator late, 99th percentile", load.lateness(0.99) * 1000, unit="ms")
    measure.info("load generator late, most", load.lateness(1.0) * 1000, unit="ms")
