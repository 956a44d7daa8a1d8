"""Is never more given back than was taken, when refunds meet or an answer is lost?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from provider import Provider
from replies import give_up_sec
from shop import NOT_NOW, Shop, slowest, statuses

from harness.checks import (
    SLACK_SEC,
    Attempts,
    Behaviour,
    Contract,
    Exchange,
    Hold,
    Measure,
    Response,
    apply_then_hang,
    check,
    ok,
    reset,
    reset_mid_body,
)

TAKEN = 1000
TOO_MUCH = (600, 601)
"""Each fits and both do not. Two amounts, so that nobody takes them for one refund sent twice."""
FITTING = (300, 400)
AT_ONCE = 5
HELD = 2
"""Pairs at the same moment, and pairs that meet at the provider if both get there."""
HELD_SEC = 0.4
LOST = (reset_mid_body, apply_then_hang)
"""The money is given back, but the answer breaks off or never comes."""
SILENT_SEC = 4.0
"""For so long nobody gets an answer about another one, however often it is sent."""
AGAIN_SEC = 0.3
ARRIVAL_SEC = 2.5
"""Within which a refund is at the provider, so that the process is killed amid it."""


@check(
    id="regression.refunds-at-once",
    family="regression",
    dimension="verification",
    weight=2,
    shows="Two refunds at the same moment, or one whose answer or whose machine got lost, never "
    "give back more than was taken, and each is answered in time.",
    derived_from="all refunds together never exceed what was captured [...] Every request to us is "
    "answered within 3 seconds, whatever the provider does.",
    timing=True,
    control="Two refunds at the same moment that fit are not turned down. The provider carries out "
    "whatever it is sent: its documents do not say that it looks at what is left.",
    long=True,
)
async def test_refunds_at_once(
    shop: Shop, provider: Provider, contract: Contract, measure: Measure
) -> None:
    """Pairs that are too much together, a pair that fits, and refunds whose answer is lost.

    The last one is carried out, and the process killed before it hears of that.
    """
    await shop.check_stub()
    provider.looks_at_refunds = False
    plans: dict[str, Behaviour] = {}
    provider.treat("/refunds", _by_charge(plans))
    barrier, silence, at_kill = Hold(), Hold(applied=True), Hold(applied=True, then=reset)
    faults = [*map(Attempts, LOST), silence, Attempts(at_kill)]
    count = 1 + AT_ONCE + HELD + len(faults)
    fitting, *sales = [await Sale.make(shop, provider, give_up_sec(contract)) for _ in range(count)]
    pairs, lost = sales[: -len(faults)], sales[-len(faults) :]
    plans |= {sale.charge_id: barrier for sale in pairs[AT_ONCE:]}
    plans |= {sale.charge_id: fault for sale, fault in zip(lost, faults, strict=True)}

    await fitting.refund(*FITTING)
    for sale in pairs[:AT_ONCE]:
        await sale.refund(*TOO_MUCH)
    meeting = [asyncio.create_task(sale.refund(*TOO_MUCH)) for sale in pairs[AT_ONCE:]]
    await asyncio.sleep(HELD_SEC)
    barrier.release()
    *unanswered, killed = lost
    limit = contract["outage_recovery_sec"]
    asyncio.get_running_loop().call_later(SILENT_SEC, silence.release)
    await asyncio.gather(
        *meeting, *(sale.insist(max(TOO_MUCH), SILENT_SEC + limit) for sale in unanswered)
    )
    await _kill_amid(shop, killed, at_kill)
    await killed.insist(max(TOO_MUCH), limit)

    most = max(sale.given_back for sale in sales)
    measure(f"most given back of a payment of {TAKEN}", most, at_most=TAKEN)
    wrong = sum(sale.told.count(201) != 1 for sale in pairs)
    measure(f"pairs of {TOO_MUCH} of which not exactly one was 201", wrong, equals=0)
    measure("refunds that fit and were answered with 409", fitting.told.count(409), equals=0)
    unended = sum(sale.told[-1] not in (201, 409) for sale in lost)
    measure("refunds with a lost answer that did not come to an end", unended, equals=0)
    replies = [reply for sale in (fitting, *sales) for reply in sale.replies]
    strange = sum(reply.status not in (201, 409, *NOT_NOW) for reply in replies)
    measure("answers that api.md does not promise", strange, equals=0)
    certain = [sale for sale in (fitting, *pairs, *lost) if 201 in sale.told]
    differ = [await sale.in_books() != sale.given_back for sale in certain]
    measure("balances that differ from what the provider gave back", sum(differ), equals=0)
    deadline = contract["deadline_sec"]
    measure(
        "slowest answer to a refund",
        slowest(replies),
        unit="s",
        at_most=deadline + SLACK_SEC,
        partly_at_most=2 * deadline,
    )
    measure.info("refunds held at SIGKILL", at_kill.waiting)
    measure.info("answers to pairs", statuses(reply for sale in pairs for reply in sale.replies))
    measure.info("answers to lost ones", statuses(reply for sale in lost for reply in sale.replies))


async def _kill_amid(shop: Shop, sale: Sale, barrier: Hold) -> None:
    """SIGKILL while a refund that was carried out is at the barrier; restarted."""
    asking = asyncio.create_task(sale.refund(max(TOO_MUCH)))
    await barrier.arrived(1, timeout_sec=ARRIVAL_SEC)
    await shop.sut.kill()
    await asking
    sale.replies.clear()  # nobody was there to answer
    barrier.release()
    await shop.sut.restart()


@dataclass
class Sale:
    """A captured payment of a merchant of its own, and what became of its refunds."""

    shop: Shop
    provider: Provider
    limit_sec: float
    """How long to wait for an answer."""
    id: str
    charge_id: str
    merchant: str
    replies: list[Response] = field(default_factory=list)

    @classmethod
    async def make(cls, shop: Shop, provider: Provider, limit_sec: float) -> Sale:
        """In EUR, so that amounts and totals are the same."""
        order = shop.order(amount=TAKEN)
        payment = await shop.final(await shop.pay(order))
        assert shop.captured(order, payment), f"A payment did not go through: {payment}"
        merchant = order.body["merchant_id"]
        ids = str(payment.get("id")), str(payment.get("provider_charge_id"))
        return cls(shop, provider, limit_sec, *ids, merchant)

    @property
    def told(self) -> list[int]:
        """The status of each answer."""
        return [reply.status for reply in self.replies]

    @property
    def given_back(self) -> int:
        """By the provider, whatever the service says."""
        refunds = self.provider.ledger.find("refund", charge_id=self.charge_id)
        return sum(refund.facts["amount"] for refund in refunds)

    async def refund(self, *amounts: int) -> None:
        """Ask for all of these at the same moment."""
        path = f"/payments/{self.id}/refunds"
        self.replies += await asyncio.gather(
            *(
                self.shop.sut.post(path, {"amount": amount}, timeout_sec=self.limit_sec)
                for amount in amounts
            )
        )

    async def insist(self, amount: int, within_sec: float) -> None:
        """Come back for a refund that could not be completed until it is or cannot be."""
        until = time.monotonic() + within_sec
        await self.refund(amount)
        while self.told[-1] in (0, *NOT_NOW) and time.monotonic() < until:
            await asyncio.sleep(AGAIN_SEC)
            await self.refund(amount)

    async def in_books(self) -> object:
        """What the merchant's balance says."""
        balance = await self.shop.sut.get(f"/merchants/{self.merchant}/balance")
        return balance.object().get("refunded_eur")


def _by_charge(plans: dict[str, Behaviour]) -> Behaviour:
    """Treats the refunds of each charge as planned for it."""

    async def behave(exchange: Exchange) -> None:
        await plans.get(str(exchange.call.json().get("charge_id")), ok)(exchange)

    return behave
