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
AMID_SEC = 0.3
"""How long payments get to reach the provider before the machine is lost."""
STEPS = 10
NAMES = "ABC"
"""Three orders, since a crash takes seconds and can meet all of them."""
NAME = st.sampled_from(NAMES)
TROUBLES = {
    "the provider says 'not now' at first": status(503, "try_again"),
    "the connection to the provider is reset at first": reset,
    "the provider's answer to the charge gets lost": reset_mid_body,
}
TROUBLE = list(TROUBLES)


@check(
    id="idempotency.sequences",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=2,
    shows="One key stays one charge through random sequences of repeats, mistakes, blips, lost "
    "answers and lost machines; the shortest one that breaks it is in the summary.",
    derived_from="**One payment, one charge**, as `docs/api.md` puts it. That holds at any time.",
    control="Two undisturbed payments go through first; every sequence works on keys of its own.",
)
async def test_sequences(shop: Shop, provider: Provider, measure: Measure, seed: str) -> None:
    """Hypothesis makes up what happens to three orders, and shrinks what breaks the promise."""
    await shop.warm_up()
    explored = await explore(Checkout, shop, provider, seed=seed, steps=STEPS)
    explored.record(measure)
    charges = map(len, provider.charged().values())
    measure("most charges for one key", max(charges, default=0), at_most=1)


class Key:
    """One order under one key, and what its shop was told."""

    def __init__(self, shop: Shop) -> None:
        self.order = shop.order()
        self.other = Order(self.order.key, self.order.body | {"merchant_id": "m_other"})
        self.captured: set[str] = set()
        """Payments that the shop was told to be captured."""
        self.declined = False
        """The shop was told that the card was declined."""

    def hear(self, reply: Response) -> None:
        """Believe what the service says."""
        payment = flat(reply)
        if reply.ok and payment.get("status") == "captured":
            self.captured.add(str(payment.get("id")))
        self.declined |= reply.status == 402


class Checkout(StateMachine):
    """Three orders, their shops, and a provider with bad moments."""

    def __init__(self, shop: Shop, provider: Provider) -> None:
        self._shop = shop
        self._provider = provider
        self._keys = {name: Key(shop) for name in NAMES}
        self._away = False

    @rule("the shop sends payment {name}", name=NAME)
    async def pay(self, name: str) -> None:
        key = self._keys[name]
        key.hear(await self._send(key.order))

    @rule("the shop sends payment {name} three times at once", name=NAME)
    async def pay_at_once(self, name: str) -> None:
        key = self._keys[name]
        for reply in await asyncio.gather(*(self._send(key.order) for _ in range(3))):
            key.hear(reply)

    @rule("the shop sends payment {name}; {trouble}", name=NAME, trouble=st.sampled_from(TROUBLE))
    async def pay_in_trouble(self, name: str, trouble: str) -> None:
        key = self._keys[name]
        self._provider.blip(key.order.token, TROUBLES[trouble])
        key.hear(await self._send(key.order))
        self._provider.plan(key.order.token, ok)

    @rule("the shop sends payment {name}; the provider is away for a moment", name=NAME)
    async def pay_without_provider(self, name: str) -> None:
        await self._provider.upstream.refuse()
        self._away = True
        await self.pay(name)
        await self._come_back()

    @rule("the shop sends payment {name}; the bank says no for a moment", name=NAME)
    async def pay_declined(self, name: str) -> bool:
        token = self._keys[name].order.token
        if self._provider.charges(token):
            return False  # the bank cannot take back what it said
        self._provider.declined.add(token)
        await self.pay(name)
        self._provider.declined.discard(token)
        return True

    @rule("the shop sends another body with the key of payment {name}", name=NAME)
    async def mistake(self, name: str) -> bool:
        key = self._keys[name]
        if not key.captured:
            return False
        reply = await self._send(key.other)
        assert not reply.ok, (
            f"Another body with the key of payment {name} was answered {reply.status}."
        )
        return True

    @rule(
        "the shop sends payments A, B and C; what was not charged before is charged, and the "
        "machine is lost before the provider answers; another one starts",
        costly=True,
    )
    async def crash(self) -> None:
        barrier = Hold(applied=True, then=reset)
        for key in self._keys.values():
            self._provider.plan(key.order.token, barrier)
        paying = [asyncio.create_task(self._send(key.order)) for key in self._keys.values()]
        await asyncio.wait(paying, timeout=AMID_SEC)
        await self._shop.sut.kill()
        for key in self._keys.values():
            self._provider.plan(key.order.token, ok)
        barrier.release()
        await asyncio.gather(*paying)
        await self._shop.sut.restart()

    async def invariant(self) -> None:
        for name, key in self._keys.items():
            charges = len(self._provider.charges(key.order.token))
            assert charges <= 1, f"Payment {name} was charged {charges} times."
            assert not (key.declined and charges), f"Payment {name} was declined, and charged."
            assert charges or not key.captured, f"Payment {name} is told to be captured, and not."
            assert len(key.captured) <= 1, f"Payment {name} was answered with two payments."

    async def heal(self) -> None:
        for key in self._keys.values():
            self._provider.declined.discard(key.order.token)
            self._provider.plan(key.order.token, ok)
        await self._come_back()

    async def settle(self) -> None:
        await asyncio.gather(*map(self._settle, self._keys))
        for name in self._keys:
            await self.mistake(name)

    async def _settle(self, name: str) -> None:
        key = self._keys[name]
        told = set(key.captured)
        until = time.monotonic() + SETTLE_SEC
        reply = await self._shop.pay(key.order)
        while _undecided(reply) and time.monotonic() < until:
            await asyncio.sleep(0.1)
            reply = await self._shop.pay(key.order)
        key.hear(reply)
        again = {str(flat(reply).get("id"))} if reply.ok else set()
        assert not told or again == told, f"Payment {name} was captured, and later {reply.status}."

    async def _send(self, order: Order) -> Response:
        return await self._shop.pay(order, timeout_sec=PATIENCE_SEC)

    async def _come_back(self) -> None:
        if self._away:
            self._away = False
            await self._provider.upstream.accept()


def _undecided(reply: Response) -> bool:
    pending = reply.status == 202 and flat(reply).get("status") not in FINAL
    return pending or reply.status in (0, *NOT_NOW, *CONFLICT)
