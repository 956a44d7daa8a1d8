"""Is a bad spell of the provider over when it is over, and is it left alone until then?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from provider import Provider
from replies import give_up_sec, measure_replies
from shop import CURRENCIES, Order, Shop, slowest, statuses

from harness.checks import (
    SLACK_SEC,
    Contract,
    Measure,
    Response,
    check,
    hang_after_accept,
    open_loop,
    status,
)

PUT_OFF_SEC = 2.0
"""What the provider's Retry-After asks for."""
EARLY_SEC = 0.1
"""Granted: it lets rounding of clocks and a call that was on its way be."""
PUT_OFF = 4
"""Payments for each of the two statuses."""
FAR_OFF_SEC = 30.0
"""What it asks for at another time: longer than any shop waits."""
OFFERED_RATE = 20
"""Payments per second, as on a weekend evening."""
HANGS_SEC = 3.0
TURNS_AWAY_SEC = 3.0
PROBE_RATE = 10
WINDOW = 20
"""Payments in a row that are looked at together: 95 % of them leaves one."""
NORMAL_SEC = 1.0
"""A normal payment, many times over."""
NORMAL_SHARE = 0.95


@check(
    id="retries.retry-after",
    family="retries",
    dimension="failure-mode-instinct",
    weight=1,
    shows="When the provider says when to come back, it is not asked again before that, and the "
    "shop is told in time all the same.",
    derived_from="A header `Retry-After` gives the seconds to wait before that. [...] "
    "Every request to us is answered within 3 seconds",
    control="Two undisturbed payments go through first; one that is never sent again passes.",
    timing=True,
)
async def test_retry_after(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Payments that are put off by 2 seconds the first time, by either status; one by many."""
    await shop.warm_up()
    orders = [shop.order() for _ in range(2 * PUT_OFF)]
    for number, order in enumerate(orders):
        code = (503, 429)[number % 2]
        provider.blip(order.token, status(code, "not_now", retry_after_sec=PUT_OFF_SEC))
    replies = await asyncio.gather(*(shop.pay(order) for order in orders))
    last = max((call.arrived for o in orders for call in provider.attempts(o.token)), default=0)
    await asyncio.sleep(max(0.0, last + PUT_OFF_SEC - time.monotonic()))
    sent = [provider.attempts(order.token) for order in orders]
    assert any(sent), f"No payment reached the provider; the first reply was {replies[0]}"
    gaps = [calls[1].arrived - calls[0].arrived for calls in sent if len(calls) > 1]
    measure(
        "shortest time from a 503 or 429 to the next attempt at the payment",
        min(gaps, default=PUT_OFF_SEC),
        unit="s",
        at_least=PUT_OFF_SEC - EARLY_SEC,
    )
    order = shop.order()
    provider.blip(order.token, status(429, "not_now", retry_after_sec=FAR_OFF_SEC))
    replies.append(await shop.pay(order))
    measure(
        "slowest reply",
        slowest(replies),
        unit="s",
        at_most=contract["deadline_sec"] + SLACK_SEC,
    )
    measure.info("payments sent again so far", len(gaps))
    measure.info("replies", statuses(replies))


@check(
    id="retries.outage",
    family="retries",
    dimension="failure-mode-instinct",
    weight=2,
    shows="While the provider is down, shops are told in time and it is not flooded; when it is "
    "back, so are payments, without anybody's help.",
    derived_from="after a bad spell of the provider or the mailer is over, everything is normal "
    "again, and nobody had to restart us.",
    control="Two undisturbed payments go through first.",
    timing=True,
    long=True,
)
async def test_outage(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Twenty payments a second; for 3 s every call hangs, for 3 s every call is turned away."""
    await shop.warm_up()
    orders = [_mixed(shop, n) for n in range(round(OFFERED_RATE * (HANGS_SEC + TURNS_AWAY_SEC)))]

    async def pay(number: int, due: float) -> Response:
        return await shop.pay(orders[number], since=due, timeout_sec=give_up_sec(contract))

    provider.spell = hang_after_accept
    seconds = HANGS_SEC + TURNS_AWAY_SEC
    offered = asyncio.create_task(open_loop(pay, rate=OFFERED_RATE, seconds=seconds))
    await asyncio.sleep(HANGS_SEC)
    before = len(provider.upstream.calls)
    provider.spell = status(503, "unavailable")
    await asyncio.sleep(TURNS_AWAY_SEC)
    provider.spell = None
    well = time.monotonic()
    turned_away = len(provider.upstream.calls) - before
    best = await _until_normal(shop, provider, contract, well)
    load = await offered
    measure_replies(measure, contract, [shot.reply for shot in load.shots])
    sent = [len(provider.attempts(order.token)) for order in orders]
    measure("most attempts at one payment", max(sent), at_most=contract["max_attempts"])
    charges = [len(provider.charges(order.token)) for order in orders]
    measure("most charges for one payment", max(charges), at_most=1)
    measure(
        f"calls of any kind in the {TURNS_AWAY_SEC:g} s for which it turned all of them away",
        turned_away,
        at_most=contract["max_attempts"] * len(orders),
    )
    measure(
        f"of {WINDOW} payments in a row, those that are normal again",
        best.normal,
        at_least=WINDOW * NORMAL_SHARE,
    )
    measure.info("the first of them, after the end of the bad spell", best.since, unit="s")
    measure.info("attempts per payment", sum(sent) / len(sent))


def _mixed(shop: Shop, number: int) -> Order:
    """Every currency, because rates come from the provider too."""
    return shop.order(currency=CURRENCIES[number % len(CURRENCIES)])


@dataclass(frozen=True)
class _Probe:
    """A payment that was offered after the bad spell."""

    order: Order
    since: float
    """Seconds from the end of the spell."""
    reply: asyncio.Task[Response]

    def normal(self, provider: Provider) -> bool:
        """Answered soon, and really charged by now."""
        if not self.reply.done():
            return False
        reply = self.reply.result()
        soon = reply.ok and reply.elapsed <= NORMAL_SEC
        return soon and bool(provider.charges(self.order.token))


@dataclass(frozen=True)
class _Window:
    """Payments in a row that were looked at together."""

    normal: int
    """How many were."""
    since: float
    """When the first was offered, in seconds from the end of the spell."""


async def _until_normal(shop: Shop, provider: Provider, contract: Contract, well: float) -> _Window:
    """Offer payments until a window of them is normal; the last one begins at the promised time."""
    last = round(contract["outage_recovery_sec"] * PROBE_RATE) + WINDOW
    probes: list[_Probe] = []
    best = _Window(0, 0.0)
    while len(probes) < last and best.normal < WINDOW * NORMAL_SHARE:
        due = len(probes) / PROBE_RATE
        await asyncio.sleep(max(0.0, well + due - time.monotonic()))
        order = _mixed(shop, len(probes))
        probes.append(_Probe(order, due, asyncio.create_task(shop.pay(order))))
        best = _best(probes, provider)
    await asyncio.wait([probe.reply for probe in probes])
    if best.normal < WINDOW * NORMAL_SHARE:
        waited_for = [p for p in probes[-WINDOW:] if p.reply.result().status == 202]
        await provider.upstream.until(
            lambda: all(probe.normal(provider) for probe in waited_for),
            timeout_sec=contract["outcome_sec"] if waited_for else 0,
        )
        best = _best(probes, provider)
    return best


def _best(probes: list[_Probe], provider: Provider) -> _Window:
    """The best window so far, the first of equals."""
    normal = [probe.normal(provider) for probe in probes]
    starts = range(len(probes) - WINDOW + 1)
    windows = [_Window(sum(normal[n : n + WINDOW]), probes[n].since) for n in starts]
    return max(windows, key=lambda window: window.normal, default=_Window(0, 0.0))
