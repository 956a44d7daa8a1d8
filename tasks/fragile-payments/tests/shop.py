"""A shop: makes orders, pays them, and reads every answer that the contract allows."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from findings import brief
from provider import Provider

from harness.checks import Contract, Response, Sut, fetch
from harness.errors import CheckError

CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF")
GIVE_UP_SEC = 9.0
"""How long a shop of ours waits for a reply before it counts as none."""
NOT_NOW = (502, 503, 504)
"""The payment could not be completed now."""
CONFLICT = (409, 425, 429)
"""The first request with this key is still under way."""
FINAL = ("captured", "declined", "failed")
NOT_FOUND = 404
STUB_SEC = 1.0
"""The grader's own stub answers itself faster than this, or the machine is unfit, or the service
keeps it busy."""


@dataclass(frozen=True)
class Order:
    """One payment to be made, with a key and a card of its own."""

    key: str
    body: dict[str, Any]

    @property
    def token(self) -> str:
        """The card, by which the provider tells payments apart."""
        return str(self.body["card_token"])


class Shop:
    """Talks to the service the way a shop's library does."""

    def __init__(
        self, sut: Sut, provider: Provider, contract: Contract, rng: random.Random
    ) -> None:
        self.sut = sut
        self._provider = provider
        self._contract = contract
        self._rng = rng

    def order(self, **overrides: object) -> Order:
        """A plausible order; keyword arguments replace fields of its body, None drops one."""
        number = self._rng.randrange(10_000, 99_999)
        body = {
            "merchant_id": f"m_{self._hex(6)}",
            "amount": self._rng.randrange(150, 90_000),
            "currency": "EUR",
            "card_token": f"tok_{self._hex(12)}",
            "customer_email": f"c{self._hex(6)}@example.com",
            "description": f"Order {number}",
        }
        merged = {name: value for name, value in (body | overrides).items() if value is not None}
        return Order(f"order-{number}-{self._hex(8)}", merged)

    async def pay(
        self, order: Order, *, since: float | None = None, timeout_sec: float = GIVE_UP_SEC
    ) -> Response:
        """Send a payment once."""
        return await self.sut.request(
            "POST",
            "/payments",
            json=order.body,
            headers={"Idempotency-Key": order.key},
            timeout_sec=timeout_sec,
            since=since,
        )

    async def final(self, reply: Response) -> dict[str, Any]:
        """The payment as it ended: the reply itself, or after 202 what becomes of it.

        Empty when there is no payment in the reply; still pending when it has no outcome in time.
        """
        payment = flat(reply)
        if reply.status != 202:
            return payment if reply.status in (201, 402) else {}
        until = reply.finished_at + self._contract["outcome_sec"]
        over = False
        while payment.get("status") not in FINAL and not over:
            await asyncio.sleep(0.1)
            over = time.monotonic() >= until  # who asks late looks once all the same
            seen = await self.show(payment.get("id"))
            payment = flat(seen) if seen.status == 200 else payment
        return payment

    async def show(self, payment_id: object) -> Response:
        """Look a payment up."""
        return await self.sut.get(f"/payments/{_quoted(payment_id)}", timeout_sec=GIVE_UP_SEC)

    def captured(self, order: Order, payment: dict[str, Any]) -> bool:
        """Whether this order was really charged, and the payment shown is that charge."""
        charges = {effect.id for effect in self._provider.charges(order.token)}
        return payment.get("status") == "captured" and payment.get("provider_charge_id") in charges

    async def in_books(self, order: Order, payment: dict[str, Any]) -> bool:
        """Whether looking the payment up shows this order captured."""
        return self.captured(order, flat(await self.show(payment.get("id"))))

    async def insist(
        self, order: Order, reply: Response, *, until: float | None = None
    ) -> dict[str, Any]:
        """Come back with the same key, as the contract tells a shop, until there is an outcome.

        The end is `until`, or else `outcome_sec` from now.
        """
        if until is None:
            until = time.monotonic() + self._contract["outcome_sec"]
        while reply.status in (0, *NOT_NOW, *CONFLICT) and time.monotonic() < until:
            await asyncio.sleep(0.2)
            reply = await self.pay(order)
        return await self.final(reply)

    async def warm_up(self, payments: int = 2) -> None:
        """The control of most checks: our stub answers, and undisturbed payments go through.

        Raises:
            CheckError: The stub does not answer as it should.
            AssertionError: Payments fail although nothing is wrong with the provider.
        """
        await self.check_stub()
        for _ in range(payments):
            order = self.order()
            reply = await self.pay(order)
            payment = await self.final(reply)
            assert self.captured(order, payment), (
                f"A payment did not go through while everything was well: {reply}"
            )

    async def check_stub(self) -> None:
        """The grader's own provider answers the grader: a call that waits for no slot.

        Raises:
            CheckError: It does not. A service can bring that about, so a good one decides.
        """
        reply = await fetch(self._provider.upstream.address, "GET", "/nothing-here")
        if reply.status != NOT_FOUND or reply.elapsed > STUB_SEC:
            raise CheckError(f"The provider's stub gave {reply} in {reply.elapsed:.2f} s.")

    def _hex(self, digits: int) -> str:
        return f"{self._rng.getrandbits(4 * digits):0{digits}x}"


def flat(reply: Response) -> dict[str, Any]:
    """A reply's fields with plain values only: a hostile one must not trip the check."""
    plain = str | int | float | None
    return {
        name: value if isinstance(value, plain) else brief(value)
        for name, value in reply.object().items()
    }


def whole(value: object) -> int:
    """An amount; 0 when it is none."""
    return value if type(value) is int else 0


def decimal(value: object) -> Decimal | None:
    """A rate as a number, written as a string or a number; None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def to_eur(amount: int, rate: Decimal) -> int:
    """What api.md promises: amount times rate in EUR cents, a half rounded up."""
    return int((amount * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def slowest(replies: Iterable[Response]) -> float:
    """The longest time to a reply, in seconds."""
    return max((reply.elapsed for reply in replies), default=0.0)


def statuses(replies: Iterable[Response]) -> str:
    """How often each status came, such as "201 x 4, 503 x 2"; "none" is no reply."""
    counts: dict[str, int] = {}
    for reply in replies:
        name = str(reply.status or "none")
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{name} x {count}" for name, count in sorted(counts.items()))


def unknown_id(prefix: str) -> str:
    """An id that the service never gave."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def _quoted(payment_id: object) -> str:
    known = payment_id[:200] if isinstance(payment_id, str) else "none"
    return quote(known, safe="", errors="replace")  # JSON can carry half a surrogate pair
