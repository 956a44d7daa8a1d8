"""Does one key stay one charge, whatever happens in whatever order?"""

from __future__ import annotations

import asyncio
import time

from hypothesis import strategies as st
from provider import Provider
from shop import CONFLICT, FINAL, NOT_NOW, Order, Shop, flat

from harness.checks import (
    Hold,
    Measure,
    Response,
    StateMachine,
    check,
    explore,
    ok,
    reset,
    reset_mid_body,
    rule,
    status,
)

PATIENCE_SEC = 0.5
"""How long the shop waits for a reply; what it has not heard by then it does not know."""
SETTLE_SEC = 3.0
"""How long the shop asks on in the end; nothing is concluded from a payment without outcome."""
TROUBLES = {
    "the provider says 'not now' at first": status(503, "try_again"),
    "the connection to the provider is reset at first": reset,
    "the provider's answer to the charge gets lost": reset_mid_body,
}


@check(
    id="idempotency.sequences",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=2,
    shows="One key stays one charge through random sequences of repeats, mistakes, blips, lost "
    "answers and lost machines; the shortest one that breaks it is in the summary.",
    derived_from="**One payment, one charge**, as `docs/api.md` puts it. That holds at any time.",
    control="Two undisturbed payments go through first; every sequence works on a key of its own.",
)
async def test_sequences(shop: Shop, provider: Provider, measure: Measure, seed: str) -> None:
    """Hypothesis makes up what happens to one order, and shrinks what breaks the promise."""
    await shop.warm_up()
    explored = await explore(Checkout, shop, provider, seed=seed)
    explored.record(measure)


class Checkout(StateMachine):
    """One order, its shop, and a provider with bad moments."""

    def __init__(self, shop: Shop, provider: Provider) -> None:
        self._shop = shop
        self._provider = provider
        self._order = shop.order()
        self._other = Order(self._order.key, self._order.body | {"merchant_id": "m_other"})
        self._captured: set[str] = set()
        """Payments that the shop was told to be captured."""
        self._declined = False
        """The shop was told that the card was declined, and nothing was charged by then."""
        self._away = False

    @rule("the shop sends the payment")
    async def pay(self) -> None:
        self._hear(await self._send(self._order))

    @rule("the shop sends the payment three times at once")
    async def pay_at_once(self) -> None:
        for reply in await asyncio.gather(*(self._send(self._order) for _ in range(3))):
            self._hear(reply)

    @rule("the shop sends the payment; {trouble}", trouble=st.sampled_from(list(TROUBLES)))
    async def pay_in_trouble(self, trouble: str) -> None:
        self._provider.blip(self._order.token, TROUBLES[trouble])
        self._hear(await self._send(self._order))
        self._provider.plan(self._order.token, ok)

    @rule("the shop sends the payment; the provider is away for a moment")
    async def pay_without_provider(self) -> None:
        await self._provider.upstream.refuse()
        self._away = True
        self._hear(await self._send(self._order))
        await self._come_back()

    @rule("the shop sends the payment; the bank says no for a moment")
    async def pay_declined(self) -> bool:
        if self._charges():
            return False  # the bank cannot take back what it said
        self._provider.declined.add(self._order.token)
        self._hear(await self._send(self._order))
        self._provider.declined.discard(self._order.token)
        return True

    @rule("the shop sends another body with the key")
    async def mistake(self) -> bool:
        if not self._captured:
            return False
        reply = await self._send(self._other)
        assert not reply.ok, f"Another body with the key was answered {reply}."
        return True

    @rule("the machine is lost, and another one starts", costly=True)
    async def crash(self) -> None:
        await self._shop.sut.kill()
        await self._shop.sut.restart()

    @rule("the machine is lost between charge and answer, and another one starts", costly=True)
    async def crash_amid(self) -> None:
        barrier = Hold(applied=True, then=reset)
        self._provider.plan(self._order.token, barrier)
        paying = asyncio.create_task(self._send(self._order))
        arriving = asyncio.create_task(barrier.arrived(1, timeout_sec=PATIENCE_SEC))
        await asyncio.wait([paying, arriving], return_when=asyncio.FIRST_COMPLETED)
        await self._shop.sut.kill()
        self._provider.plan(self._order.token, ok)
        barrier.release()
        await asyncio.gather(paying, arriving)
        await self._shop.sut.restart()

    async def invariant(self) -> None:
        charges = self._charges()
        assert charges <= 1, f"One key was charged {charges} times."
        assert not (self._declined and charges), "A payment told to be declined was charged."
        assert len(self._captured) <= 1, "One key was answered with two captured payments."
        assert charges or not self._captured, "A payment told to be captured was never charged."

    async def heal(self) -> None:
        self._provider.declined.discard(self._order.token)
        self._provider.plan(self._order.token, ok)
        await self._come_back()

    async def settle(self) -> None:
        until = time.monotonic() + SETTLE_SEC
        told = set(self._captured)
        reply = await self._shop.pay(self._order)
        while _undecided(reply) and time.monotonic() < until:
            await asyncio.sleep(0.1)
            reply = await self._shop.pay(self._order)
        self._hear(reply)
        again = {str(flat(reply).get("id"))} if reply.ok else set()
        assert not told or again == told, f"A captured payment, sent again, was answered {reply}."
        await self.mistake()

    def _charges(self) -> int:
        return len(self._provider.charges(self._order.token))

    async def _send(self, order: Order) -> Response:
        return await self._shop.pay(order, timeout_sec=PATIENCE_SEC)

    def _hear(self, reply: Response) -> None:
        payment = flat(reply)
        if reply.ok and payment.get("status") == "captured":
            self._captured.add(str(payment.get("id")))
        self._declined |= reply.status == 402

    async def _come_back(self) -> None:
        if self._away:
            self._away = False
            await self._provider.upstream.accept()


def _undecided(reply: Response) -> bool:
    pending = reply.status == 202 and flat(reply).get("status") not in FINAL
    return pending or reply.status in (0, *NOT_NOW, *CONFLICT)
