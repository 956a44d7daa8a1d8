"""Is what was taken on finished by the next process when the platform stops this one?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from provider import QUICK_SEC, Mailer, Provider
from replies import PROMISED, give_up_sec
from shop import Order, Shop, flat, statuses, whole

from harness.checks import (
    Contract,
    Exchange,
    Hold,
    Measure,
    Response,
    check,
    open_loop,
    status,
)
from harness.errors import CheckError

ARRIVING_RATE = 25
ARRIVING_SEC = 1.4
UNDER_WAY = 4
"""Payments that are at the provider when SIGTERM is sent."""
ARRIVAL_SEC = 2.5
CALL_SEC = 0.5
"""How long the provider takes meanwhile, so that payments are there when the process leaves."""
COMING_BACK = 6
"""Shops that come back at a time: fewer than what any good service takes."""
DUE = 4
"""Receipts that the mailer turns down, and as many that it is slow with."""
TURNED_DOWN_SEC = 0.3
"""It takes so long to say no, so that a process that leaves meanwhile leaves in the middle."""
SLOW_MAIL_SEC = 1.5
"""It answers so long after SIGTERM: there is time to wait, but not for a process in a hurry."""
MAIL_BEGINS_SEC = 2.5
"""Within which one of them is under way, also where others were just turned down."""
USUAL_SEC = 12.0
"""Within which receipts and settlements come on a good day, as in the check of them."""
TWICE_SEC = 1.0
"""How long to wait for second receipts after the first."""


@check(
    id="shutdown.no-new-work",
    family="shutdown",
    dimension="failure-mode-instinct",
    weight=1,
    shows="Payments that arrive while the service is being stopped are either not taken or kept: "
    "none is accepted and then lost, and none is charged twice when its shop comes back.",
    derived_from="The platform stops a process with SIGTERM and gives it 10 seconds to leave. "
    "What we have accepted is finished.",
    control="Two undisturbed payments go through first, and some arrive before SIGTERM.",
)
async def test_no_new_work(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Payments keep arriving before, at and after SIGTERM; after the restart all come back."""
    await shop.warm_up()
    orders = [shop.order() for _ in range(round(ARRIVING_RATE * ARRIVING_SEC))]
    provider.upstream.latency = CALL_SEC

    async def pay(number: int, due: float) -> Response:
        return await shop.pay(orders[number], since=due, timeout_sec=give_up_sec(contract))

    arriving = asyncio.create_task(open_loop(pay, rate=ARRIVING_RATE, seconds=ARRIVING_SEC))
    await provider.upstream.until(
        lambda: sum(len(provider.attempts(order.token)) for order in orders) >= UNDER_WAY,
        timeout_sec=ARRIVAL_SEC,
    )
    stopped = await shop.sut.stop(grace_sec=contract["drain_sec"] + 5)
    replies = [shot.reply for shot in (await arriving).shots]
    if not any(provider.attempts(order.token) for order in orders):
        # whoever keeps payments from the provider must not get out of this: a good service decides
        raise CheckError("No payment was under way when SIGTERM came.")
    provider.upstream.latency = QUICK_SEC
    await shop.sut.restart()

    gate = asyncio.Semaphore(COMING_BACK)
    together = zip(orders, replies, strict=True)
    stories = await asyncio.gather(*(_come_back(gate, shop, *pair) for pair in together))
    charges = [len(provider.charges(order.token)) for order in orders]
    measure("most charges for one payment", max(charges), at_most=1)
    kept = [
        shop.captured(order, told) or (reply.status == 202 and not charged and _failed(told))
        for order, reply, (told, _), charged in zip(orders, replies, stories, charges, strict=True)
    ]
    accepted = [reply.status in (201, 202) for reply in replies]
    measure(
        "payments that were accepted and are not finished after the restart",
        sum(took and not good for took, good in zip(accepted, kept, strict=True)),
        equals=0,
    )
    measure(
        "payments that were not accepted and do not go through when their shop comes back",
        sum(not took and not good for took, good in zip(accepted, kept, strict=True)),
        equals=0,
    )
    other = sum(
        again.object().get("id") != told.get("id")
        for (told, again), good in zip(stories, kept, strict=True)
        if good and not _failed(told)
    )
    measure("keys that were answered with another payment later", other, equals=0)
    strange = sum(not reply.error and reply.status not in PROMISED for reply in replies)
    measure("replies with a status that api.md does not promise", strange, equals=0)
    measure.info("from SIGTERM to the end of the process", stopped.duration_sec, unit="s")
    measure.info("replies", statuses(replies))


async def _come_back(
    gate: asyncio.Semaphore, shop: Shop, order: Order, reply: Response
) -> tuple[dict[str, Any], Response]:
    """What became of a payment, and what its key is answered after that.

    What was accepted is looked up, since its shop has no reason to ask again; the time lost by
    restarting does not count.
    """
    async with gate:
        if reply.ok:
            payment = await shop.final(replace(reply, finished_at=time.monotonic()))
            payment = flat(await shop.show(payment.get("id")))
        else:
            payment = await shop.insist(order, reply)
        return payment, await shop.pay(order)


@check(
    id="shutdown.afterwork",
    family="shutdown",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A release just after some payments loses neither their receipts nor the shops' money, "
    "and mails nobody twice.",
    derived_from="Every captured payment has one receipt. Late is all right, twice is not, and "
    "neither is never.",
    control="Two undisturbed payments go through first, and all payments before SIGTERM must.",
    long=True,
)
async def test_afterwork(
    shop: Shop, provider: Provider, mailer: Mailer, contract: Contract, measure: Measure
) -> None:
    """At SIGTERM the mailer turns some receipts down and is slow with others.

    It takes those that have reached it, whether their sender waits for the answer or not.
    """
    await shop.warm_up()
    merchant = shop.order().body["merchant_id"]
    orders = [shop.order(merchant_id=merchant) for _ in range(2 * DUE)]
    turned_down = {order.body["customer_email"] for order in orders[:DUE]}
    slow = Hold()
    mailer.upstream.plan = lambda call: _not_now if call.json().get("to") in turned_down else slow
    payments = await _paid(shop, orders)
    await slow.arrived(1, timeout_sec=MAIL_BEGINS_SEC)
    under_way = slow.waiting
    asyncio.get_running_loop().call_later(SLOW_MAIL_SEC, slow.release)
    stopped = await shop.sut.stop(grace_sec=contract["drain_sec"] + 5)
    slow.release()
    mailer.upstream.plan = lambda _: None
    await shop.sut.restart()
    ready = time.monotonic()

    def letters() -> list[int]:
        return [len(mailer.to(order.body["customer_email"])) for order in orders]

    allowed = contract["outage_recovery_sec"] + USUAL_SEC
    await mailer.upstream.until(lambda: 0 not in letters(), timeout_sec=allowed)
    receipts_sec = time.monotonic() - ready
    ids = [str(payment.get("provider_charge_id")) for payment in payments]
    await provider.upstream.until(
        lambda: all(provider.settlements(id_) for id_ in ids),
        timeout_sec=max(0.0, ready + USUAL_SEC - time.monotonic()),
    )
    settled_sec = time.monotonic() - ready
    await asyncio.sleep(TWICE_SEC)
    found = letters()
    measure("customers without a receipt after the restart", found.count(0), equals=0)
    measure("customers with two receipts or more", sum(n > 1 for n in found), equals=0)
    unsettled = sum(not provider.settlements(id_) for id_ in ids)
    measure("captured payments that were not settled", unsettled, equals=0)
    balance = (await shop.sut.get(f"/merchants/{merchant}/balance")).object()
    total = sum(whole(payment.get("amount_eur")) for payment in payments)
    measure("settled_eur of their merchant", whole(balance.get("settled_eur")), equals=total)
    measure.info("from SIGTERM to the end of the process", stopped.duration_sec, unit="s")
    measure.info("receipts under way to it at SIGTERM", under_way)
    measure.info("all receipts were there after the restart", receipts_sec, unit="s")
    measure.info("and all were settled", settled_sec, unit="s")


async def _not_now(exchange: Exchange) -> None:
    await asyncio.sleep(TURNED_DOWN_SEC)
    await status(503, "maintenance")(exchange)


async def _paid(shop: Shop, orders: list[Order]) -> list[dict[str, Any]]:
    replies = await asyncio.gather(*(shop.pay(order) for order in orders))
    payments = await asyncio.gather(
        *(shop.insist(*pair) for pair in zip(orders, replies, strict=True))
    )
    assert all(shop.captured(*pair) for pair in zip(orders, payments, strict=True)), (
        f"Payments do not go through while the provider is well: {statuses(replies)}"
    )
    return payments


def _failed(payment: dict[str, Any]) -> bool:
    return payment.get("status") == "failed"
