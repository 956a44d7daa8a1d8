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
PAID = 201


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
    long=True,
)
async def test_crash(shop: Shop, provider: Provider, measure: Measure) -> None:
    """SIGKILL while six payments are at the provider, three of them charged, and two just paid."""
    await shop.check_stub()
    charged, unsent = Hold(then=reset, applied=True), Hold(then=reset)
    amid = [shop.order() for _ in range(CHARGED + NOT_CHARGED)]
    for number, order in enumerate(amid):
        provider.plan(order.token, charged if number < CHARGED else unsent)
    earlier = [shop.order() for _ in range(EARLIER)]
    just = [shop.order() for _ in range(JUST_PAID)]
    told = [await shop.pay(order) for order in earlier]
    assert all(reply.ok for reply in told), f"Undisturbed payments fail: {statuses(told)}"
    paying = [asyncio.create_task(shop.pay(order)) for order in amid]
    await charged.arrived(CHARGED, timeout_sec=ARRIVAL_SEC)
    await unsent.arrived(NOT_CHARGED, timeout_sec=ARRIVAL_SEC)
    told += await asyncio.gather(*(shop.pay(order) for order in just))
    await shop.sut.kill()
    replies = [*told, *await asyncio.gather(*paying)]
    for order in amid:
        provider.plan(order.token, ok)
    charged.release()
    unsent.release()
    await shop.sut.restart()

    await _judge(shop, provider, measure, [*earlier, *just, *amid], replies)
    measure.info("calls held at SIGKILL", charged.waiting + unsent.waiting)


async def _judge(
    shop: Shop, provider: Provider, measure: Measure, orders: list[Order], replies: list[Response]
) -> None:
    """Each key is one charge and has its outcome, answered before SIGKILL or not."""
    payments = await asyncio.gather(*map(_outcome, [shop] * len(orders), orders, replies))
    again = await asyncio.gather(*(shop.pay(order) for order in orders))
    charges = [len(provider.charges(order.token)) for order in orders]
    measure("most charges for one key", max(charges), at_most=1)
    kept: dict[bool, list[bool]] = {True: [], False: []}
    strangers, failed = 0, 0
    for order, reply, payment, repeat in zip(orders, replies, payments, again, strict=True):
        if reply.status != PAID and _failed_for_free(provider, order, payment):
            failed += 1
            kept[reply.ok].append(True)
            continue
        kept[reply.ok].append(shop.captured(order, payment))
        same = repeat.ok and repeat.object().get("id") == payment.get("id")
        strangers += kept[reply.ok][-1] and not same
    for answered, words in ((False, "without an answer"), (True, "answered")):
        measure(
            f"of {len(kept[answered])} payments {words} at SIGKILL, those with their outcome later",
            sum(kept[answered]),
            equals=len(kept[answered]),
        )
    measure("keys that were answered with another payment later", strangers, equals=0)
    measure.info("payments that failed without a charge", failed)
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


def _failed_for_free(provider: Provider, order: Order, payment: dict[str, Any]) -> bool:
    """An outcome that api.md allows where nobody was told that the money was taken."""
    return payment.get("status") == "failed" and not provider.charges(order.token)
