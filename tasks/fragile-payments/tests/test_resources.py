"""Does the service live within its memory, and give back what bad calls took?"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from provider import Provider
from replies import give_up_sec
from shop import Order, Shop, statuses

from harness.checks import (
    Behaviour,
    Contract,
    ControlFailed,
    Hold,
    Measure,
    Response,
    Sut,
    check,
    hang_after_accept,
    ok,
    open_loop,
    reset,
    reset_mid_body,
)

MEMORY_MB = 256
"""What it has in production, and here."""
MARKET_RATE = 100
MARKET_SEC = 120
"""Market hour is 100 payments a second "for some minutes": two, at the very least."""
OFFERED_RATE = 60
STEADY_SEC = 16.0
"""By then the first payments have had their answer, and those with 202 their outcome: a service
that keeps each of them only as long as it has to does not need more and more from here on."""
OFFERED_SEC = 22.0
ENOUGH_LOOKS = 4
"""Looks at its memory that a slope needs; there is about one a second."""
ALIVE_SEC = 1.0

TOGETHER = 8
"""Payments at a time that fail in one way; the provider takes more, so each of them is sent."""
PATIENCE_SEC = 0.6
"""After this long a shop hangs up."""
GIVEN_UP_SEC = 3.5
"""A hung call is reset so long after that, when a service that answers within 3 s has given up."""
SILENT_SEC = 0.5
AFTERWARDS_SEC = 3.0
QUIET_SEC = 5.0
FILL_SEC = 2.0
NOTICED_SEC = 0.5
"""By then the engine says of a service that has ended that it has."""
SAME = 12
"""More than that is growth: one descriptor or thread for each payment that fails in one of the
three ways would be 16. Pools fill before the first look or before the second; what grows between
the first two and between the last two never ends."""


@check(
    id="bounded-resources.memory",
    family="bounded-resources",
    dimension="failure-mode-instinct",
    weight=2,
    shows="While payments pour in for a market hour and the provider hangs, the service lives "
    "within its memory: it does not collect what nobody waits for any more until it is killed.",
    derived_from="**256 MB** of memory and 1 CPU is what the service has in production.",
    control="Two undisturbed payments go through first; memory is read from outside of the "
    "service, and the check is invalid where it cannot be read.",
    long=True,
)
async def test_memory(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Memory is looked at once everything that begins is matched by something that ends."""
    await shop.warm_up()
    provider.spell = hang_after_accept

    async def pay(_: int, due: float) -> Response:
        return await shop.pay(shop.order(), since=due, timeout_sec=give_up_sec(contract))

    began = time.monotonic()
    offered = asyncio.create_task(open_loop(pay, rate=OFFERED_RATE, seconds=OFFERED_SEC))
    looks: list[_Look] = []
    while time.monotonic() - began < OFFERED_SEC:
        looks.append(await _Look.at(shop.sut, began))
        await asyncio.sleep(0.2)
    load = await offered
    alive = await shop.sut.get("/livez")
    ending = await shop.sut.ending()
    steady = [look for look in looks if look.at_sec >= STEADY_SEC and look.memory]
    measure.true("it still runs and answers", not ending and alive.ok)
    if not ending:
        if len(steady) < ENOUGH_LOOKS:
            raise ControlFailed(f"The service's memory was read {len(steady)} times only.")
        times, levels = [x.at_sec for x in steady], [x.memory / 2**20 for x in steady]
        slope = max(0.0, statistics.linear_regression(times, levels).slope)
        level = statistics.median(levels)
        measure(
            f"memory after {MARKET_SEC // 60} minutes of a market hour in which it grows like this",
            level + slope * MARKET_SEC * MARKET_RATE / OFFERED_RATE,
            unit="MiB",
            at_most=MEMORY_MB,
        )
        measure.info("memory at the end", levels[-1], unit="MiB")
        measure.info("it grows by", slope, unit="MiB/s")
    measure.info("memory at the beginning", looks[0].memory / 2**20, unit="MiB")
    measure.info("payments offered", len(load.shots))
    measure.info("replies", statuses(shot.reply for shot in load.shots))


@check(
    id="bounded-resources.leaks",
    family="bounded-resources",
    dimension="failure-mode-instinct",
    weight=1,
    shows="Failed calls leave nothing behind: after many of them the service has no more open "
    "connections and threads than after a few.",
    derived_from="256 MB of memory (a process that wants more is killed), 256 processes and "
    "threads.",
    control="Two undisturbed payments go through first; descriptors and threads are counted from "
    "outside, and the check is invalid where they cannot be.",
    long=True,
)
async def test_leaks(shop: Shop, provider: Provider, measure: Measure) -> None:
    """Three rounds of payments whose calls hang until they are given up, are reset, or are cut off.

    Nothing else ends a connection here, so one that nobody uses or closes any more is seen.
    """
    await shop.warm_up()
    looks: list[_Look] = []
    for _ in range(3):
        failed = await _bad_round(shop, provider)
        looks.append(await _quiet(shop.sut, looks[-1] if looks else None))
    for name, counts in (
        ("descriptors", [look.fds for look in looks]),
        ("threads", [look.pids for look in looks]),
    ):
        growth = min(counts[1] - counts[0], counts[2] - counts[1])
        measure(f"{name} more after each {failed} failed payments", growth, at_most=SAME)
        measure.info(f"{name} after each of them", ", ".join(map(str, counts)))
    measure.true("it still runs", not await shop.sut.ending())
    measure.info("calls at the provider", len(provider.upstream.calls))


@dataclass(frozen=True)
class _Look:
    """What the service used at one moment."""

    at_sec: float
    memory: int
    pids: int
    fds: int

    @classmethod
    async def at(cls, sut: Sut, began: float) -> _Look:
        """Look now; counts from the moment of the answer."""
        stats = await sut.stats()
        return cls(time.monotonic() - began, stats.memory_bytes, stats.pids, stats.fds or 0)


async def _bad_round(shop: Shop, provider: Provider) -> int:
    """How many payments met trouble of three kinds, after which whatever goes on can end."""
    failed = 0
    for _ in range(2):
        hung = Hold(then=reset)
        troubles: tuple[Behaviour, ...] = (hung, reset, reset_mid_body)
        for trouble in troubles:
            orders = [shop.order() for _ in range(TOGETHER)]
            for order in orders:
                provider.plan(order.token, trouble)
            await asyncio.gather(*(_impatient(shop, order) for order in orders))
            for order in orders:
                provider.plan(order.token, ok)
            if trouble is hung:
                await provider.upstream.until(
                    lambda: not provider.upstream.open_calls, timeout_sec=GIVEN_UP_SEC
                )
            hung.release()
            failed += TOGETHER
    await _silence(provider)
    return failed


async def _silence(provider: Provider) -> None:
    """Let the service repeat and look up what it will: until it has not called for a while."""
    until = time.monotonic() + AFTERWARDS_SEC
    calls = -1
    while calls != len(provider.upstream.calls) and time.monotonic() < until:
        calls = len(provider.upstream.calls)
        await asyncio.sleep(SILENT_SEC)


async def _impatient(shop: Shop, order: Order) -> Response:
    return await shop.pay(order, timeout_sec=PATIENCE_SEC)


async def _quiet(sut: Sut, before: _Look | None) -> _Look:
    """The least that it used within a while without payments.

    It need not be waited for to the end when it is already as it was `before`.
    """
    began = time.monotonic()
    looks: list[_Look] = []
    while not looks or time.monotonic() - began < (QUIET_SEC if before else FILL_SEC):
        looks.append(await _Look.at(sut, began))
        if not looks[-1].fds:
            await asyncio.sleep(NOTICED_SEC)
            assert not await sut.ending(), "It does not outlive failed calls."
            raise ControlFailed("The service's descriptors cannot be counted on this machine.")
        if before and looks[-1].fds <= before.fds + SAME and looks[-1].pids <= before.pids + SAME:
            break
        await asyncio.sleep(0.3)
    least_fds, least_pids = min(look.fds for look in looks), min(look.pids for look in looks)
    return _Look(0.0, looks[-1].memory, least_pids, least_fds)
