"""Do the promises about money hold when the machine is lost?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from provider import Provider
from shop import Order, Shop, flat, statuses

from harness.checks import Hold, Measure, Response, check, ok, reset

CHARGED = 3
"""Calls that the provider has carried out and not answered when the process is killed."""
NOT_CHARGED = 3
"""Calls that it has and will never carry out."""
JUST_PAID = 2
EARLIER = 2
ARRIVAL_SEC = 2.5


@check(
    id="idempotency.crash",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=3,
    shows="When the machine is lost amid payments, each is still one charge and gets its outcome: "
    "nobody pays twice, and no key is stuck for ever.",
    derived_from="Sending it again, at any time, also while the first is under way or after a "
    "restart of the service, never charges a second time.",
    control="The stub answers the grader and four undisturbed payments are answered; calls are "
    "held at the provider, so the process really dies between the charge and the books.",
)
async def test_crash(shop: Shop, provider: Provider, measure: Measure) -> None:
    """SIGKILL while six payments are at the provider, three of them charged, and two just paid."""
    await shop.check_stub()
    charged, unsent = Hold(then=reset, applied=True), Hold(then=reset)
    amid = [shop.order() for _ in range(CHARGED + NOT_CHARGED)]
    for number, order in enumerate(amid):
        provider.plan(order.token, charged if number < CHARGED else unsent)
    before = [shop.order() for _ in range(EARLIER + JUST_PAID)]
    told = [await shop.pay(order) for order in before[:EARLIER]]
    paying = [asyncio.create_task(shop.pay(order)) for order in amid]
    await charged.arrived(CHARGED, timeout_sec=ARRIVAL_SEC)
    await unsent.arrived(NOT_CHARGED, timeout_sec=ARRIVAL_SEC)
    told += await asyncio.gather(*(shop.pay(order) for order in before[EARLIER:]))
    assert all(reply.ok for reply in told), f"Undisturbed payments fail: {statuses(told)}"
    await shop.sut.kill()
    interrupted = await asyncio.gather(*paying)
    for order in amid:
        provider.plan(order.token, ok)
    charged.release()
    unsent.release()
    await shop.sut.restart()

    orders, replies = [*before, *amid], [*told, *interrupted]
    payments = await asyncio.gather(*map(_outcome, [shop] * len(orders), orders, replies))
    again = await asyncio.gather(*(shop.pay(order) for order in orders))
    charges = [len(provider.charges(order.token)) for order in orders]
    measure("most charges for one key", max(charges), at_most=1)
    promised = [reply.status == 202 for reply in replies]
    finished = [
        shop.captured(order, payment) or (may_fail and not count and _failed(payment))
        for order, payment, may_fail, count in zip(orders, payments, promised, charges, strict=True)
    ]
    measure(
        f"of {len(amid)} payments under way at SIGKILL, those with their outcome after it",
        sum(finished[len(before) :]),
        equals=len(amid),
    )
    measure(
        f"of {len(before)} payments answered before SIGKILL, those in the books after it",
        sum(finished[: len(before)]),
        equals=len(before),
    )
    other = sum(
        not reply.ok or reply.object().get("id") != payment.get("id")
        for reply, payment, good in zip(again, payments, finished, strict=True)
        if good and not _failed(payment)
    )
    measure("keys that were answered with another payment later", other, equals=0)
    measure.info("calls held at SIGKILL", charged.waiting + unsent.waiting)
    measure.info("promised payments that failed without a charge", sum(map(_failed, payments)))
    measure.info("replies before SIGKILL", statuses(replies))


async def _outcome(shop: Shop, order: Order, reply: Response) -> dict[str, Any]:
    """What the books show of a payment some time after the restart.

    One that was answered is only looked up, since its shop has no reason to ask again; for any
    other the shop comes back with the same key. The time lost by restarting does not count.
    """
    if reply.ok:
        payment = await shop.final(replace(reply, finished_at=time.monotonic()))
    else:
        payment = await shop.insist(order, reply)
    return flat(await shop.show(payment.get("id")))


def _failed(payment: dict[str, Any]) -> bool:
    return payment.get("status") == "failed"
