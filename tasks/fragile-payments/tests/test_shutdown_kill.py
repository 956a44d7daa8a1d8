"""Do the books agree with the provider's ledger after the machine was lost?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from provider import Mailer, Provider
from shop import Order, Shop, statuses, whole

from harness.checks import Contract, Hold, Measure, Response, check, ok, reset

JUST_PAID = 4
CHARGED = 3
"""Calls that the provider has carried out and not answered when the process is killed."""
IN_LINE = 3
"""Calls that it has by then and carries out a moment later, when nobody listens any more."""
LATE = 2
"""Those of them that may wait in line for longer, until shops have come back for a while."""
LATE_SEC = 3.0
LANDED_SEC = 0.3
"""Within which the provider carries out what it was held up with."""
ARRIVAL_SEC = 2.5
USUAL_SEC = 12.0
"""Within which receipts and settlements come on a good day, as in the check of them."""
TWICE_SEC = 1.0
"""How long to wait for second receipts after the first."""
LOOK_SEC = 0.3


@check(
    id="shutdown.kill-books",
    family="shutdown",
    dimension="failure-mode-instinct",
    weight=2,
    shows="After a lost machine the books are those of the provider: each charge is one captured "
    "payment, its shop gets the money for it, and its customer one receipt.",
    derived_from="Every charge at Clearhaven is a captured payment in our books, and the other "
    "way round. [...] Every captured payment has been settled, once. [...] Every captured payment "
    "has one receipt.",
    control="Calls are held at the provider, so the process really dies between the charge and "
    "the books; payments before that must go through.",
    long=True,
)
async def test_kill_books(
    shop: Shop, provider: Provider, mailer: Mailer, contract: Contract, measure: Measure
) -> None:
    """SIGKILL just after some payments and amid others; the shops of the latter come back.

    The provider carries some of them out only then.
    """
    late = Hold()
    paid, amid = await _lost_machine(shop, provider, measure, late)
    until = time.monotonic() + LATE_SEC + contract["outage_recovery_sec"]
    coming_back = [asyncio.create_task(_come_back(shop, order, until)) for order in amid]
    await asyncio.sleep(LATE_SEC)
    late.release()
    _, *replies = await asyncio.gather(asyncio.sleep(LANDED_SEC), *coming_back)
    orders = [*paid, *amid]
    charges = {effect.id for order in orders for effect in provider.charges(order.token)}
    until = time.monotonic() + max(USUAL_SEC, contract["outcome_sec"])
    await provider.upstream.until(
        lambda: all(provider.settlements(id_) for id_ in charges), timeout_sec=USUAL_SEC
    )
    books = await _books(shop, provider, orders)
    while time.monotonic() < until and not all(book.agrees and book.settled for book in books):
        await asyncio.sleep(LOOK_SEC)
        books = await _books(shop, provider, orders)
    measure(
        f"of {len(books)} orders, those whose charges are their captured payments in the books",
        sum(book.agrees for book in books),
        equals=len(books),
    )
    most = max(len(provider.charges(order.token)) for order in orders)
    measure("most charges for one key", most, at_most=1)
    unsettled = sum(not provider.settlements(id_) for id_ in charges)
    measure("charges that were never settled", unsettled, equals=0)
    measure(
        "merchants whose balance does not say that all was settled",
        sum(not book.settled for book in books),
        equals=0,
    )
    booked = zip(amid, books[len(paid) :], strict=True)
    letters = await _letters(mailer, [order for order, book in booked if book.agrees])
    measure("customers without a receipt for what was under way", letters.count(0), equals=0)
    measure("and those with two receipts or more", sum(n > 1 for n in letters), equals=0)
    measure.info("replies when the shops came back", statuses(replies))


@check(
    id="shutdown.unclaimed-charges",
    family="shutdown",
    dimension="failure-mode-instinct",
    weight=1,
    shows="Charges of a lost machine get into the books also when no shop comes back for them.",
    derived_from="Every charge at Clearhaven is a captured payment in our books, and the other "
    "way round.",
    control="Calls are held at the provider, so the process really dies between the charge and "
    "the books; payments before that must go through.",
    advisory="Finance compares each night, so nothing says that it must be this soon.",
    long=True,
)
async def test_unclaimed_charges(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """The same, and nobody asks for the payments under way ever again."""
    _, amid = await _lost_machine(shop, provider, measure)
    began = time.monotonic()
    books = await _books(shop, provider, amid)
    while time.monotonic() - began < contract["outcome_sec"] and not all(b.agrees for b in books):
        await asyncio.sleep(LOOK_SEC)
        books = await _books(shop, provider, amid)
    measure(
        f"of {len(books)} charges that nobody asked for again, those that are in the books",
        sum(book.agrees for book in books),
        equals=len(books),
    )
    measure.info("looked for", time.monotonic() - began, unit="s")


async def _lost_machine(
    shop: Shop, provider: Provider, measure: Measure, late: Hold | None = None
) -> tuple[list[Order], list[Order]]:
    """Orders that were paid just before SIGKILL, and orders that were under way; restarted.

    The last of these are left waiting at `late` if it is given.
    """
    await shop.warm_up()
    charged, in_line = Hold(then=reset, applied=True), Hold()
    barriers = [charged] * CHARGED + [in_line] * (IN_LINE - LATE) + [late or in_line] * LATE
    amid = [shop.order() for _ in barriers]
    for order, barrier in zip(amid, barriers, strict=True):
        provider.plan(order.token, barrier)
    paying = [asyncio.create_task(shop.pay(order)) for order in amid]
    for barrier in set(barriers):
        await barrier.arrived(barriers.count(barrier), timeout_sec=ARRIVAL_SEC)
    paid = [shop.order() for _ in range(JUST_PAID)]
    for order in paid:  # one at a time: a service may send fewer than ten, and six are held
        told = await shop.pay(order)
        assert told.ok or await shop.insist(order, told), f"An undisturbed payment fails: {told}"
    await shop.sut.kill()
    await asyncio.gather(*paying)
    measure.info("calls held at SIGKILL", sum(barrier.waiting for barrier in set(barriers)))
    in_line.release()
    charged.release()
    begun = [order for order, barrier in zip(amid, barriers, strict=True) if barrier is not late]
    await provider.upstream.until(
        lambda: all(provider.charges(order.token) for order in begun), timeout_sec=1.0
    )
    for order in amid:
        provider.plan(order.token, ok)
    await shop.sut.restart()
    return paid, amid


async def _come_back(shop: Shop, order: Order, until: float) -> Response:
    """The first reply to a shop that comes back until there is an outcome."""
    reply = await shop.pay(order)
    await shop.insist(order, reply, until=until)
    return reply


async def _letters(mailer: Mailer, orders: Sequence[Order]) -> list[int]:
    """How many receipts each customer has, when all have one or after the time for it."""

    def letters() -> list[int]:
        return [len(mailer.to(order.body["customer_email"])) for order in orders]

    await mailer.upstream.until(lambda: 0 not in letters(), timeout_sec=USUAL_SEC)
    await asyncio.sleep(TWICE_SEC)
    return letters()


@dataclass(frozen=True)
class _Book:
    """One merchant's lines in our books, beside the provider's ledger."""

    agrees: bool
    """There is one charge, and it is the one captured payment."""
    settled: bool
    """All that was captured is shown as paid out."""


async def _books(shop: Shop, provider: Provider, orders: Sequence[Order]) -> list[_Book]:
    return list(await asyncio.gather(*(_book(shop, provider, order) for order in orders)))


async def _book(shop: Shop, provider: Provider, order: Order) -> _Book:
    merchant = order.body["merchant_id"]
    listed = (await shop.sut.get(f"/payments?merchant_id={merchant}&limit=100")).object()
    items = listed.get("items")
    captured = [
        item
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict) and item.get("status") == "captured"
    ]
    ours = [str(item.get("provider_charge_id")) for item in captured]
    theirs = [effect.id for effect in provider.charges(order.token)]
    balance = (await shop.sut.get(f"/merchants/{merchant}/balance")).object()
    total = sum(whole(item.get("amount_eur")) for item in captured)
    return _Book(
        agrees=ours == theirs and len(theirs) == 1,
        settled=whole(balance.get("settled_eur")) == total,
    )
