"""Rates as shops ask for them: again and again, whatever became of the last answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from provider import Provider
from replies import give_up_sec
from shop import CURRENCIES, NOT_NOW, Shop, decimal, slowest, statuses, to_eur

from harness.checks import SLACK_SEC, Contract, Measure, Response

FOREIGN = tuple(currency for currency in CURRENCIES if currency != "EUR")
"""Currencies whose rates are looked up at the provider."""
AGAIN_SEC = 0.15


@dataclass(frozen=True)
class Quote:
    """What a shop was told about a currency."""

    currency: str
    asked: float
    """`time.monotonic()` seconds; the answer is no older than that."""
    reply: Response

    @property
    def rate(self) -> Decimal | None:
        """None when there was none, or one that is said to be another currency's."""
        body = self.reply.object()
        mine = self.reply.status == 200 and body.get("currency") == self.currency
        return decimal(body.get("rate")) if mine else None


async def ask(shop: Shop, contract: Contract, currency: str) -> Quote:
    """Ask once."""
    asked = time.monotonic()
    reply = await shop.sut.get(f"/rates/{currency}", timeout_sec=give_up_sec(contract))
    return Quote(currency, asked, reply)


async def keep_asking(
    shop: Shop,
    contract: Contract,
    currencies: Sequence[str],
    enough: Callable[[list[Quote]], bool],
    *,
    every_sec: float = AGAIN_SEC,
) -> list[Quote]:
    """Ask for all of these every so often, without waiting for answers, until it is enough."""
    answered: list[Quote] = []
    asking: list[asyncio.Task[None]] = []

    async def one(currency: str) -> None:
        answered.append(await ask(shop, contract, currency))

    while not enough(answered):
        now = time.monotonic()
        asking += [asyncio.create_task(one(currency)) for currency in currencies]
        await asyncio.sleep(max(0.0, now + every_sec - time.monotonic()))
    await asyncio.gather(*asking)
    return answered


async def until_right(
    shop: Shop,
    provider: Provider,
    contract: Contract,
    measure: Measure,
    currencies: Iterable[str],
) -> list[Quote]:
    """Ask until each is quoted as it is published now, which must be soon; all answers."""
    wanted = {currency: provider.rate(currency) for currency in currencies}
    since = time.monotonic()
    limit = contract["outage_recovery_sec"] + SLACK_SEC
    right: dict[str, float] = {}

    def enough(quotes: list[Quote]) -> bool:
        for one in quotes:
            if one.rate == wanted[one.currency]:
                right.setdefault(one.currency, one.reply.finished_at - since)
        return len(right) == len(wanted) or time.monotonic() > since + limit

    quotes = await keep_asking(shop, contract, list(wanted), enough)
    measure("currencies never quoted rightly again", len(wanted) - len(right), equals=0)
    last = max(right.values(), default=0.0)
    measure("time until they were", last, unit="s", at_most=limit)
    return quotes


async def charged_with(shop: Shop, currency: str, rate: Decimal) -> None:
    """The control before a change: a payment goes through, at this rate."""
    order = shop.order(currency=currency)
    payment = await shop.final(await shop.pay(order))
    assert shop.captured(order, payment), f"A payment in {currency} did not go through: {payment}"
    assert decimal(payment.get("rate")) == rate, (
        f"Before any change, a payment in {currency} has rate {payment.get('rate')}, not {rate}"
    )
    assert payment.get("amount_eur") == to_eur(order.body["amount"], rate), (
        f"A payment of {order.body['amount']} {currency} at {rate} has amount_eur "
        f"{payment.get('amount_eur')}"
    )


def measure_quotes(measure: Measure, contract: Contract, quotes: Sequence[Quote]) -> None:
    """Every shop has an answer, in time: a rate, or that there is none to quote now."""
    replies = [one.reply for one in quotes]
    limit = contract["deadline_sec"] + SLACK_SEC
    measure("slowest quote", slowest(replies), unit="s", at_most=limit)
    cut_off = sum(bool(reply.error) and reply.elapsed <= limit for reply in replies)
    measure("quotes cut off without an answer", cut_off, equals=0)
    strange = sum(not reply.error and reply.status not in (200, *NOT_NOW) for reply in replies)
    measure("quotes with a status that api.md does not promise", strange, equals=0)
    measure.info("quotes", statuses(replies))
