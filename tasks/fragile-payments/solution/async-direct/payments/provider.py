"""Client for Clearhaven, our payment provider. See docs/provider-api.md."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import httpx

from payments.errors import UpstreamError
from payments.models import Rate
from payments.upstream import call

logger = logging.getLogger(__name__)

T = TypeVar("T")

CARD_DECLINED = 402
MAX_SENDS = 5
"""How often one payment may be sent, by the provider's terms."""

CALL_TIMEOUT_SEC = 10.0
"""How long we listen for the answer to a call. Shops are answered long before that."""

RATE_TIMEOUT_SEC = 4.5
"""An older answer could not be used."""

HEDGE_AFTER_SEC = 1.0
"""Without an answer for that long, a call is sent a second time (with the same key)."""

HEDGE_SHARE = 0.15
"""But only that share of all calls: when the provider is slow, copies would make it worse."""

BACKOFF_SEC = 0.05


class Delivery:
    """How a charge or a refund is to be sent.

    `until` is the event loop's time after which it is not sent anew, and `on_trouble` is called
    when there will be a wait.
    """

    def __init__(
        self,
        until: float,
        *,
        max_sends: int = MAX_SENDS,
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        self.until = until
        self.max_sends = max_sends
        self.on_trouble = on_trouble


class ProviderClient:
    """Clearhaven's API with our types."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._hedges = 1.0

    async def charge(
        self,
        *,
        reference: str,
        amount: int,
        currency: str,
        card_token: str,
        delivery: Delivery,
    ) -> str | None:
        """Take money from a card; `reference` is our id of the payment.

        Returns the provider's id of the charge, or None if the card was declined.

        Raises:
            UpstreamError: The provider did not carry it out; if `unclear`, perhaps it did.
        """

        def read(response: httpx.Response) -> str | None:
            if response.status_code == CARD_DECLINED:
                return None
            return _text(response.json(), "charge_id")

        body = {
            "reference": reference,
            "amount": amount,
            "currency": currency,
            "card_token": card_token,
        }
        return await self._deliver("/charges", body, reference, read, delivery)

    async def find_charge(self, reference: str, *, timeout: float) -> str | None:
        """The provider's id of the charge with our `reference`, or None if there is none."""
        found = await call(
            self._client,
            "GET",
            "/charges",
            params={"reference": reference},
            timeout=timeout,
            read=lambda response: [_text(c, "charge_id") for c in response.json()["charges"]],
        )
        if len(found) > 1:
            logger.error("%d charges for %s: %s", len(found), reference, " ".join(found))
        return found[0] if found else None

    async def refund(
        self, *, charge_id: str, amount: int, reference: str, delivery: Delivery
    ) -> str:
        """Give money back; returns the provider's id of the refund."""
        body = {"charge_id": charge_id, "amount": amount, "reference": reference}
        return await self._deliver(
            "/refunds", body, reference, lambda r: _text(r.json(), "refund_id"), delivery
        )

    async def rate(self, currency: str) -> Rate:
        """Look up, once, what a currency is worth in EUR."""

        def read(response: httpx.Response) -> Rate:
            body = response.json()
            value = Decimal(_text(body, "rate"))
            if not (value.is_finite() and value > 0):
                raise ValueError("not a rate")
            return Rate(currency=currency, value=value, as_of=_text(body, "published_at"))

        path = f"/rates/{currency}"
        return await call(self._client, "GET", path, timeout=RATE_TIMEOUT_SEC, read=read)

    async def settle(self, charge_ids: Sequence[str]) -> tuple[str, list[str]]:
        """Have charges paid out; returns the id of the batch and what was settled in it."""
        return await call(
            self._client,
            "POST",
            "/settlements",
            json={"charge_ids": list(charge_ids)},
            timeout=CALL_TIMEOUT_SEC,
            read=lambda r: (_text(r.json(), "batch_id"), [str(c) for c in r.json()["settled"]]),
        )

    async def _deliver(
        self,
        path: str,
        body: Mapping[str, Any],
        key: str,
        read: Callable[[httpx.Response], T],
        delivery: Delivery,
    ) -> T:
        """Send until there is an answer, always with the same `key`.

        A copy that is not answered for long is not given up when another one is sent: the
        answer may be on its way.
        """
        loop = asyncio.get_running_loop()
        calls: set[asyncio.Task[T]] = set()
        error = UpstreamError(f"POST {path}: no time left", sent=False)
        unclear = False
        sends = 0
        next_send = loop.time()
        try:
            while True:
                now = loop.time()
                more = sends < delivery.max_sends and next_send < delivery.until
                if more and next_send <= now:
                    next_send = float("inf")
                    if calls:
                        if self._hedges < 1:
                            continue
                        self._hedges -= 1
                    elif sends == 0:
                        self._hedges = min(self._hedges + HEDGE_SHARE, 10.0)
                        next_send = now + HEDGE_AFTER_SEC
                    sends += 1
                    calls.add(asyncio.create_task(self._post(path, body, key, read)))
                    continue
                wait = next_send - now if more else None
                if not calls:
                    if wait is None:
                        raise error
                    await asyncio.sleep(wait)
                    continue
                done, calls = await asyncio.wait(
                    calls, timeout=wait, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    try:
                        return task.result()
                    except UpstreamError as exc:
                        logger.warning("%s: send %d for %s", exc, sends, key)
                        error = exc
                        unclear = exc.unclear = unclear or exc.unclear
                        if exc.rejected:
                            exc.unclear = unclear or bool(calls)
                            raise
                        pause = BACKOFF_SEC * 2**sends * random.uniform(0.5, 1.0)
                        next_send = loop.time() + max(pause, exc.retry_after or 0.0)
                        delivery.on_trouble()
        finally:
            for task in calls:
                task.cancel()

    async def _post(
        self, path: str, body: Mapping[str, Any], key: str, read: Callable[[httpx.Response], T]
    ) -> T:
        return await call(
            self._client,
            "POST",
            path,
            json=body,
            key=key,
            timeout=CALL_TIMEOUT_SEC,
            read=read,
            accept=(CARD_DECLINED,) if path == "/charges" else (),
        )


def _text(body: Any, name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    return value
