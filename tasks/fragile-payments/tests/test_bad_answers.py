"""Does the service get over answers that do not end, or that make no sense?"""

from __future__ import annotations

import asyncio
from typing import Any

from provider import Provider
from replies import give_up_sec, measure_replies
from shop import Order, Shop

from harness.checks import (
    SLACK_SEC,
    Answer,
    Behaviour,
    Contract,
    Exchange,
    Measure,
    Response,
    Sut,
    check,
    drip,
    headers_then_stall,
    malformed_json,
    ok,
    oversize_body,
)
from harness.models.sandbox import SandboxStatus

UNENDING = 6
"""Payments at a time whose answer does not end; less than the provider takes at a time."""
BYTE_SEC = 0.4
"""Between two bytes of an answer; no timeout for a single read is as short as that."""
NONSENSE = 4
OVERSIZE = 8
"""Payments at a time whose answer makes no sense, or is 64 MB long: twice the memory there is."""
DELIVERED_SEC = 8.0
"""For the long answers to have arrived in whole at a service that still reads them; on a busy
machine that takes longer than its shops wait."""
_Met = tuple[Order, Response]


@check(
    id="timeouts.stall",
    family="timeouts",
    dimension="failure-mode-instinct",
    weight=1,
    shows="When the provider takes the money and its answer stops after the headers, shops are "
    "told in time, and each payment is in the books once when they come back.",
    derived_from="Every request to us is answered within 3 seconds, whatever the provider does.",
    control="Two undisturbed payments go through first, and one goes beside the others.",
    timing=True,
)
async def test_stall(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Six payments at once whose answers never come to an end."""
    await shop.warm_up()
    met = await _meet(shop, provider, contract, UNENDING, headers_then_stall)
    measure_replies(measure, contract, [reply for _, reply in met])
    await _booked_once(shop, provider, measure, met)


@check(
    id="timeouts.drip",
    family="timeouts",
    dimension="failure-mode-instinct",
    weight=2,
    shows="When the provider's answer comes byte by byte, shops are still told in time: the whole "
    "call has a limit, not just each wait for the next byte.",
    derived_from="Every request to us is answered within 3 seconds, whatever the provider does. "
    "[...] A payment that we answered with 202 has its final status within 15 seconds.",
    control="Two undisturbed payments go through first, and one goes beside the others.",
    timing=True,
)
async def test_drip(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Six payments at once whose answers would take more than half a minute.

    They drip on when the provider is well again: who waits for their end is late with the outcome,
    however soon the shops were told to wait for it.
    """
    await shop.warm_up()
    met = await _meet(shop, provider, contract, UNENDING, drip(BYTE_SEC))
    measure_replies(measure, contract, [reply for _, reply in met])
    await _booked_once(shop, provider, measure, met)


@check(
    id="timeouts.nonsense",
    family="timeouts",
    dimension="failure-mode-instinct",
    weight=1,
    shows="Answers of the provider that make no sense (half a JSON, a web page, something else, "
    "64 MB of nothing) neither break the service nor charge anybody twice.",
    derived_from="Every request to us is answered within 3 seconds, whatever the provider does.",
    control="Two undisturbed payments go through first, and one goes beside each round of others.",
    timing=True,
)
async def test_nonsense(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Some payments at once for each kind of nonsense; the money is taken each time."""
    await shop.warm_up()
    known = await shop.final(await shop.pay(shop.order()))
    met: list[_Met] = []
    for behaviour, at_once in (
        (malformed_json, NONSENSE),
        (_web_page, NONSENSE),
        (_something_else, NONSENSE),
        (oversize_body(), OVERSIZE),
    ):
        met += await _meet(shop, provider, contract, at_once, behaviour)
    measure_replies(measure, contract, [reply for _, reply in met])
    upstream = provider.upstream
    await upstream.until(lambda: upstream.open_calls == 0, timeout_sec=DELIVERED_SEC)
    shown = await shop.show(known.get("id"))
    measure.true("a payment can still be looked up", shown.object().get("id") == known.get("id"))
    limit = contract["deadline_sec"] + SLACK_SEC
    measure("time to look it up", shown.elapsed, unit="s", at_most=limit)
    if shown.ok:
        measure.info("memory after it", await _memory_mb(shop.sut), unit="MiB")
        await _booked_once(shop, provider, measure, met)
    state = await shop.sut.state()
    running = state.status is SandboxStatus.RUNNING and not state.oom_killed
    measure.true("the process still runs and was never killed", running)


async def _memory_mb(sut: Sut) -> float:
    return (await sut.stats()).memory_bytes / 2**20


async def _web_page(exchange: Exchange) -> None:
    """Effect, then what a proxy or a maintenance page says."""
    await exchange.answer()
    page = b"<!DOCTYPE html><html><title>Clearhaven</title><h1>We'll be right back</h1></html>"
    await exchange.send(Answer(200, page, {"Content-Type": "text/html; charset=utf-8"}))


async def _something_else(exchange: Exchange) -> None:
    """Effect, then JSON that is not what their guide says."""
    await exchange.answer()
    await exchange.send(Answer(201, {"charge_id": None, "result": [["captured", 1]]}))


async def _meet(
    shop: Shop, provider: Provider, contract: Contract, at_once: int, behaviour: Behaviour
) -> list[_Met]:
    """Payments treated like this, sent at once with an undisturbed one beside, and their replies.

    Ends when the provider has seen those with a 202, too, which may be sent later.
    """
    orders = [shop.order() for _ in range(at_once)]
    for order in orders:
        provider.plan(order.token, behaviour)
    limit = give_up_sec(contract)
    payments = [shop.pay(order, timeout_sec=limit) for order in [*orders, shop.order()]]
    replies = (await asyncio.gather(*payments))[:-1]
    met = list(zip(orders, replies, strict=True))
    later = [order.token for order, reply in met if reply.status == 202]
    await provider.upstream.until(
        lambda: all(provider.charges(token) for token in later),
        timeout_sec=contract["deadline_sec"],
    )
    return met


async def _booked_once(shop: Shop, provider: Provider, measure: Measure, met: list[_Met]) -> None:
    """The provider is well again and the shops come back: every book says the same."""
    orders = [order for order, _ in met]
    for order in orders:
        provider.plan(order.token, ok)
    payments = await asyncio.gather(*(shop.insist(order, reply) for order, reply in met))
    charges = [len(provider.charges(order.token)) for order in orders]
    measure("most charges for one payment", max(charges), at_most=1)
    right = sum(
        _agrees(shop, order, payment, charged)
        for order, payment, charged in zip(orders, payments, charges, strict=True)
    )
    measure(
        f"of {len(orders)} payments, those that end in our books as at the provider",
        right,
        unit="payments",
        at_least=len(orders),
    )
    measure.info("of them captured", sum(p.get("status") == "captured" for p in payments))


def _agrees(shop: Shop, order: Order, payment: dict[str, Any], charged: int) -> bool:
    """Captured and charged, or neither: one that was never sent may end as failed."""
    return shop.captured(order, payment) or (payment.get("status") == "failed" and not charged)
