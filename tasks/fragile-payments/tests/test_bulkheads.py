"""Does what does not need the provider, or the mailer, go on without it?"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from provider import Mailer, Provider
from replies import give_up_sec
from shop import Order, Shop, flat, statuses, whole

from harness.checks import (
    SLACK_SEC,
    Contract,
    Hold,
    Load,
    Measure,
    Response,
    Shot,
    Sut,
    check,
    hang_after_accept,
    open_loop,
    percentile,
)

EVENING_RATE = 25
"""Payments per second; the runbook has 20 to 30 for a weekend evening."""
EVENING_SEC = 3.5
READS_FROM_SEC = 0.5
"""From then on a dozen or more payments hang, and up to 75 of those that wait for 3 seconds."""
READ_RATE = 24
BASELINE_SEC = 1.0
QUICK_SEC = 0.5
"""A read, or a payment at a quick provider, many times over.

With both cores taken by others, reads of a good service came to 0.3 s; behind payments that hang,
they take seconds.
"""
TIMES_BASELINE = 5
ROUND = 5
"""Payments of each round while the mailer is well, hangs, and is away."""
PAUSE_SEC = 0.2
HANG_SEC = 12.0
"""Short for a mailer that may take minutes, long for most timeouts."""
AWAY_SEC = 1.5
USUAL_RECEIPT_SEC = 12.0
"""Within which receipts come on a good day, as in the check of receipts."""
TWICE_SEC = 1.0
"""How long to wait for second receipts after the first."""


@check(
    id="timeouts.reads",
    family="timeouts",
    dimension="failure-mode-instinct",
    weight=2,
    shows="While the payments of an evening hang at the provider, payments, lists and balances can "
    "be read as quickly as ever: what hangs does not hold what all share.",
    derived_from="These two and the balance below come from our own books, so they work on the "
    "provider's bad days as well as on its good ones.",
    control="The same reads are timed first while all is well.",
    timing=True,
)
async def test_reads(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Reads of two captured payments beside 25 payments a second that all hang."""
    await shop.warm_up()
    reads = await _Reads.prepare(shop)
    baseline = await reads.load(BASELINE_SEC)
    provider.spell = hang_after_accept

    async def pay(_: int, due: float) -> Response:
        return await shop.pay(shop.order(), since=due, timeout_sec=give_up_sec(contract))

    payments = asyncio.create_task(open_loop(pay, rate=EVENING_RATE, seconds=EVENING_SEC))
    await asyncio.sleep(READS_FROM_SEC)
    load = await reads.load(EVENING_SEC - READS_FROM_SEC)
    hung = await payments
    usual = _p95(baseline.shots)
    measure(
        "95th percentile of all reads while payments hang",
        _p95(load.shots),
        unit="s",
        at_most=max(QUICK_SEC, TIMES_BASELINE * usual),
        partly_at_most=contract["deadline_sec"],
    )
    measure("reads without the right content", reads.wrong(load), equals=0)
    for number, name in enumerate(reads.names):
        mine = [shot for shot in load.shots if shot.number % len(reads.names) == number]
        measure.info(f"95th percentile of {name}", _p95(mine), unit="s")
    measure.info("95th percentile of reads before", usual, unit="s")
    measure.info("load generator late, most", load.lateness(1.0) * 1000, unit="ms")
    measure.info("replies to the payments", statuses(shot.reply for shot in hung.shots))


class _Reads:
    """Reads in turn, each with what it must say."""

    def __init__(self, sut: Sut, reads: dict[str, tuple[str, Callable[[Response], bool]]]) -> None:
        self.names = list(reads)
        self._sut = sut
        self._reads = list(reads.values())

    @classmethod
    async def prepare(cls, shop: Shop) -> _Reads:
        """Two captured payments of a merchant, to be read from all sides."""
        merchant = shop.order().body["merchant_id"]
        orders = [shop.order(merchant_id=merchant) for _ in range(2)]
        payments = [await shop.final(await shop.pay(order)) for order in orders]
        assert all(shop.captured(*pair) for pair in zip(orders, payments, strict=True)), (
            f"A payment did not go through while everything was well: {payments}"
        )
        newest_first = [payment["id"] for payment in reversed(payments)]
        total = sum(whole(payment.get("amount_eur")) for payment in payments)
        one = f"/payments/{quote(str(newest_first[0]), safe='', errors='replace')}"
        return cls(
            shop.sut,
            {
                "GET of a payment": (one, lambda reply: shop.captured(orders[-1], flat(reply))),
                "list of payments": (
                    f"/payments?merchant_id={merchant}",
                    lambda reply: _ids(reply) == newest_first,
                ),
                "balance": (
                    f"/merchants/{merchant}/balance",
                    lambda reply: reply.object().get("captured_eur") == total,
                ),
                "/livez": ("/livez", lambda reply: reply.status == 200),
            },
        )

    async def load(self, seconds: float) -> Load:
        """Read in turn at a steady rate."""

        async def read(number: int, due: float) -> Response:
            path, _ = self._reads[number % len(self._reads)]
            return await self._sut.request("GET", path, since=due)

        return await open_loop(read, rate=READ_RATE, seconds=seconds)

    def wrong(self, load: Load) -> int:
        """How many did not say what they must."""
        return sum(
            shot.reply.status != 200
            or not self._reads[shot.number % len(self._reads)][1](shot.reply)
            for shot in load.shots
        )


def _ids(reply: Response) -> list[Any]:
    items = reply.object().get("items")
    found = items if isinstance(items, list) else []
    return [item.get("id") if isinstance(item, dict) else None for item in found]


def _p95(shots: Sequence[Shot]) -> float:
    return percentile([shot.reply.elapsed for shot in shots], 0.95)


@check(
    id="timeouts.mailer",
    family="timeouts",
    dimension="failure-mode-instinct",
    weight=2,
    shows="While the mailer hangs and then is away, payments are as quick as ever, and afterwards "
    "every customer has one receipt.",
    derived_from="Every captured payment has one receipt. Late is all right, twice is not, and "
    "neither is never.",
    control="Payments and receipts are timed first while the mailer is well.",
    timing=True,
    long=True,
)
async def test_mailer(shop: Shop, mailer: Mailer, contract: Contract, measure: Measure) -> None:
    """Rounds of payments while the mailer is well, takes its time, and does not listen.

    What hangs is taken in the end, whether the sender still waits for it or not.
    """
    await shop.warm_up()
    post = _Post(shop, mailer, give_up_sec(contract))
    usual = await post.round()
    usual_receipts = await post.all_there(USUAL_RECEIPT_SEC)
    assert usual_receipts is not None, "Receipts do not come while everything is well."

    slow = Hold()
    mailer.upstream.plan = lambda _: slow
    began = time.monotonic()
    while_hanging = await post.round()
    await asyncio.sleep(max(0.0, began + HANG_SEC - time.monotonic()))
    slow.release()
    allowed = contract["outage_recovery_sec"] + usual_receipts + SLACK_SEC
    after_hanging = await post.all_there(allowed)
    missing = post.letters().count(0)

    await mailer.upstream.refuse()
    began = time.monotonic()
    while_away = await post.round()
    await asyncio.sleep(max(0.0, began + AWAY_SEC - time.monotonic()))
    await mailer.upstream.accept()
    after_away = await post.all_there(allowed)
    missing = max(missing, post.letters().count(0))
    await asyncio.sleep(TWICE_SEC)

    bound = max(QUICK_SEC, TIMES_BASELINE * usual)
    measure("median payment while the mailer hangs", while_hanging, unit="s", at_most=bound)
    measure("median payment while it is away", while_away, unit="s", at_most=bound)
    measure("payments that did not go through", post.failed(), equals=0)
    twice = sum(letters > 1 for letters in post.letters())
    measure("customers with two receipts or more", twice, equals=0)
    promised = f"{contract['outage_recovery_sec']:g} s after it is well again"
    measure(f"customers without a receipt {promised}", missing, equals=0)
    measure.info("median payment before", usual, unit="s")
    measure.info("receipts on a good day come within", usual_receipts, unit="s")
    measure.info("all receipts were there after the hang", after_hanging, unit="s")
    measure.info("all receipts were there after it was away", after_away, unit="s")


class _Post:
    """Payments in rounds and the receipts that they should have."""

    def __init__(self, shop: Shop, mailer: Mailer, limit_sec: float) -> None:
        self._shop = shop
        self._limit = limit_sec
        self._mailer = mailer
        self._paid: list[tuple[Order, dict[str, Any]]] = []

    async def round(self) -> float:
        """Pay, one shortly after the other; the median time of a reply."""
        orders = [self._shop.order() for _ in range(ROUND)]
        payments = []
        for order in orders:
            payments.append(asyncio.create_task(self._shop.pay(order, timeout_sec=self._limit)))
            await asyncio.sleep(PAUSE_SEC)
        replies = await asyncio.gather(*payments)
        outcomes = await asyncio.gather(*(self._shop.final(reply) for reply in replies))
        self._paid += zip(orders, outcomes, strict=True)
        return statistics.median(reply.elapsed for reply in replies)

    async def all_there(self, timeout_sec: float) -> float | None:
        """Seconds until every customer so far has a receipt; None when not all have in time."""
        began = time.monotonic()
        complete = await self._mailer.upstream.until(
            lambda: 0 not in self.letters(), timeout_sec=timeout_sec
        )
        return time.monotonic() - began if complete else None

    def letters(self) -> list[int]:
        """Receipts of each customer."""
        return [len(self._mailer.to(order.body["customer_email"])) for order, _ in self._paid]

    def failed(self) -> int:
        """Payments that were not captured."""
        return sum(not self._shop.captured(order, payment) for order, payment in self._paid)
