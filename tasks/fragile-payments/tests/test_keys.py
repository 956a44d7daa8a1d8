"""Does a key stand for one body and one outcome?"""

from __future__ import annotations

import asyncio
import json

from provider import Provider
from shop import Order, Shop, statuses

from harness.checks import Measure, Response, check

MONEY = ("amount", "currency", "merchant_id", "card_token")
"""Fields that say who pays what to whom."""
WORDS = ("customer_email", "description")
UNDER_WAY = ("amount", "card_token")
"""Sent again while the first is at a barrier."""
RACE_SEC = 0.3
"""How long another body gets to act before the first call is let go."""
DECLINED = 3


@check(
    id="idempotency.other-body",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=2,
    shows="A key that a shop uses for another order by mistake charges nothing and does not "
    "pretend that the other order was paid.",
    derived_from="The same key with a different body is a mistake in the shop. "
    "It is answered with a 4xx status and nothing is charged.",
    control="Each key's first request goes through, and is answered with its payment again after "
    "the other body was sent.",
    long=True,
)
async def test_other_body(shop: Shop, provider: Provider, measure: Measure) -> None:
    """One field after the other is different, after the outcome and while it is under way."""
    await shop.check_stub()
    replies: dict[str, Response] = {}
    extra, lost = 0, 0
    for field in (*MONEY, *WORDS):
        order = shop.order()
        other = _other(shop, order, field)
        first = await shop.final(await shop.pay(order))
        assert shop.captured(order, first), f"The first request did not go through: {first}"
        replies[field] = await shop.pay(other)
        extra += _extra_charges(provider, order, other)
        lost += not await _is(shop, order, first.get("id"))
    for field in UNDER_WAY:
        order = shop.order()
        other = _other(shop, order, field)
        replies[f"{field}, while under way"] = await _amid(shop, provider, order, other)
        first = await shop.insist(order, await shop.pay(order))
        extra += _extra_charges(provider, order, other)
        lost += not shop.captured(order, first) or not await _is(shop, order, first.get("id"))
    measure("charges for another body under a used key", extra, equals=0)
    wrong = [field for field, reply in replies.items() if not 400 <= reply.status < 500]
    slips = sum(field in WORDS for field in wrong)
    measure("other orders that were not answered with 4xx", len(wrong) - slips, equals=0)
    measure(
        "orders with another e-mail or description that were not answered with 4xx",
        slips,
        at_most=0,
        partly_at_most=len(WORDS),
    )
    if wrong:
        measure.note(f"Another {wrong[0]}: {replies[wrong[0]]}.")
    measure("first payments that cannot be repeated after that", lost, equals=0)
    measure.info("replies to other bodies", statuses(replies.values()))
    measure.info("the same body in another order of its fields", await _reordered(shop))


def _other(shop: Shop, order: Order, field: str) -> Order:
    """The same key with one field changed."""
    fresh = shop.order(currency="USD").body | {"amount": order.body["amount"] + 1}
    return Order(order.key, order.body | {field: fresh[field]})


def _extra_charges(provider: Provider, order: Order, other: Order) -> int:
    tokens = {order.token, other.token}
    return sum(len(provider.charges(token)) for token in tokens) - 1


async def _is(shop: Shop, order: Order, payment_id: object) -> bool:
    """Whether this order, sent once more, is answered with that payment."""
    reply = await shop.pay(order)
    return reply.ok and reply.object().get("id") == payment_id


async def _amid(shop: Shop, provider: Provider, order: Order, other: Order) -> Response:
    """The reply to the other body, sent while the provider holds the first one's charge."""
    barrier = provider.hold(order.token)
    first = asyncio.create_task(shop.pay(order))
    arrived = await barrier.arrived(1, timeout_sec=2.5)
    second = asyncio.create_task(shop.pay(other))
    await asyncio.wait([second], timeout=RACE_SEC)
    barrier.release()
    reply, again = await asyncio.gather(first, second)
    assert arrived, f"A payment did not reach the provider within 2.5 s; the reply was {reply}"
    return again


async def _reordered(shop: Shop) -> str:
    """For information only: no document says when two bodies are the same to the byte."""
    order = shop.order()
    await shop.insist(order, await shop.pay(order))
    backwards = json.dumps(dict(reversed(order.body.items())), indent=1).encode()
    headers = {"Idempotency-Key": order.key}
    return statuses([await shop.sut.request("POST", "/payments", json=backwards, headers=headers)])


@check(
    id="idempotency.declined",
    family="idempotency",
    dimension="failure-mode-instinct",
    weight=1,
    shows="A declined payment stays declined however often its key is sent, "
    "so no card is charged for a checkout that has ended.",
    derived_from="The card was declined. The body is the payment with status `declined`. "
    "This is final; for another card, use another key.",
    control="The bank would say yes when the key is sent again, and does so for another key.",
)
async def test_declined(shop: Shop, provider: Provider, measure: Measure) -> None:
    """The bank says no, changes its mind, and the shop sends the same key twice more."""
    await shop.warm_up()
    charges, changed, unpaid = 0, 0, 0
    replies: list[Response] = []
    for _ in range(DECLINED):
        order = shop.order()
        provider.declined.add(order.token)
        reply = await shop.pay(order)
        first = await shop.final(reply)
        assert first.get("status") == "declined", (
            f"A declined payment was not told as such: {reply}"
        )
        provider.declined.discard(order.token)
        for _ in range(2):
            replies.append(await shop.pay(order))
            again = await shop.final(replies[-1])
            changed += [again.get(name) for name in ("id", "status")] != [
                first.get("id"),
                "declined",
            ]
        charges += len(provider.charges(order.token))
        anew = Order(shop.order().key, order.body)
        unpaid += not shop.captured(anew, await shop.final(await shop.pay(anew)))
    measure("charges for keys whose payment was declined", charges, equals=0)
    measure("repeats that were not answered with the declined payment", changed, equals=0)
    measure("payments with another key that did not go through", unpaid, equals=0)
    measure.info("replies to repeats", statuses(replies))
