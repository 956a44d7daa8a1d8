"""Does the service answer in time when the provider does not?"""

from __future__ import annotations

import asyncio

from provider import Provider
from replies import measure_replies
from shop import Shop, flat, slowest

from harness.checks import Contract, Measure, Response, check, hang_after_accept

HUNG = 4
ROUNDS = 2


@check(
    id="timeouts.hang",
    family="timeouts",
    dimension="failure-mode-instinct",
    weight=3,
    shows="When the provider accepts calls and never answers, shops still get their reply in time, "
    "so one dead dependency does not take the checkout with it.",
    derived_from="Every request to us is answered within 3 seconds, whatever the provider does.",
    control="The stub answers the grader; two undisturbed payments go through first.",
    timing=True,
)
async def test_hang(shop: Shop, provider: Provider, contract: Contract, measure: Measure) -> None:
    """Two rounds of four payments that the provider never answers, each beside one it does."""
    await shop.warm_up()
    deadline = contract["deadline_sec"]
    replies: list[Response] = []
    for _ in range(ROUNDS):
        hung = [shop.order() for _ in range(HUNG)]
        for order in hung:
            provider.plan(order.token, hang_after_accept)
        payments = [shop.pay(order, timeout_sec=2 * deadline + 0.5) for order in hung]
        *answers, _ = await asyncio.gather(*payments, shop.pay(shop.order()))
        replies += answers
        if slowest(replies) > 2 * deadline:
            break  # nothing later can change the verdict
    measure_replies(measure, contract, replies)
    told_taken = sum(reply.status == 201 for reply in replies)
    measure("payments told to be taken that were not", told_taken, equals=0)
    accepted = [flat(reply).get("id") for reply in replies if reply.status == 202]
    seen = await asyncio.gather(*(shop.show(payment_id) for payment_id in accepted))
    unknown = sum(
        one.status != 200 or flat(one).get("id") != id_
        for one, id_ in zip(seen, accepted, strict=True)
    )
    measure("payments that were accepted and cannot be looked up", unknown, equals=0)
