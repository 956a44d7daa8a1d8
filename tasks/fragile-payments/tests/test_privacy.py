"""Do card tokens stay between the shop and the provider?"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator

from provider import Mailer, Provider
from shop import Order, Shop, statuses

from harness.checks import (
    Measure,
    check,
    hang_after_accept,
    malformed_json,
    reset,
    reset_mid_body,
    status,
)
from harness.errors import CheckError

TROUBLE = (status(503), status(400), status(422), reset, reset_mid_body, malformed_json)
"""What happens to a charge at first; one more gets no answer at all."""
GIVE_UP_SEC = 4.0
MAIL_SEC = 3.0
FLUSH_SEC = 0.3
MAX_LOGS = 512 * 1024
"""All that can be had; a service that writes more could hide in it what must not be there."""


@check(
    id="regression.privacy",
    family="regression",
    dimension="verification",
    weight=2,
    shows="Card tokens, which are as good as money, appear in no log line, error message or mail, "
    "all of which many people read.",
    derived_from="They must not appear in logs, error messages or mail",
    control="Two undisturbed payments go through first; what is searched for is the part of a "
    "token that no way of writing it changes.",
)
async def test_privacy(
    shop: Shop, provider: Provider, mailer: Mailer, measure: Measure, rng: random.Random
) -> None:
    """Payments that succeed, are declined, meet trouble or are turned down; then a search."""
    await shop.warm_up()
    orders = [shop.order() for _ in range(3 + len(TROUBLE))]
    provider.declined.add(orders[1].token)
    provider.plan(orders[2].token, hang_after_accept)
    for order, behaviour in zip(orders[3:], TROUBLE, strict=True):
        provider.blip(order.token, behaviour)
    replies = list(await asyncio.gather(*(shop.pay(o, timeout_sec=GIVE_UP_SEC) for o in orders)))
    secrets = set(map(_secret, orders))
    for secret, order in _turned_down(shop, rng, orders[0]):
        secrets.add(secret)
        replies.append(await shop.pay(order, timeout_sec=GIVE_UP_SEC))
    letters = sum(bool(provider.charges(order.token)) for order in orders)
    await mailer.upstream.until(lambda: len(mailer.messages) >= letters, timeout_sec=MAIL_SEC)
    await asyncio.sleep(FLUSH_SEC)
    logs = await shop.sut.logs(max_bytes=MAX_LOGS)
    if len(logs.encode()) >= MAX_LOGS:
        raise CheckError(
            f"It writes {MAX_LOGS // 1024} KiB of logs and more for {len(replies)} calls."
        )
    lines = logs.splitlines()

    def showing(texts: list[str]) -> int:
        return sum(any(secret in text.lower() for secret in secrets) for text in texts)

    errors = [reply.body.decode("utf-8", "replace") for reply in replies if reply.status >= 400]
    measure("log lines with a card token", showing(lines), equals=0)
    measure("mails with a card token", showing(list(map(json.dumps, mailer.messages))), equals=0)
    measure(
        "error messages with a card token", showing(errors), at_most=0, partly_at_most=len(replies)
    )
    measure.info("log lines", len(lines))
    measure.info("mails", len(mailer.messages))
    measure.info("replies", statuses(replies))


def _turned_down(shop: Shop, rng: random.Random, paid: Order) -> Iterator[tuple[str, Order]]:
    """Requests that are not valid, each with what must not be seen again of its card token."""
    for change in (
        {"amount": "12.50"},
        {"amount": None},
        {"currency": "SEK"},
        {"customer_email": "nobody"},
        {"merchant_id": None},
        {"description": "x" * 201},
    ):
        order = shop.order(**change)
        yield _secret(order), order
    order = shop.order()
    yield _secret(order), Order("", order.body)
    yield _secret(order), Order("k" * 256, order.body)
    yield _secret(order), Order(paid.key, order.body)
    for wrap in (
        lambda token: token + "x" * 200,
        lambda token: [token],
        lambda token: {"id": token},
    ):
        order = shop.order()
        yield _secret(order), Order(order.key, order.body | {"card_token": wrap(order.token)})
    number = rng.randrange(10**15, 10**16)
    order = shop.order()
    yield str(number), Order(order.key, order.body | {"card_token": number})
    order = shop.order()
    text = json.dumps(order.body)
    yield _secret(order), Order(order.key, text[:-1].encode())  # type: ignore[arg-type] # not JSON
    yield _secret(order), Order(order.key, [order.body])  # type: ignore[arg-type] # no object


def _secret(order: Order) -> str:
    """Letters and digits only, so quoting and escaping leave it as it is."""
    return order.token.removeprefix("tok_")
