"""Client for Clearhaven, our payment provider. See docs/provider-api.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx

from payments.errors import UnknownCurrency, UpstreamError
from payments.models import Rate
from payments.upstream import request_with_retry

CARD_DECLINED = 402

MAX_CALLS = 10
"""What the provider serves us at a time; more would wait in line at their end."""
MAX_CHARGES = MAX_CALLS - 1
"""So that rates and look-ups get through when charges hang."""
MAX_WAITING = 20
"""Charges that wait for their turn, about half a second's worth."""
PATIENCE_SEC = 0.5
"""How long a charge waits for its turn before the shop is told to come back."""


class ProviderClient:
    """Clearhaven's API with our types."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._calls = asyncio.Semaphore(MAX_CALLS)
        self._charges = asyncio.Semaphore(MAX_CHARGES)
        self._waiting = 0

    def overloaded(self, soon: int = 0) -> bool:
        """Whether there are more charges than the provider can take, with those that come soon."""
        return self._waiting + soon >= MAX_WAITING

    @asynccontextmanager
    async def _charge_slot(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            await self._charges.acquire()
        finally:
            self._waiting -= 1
        try:
            async with self._calls:
                yield
        finally:
            self._charges.release()

    async def charge(
        self, *, reference: str, amount: int, currency: str, card_token: str, time_limit: float
    ) -> str | None:
        """Take money from a card; `reference` is our id of the payment.

        Returns the provider's id of the charge, or None if the card was declined.

        Raises:
            UpstreamError: The provider did not carry it out.
        """
        body = {
            "reference": reference,
            "amount": amount,
            "currency": currency,
            "card_token": card_token,
        }
        return await request_with_retry(
            self._client,
            "POST",
            "/charges",
            json=body,
            key=reference,
            accept=(CARD_DECLINED,),
            parse=lambda body: _id(body["charge_id"]),
            slot=self._charge_slot,
            patience=PATIENCE_SEC,
            time_limit=time_limit,
        )

    async def find_charge(self, reference: str) -> str | None:
        """The provider's id of the charge for a payment, or None if there is none so far."""

        def parse(body: Any) -> str | None:
            ours = (c for c in body["charges"] if c["reference"] == reference)
            return next((_id(c["charge_id"]) for c in ours), None)

        return await request_with_retry(
            self._client,
            "GET",
            "/charges",
            params={"reference": reference},
            parse=parse,
            slot=lambda: self._calls,
            attempts=2,
            time_limit=2.0,
        )

    async def refund(self, *, charge_id: str, amount: int, reference: str) -> str:
        """Give money back; returns the provider's id of the refund."""
        refund_id = await request_with_retry(
            self._client,
            "POST",
            "/refunds",
            json={"charge_id": charge_id, "amount": amount, "reference": reference},
            key=reference,
            parse=lambda body: _id(body["refund_id"]),
            slot=lambda: self._calls,
            time_limit=2.5,
        )
        return str(refund_id)

    async def rate(self, currency: str) -> Rate:
        """Look up what a currency is worth in EUR.

        Raises:
            UnknownCurrency: The provider does not trade it.
            UpstreamError: The provider gave no answer.
        """

        def parse(body: Any) -> Rate:
            value = Decimal(str(body["rate"]))
            if body["currency"] != currency or not (value.is_finite() and value > 0):
                raise ValueError("not a rate")
            return Rate(currency=currency, value=value, as_of=str(body["published_at"]))

        try:
            rate = await request_with_retry(
                self._client,
                "GET",
                f"/rates/{currency}",
                parse=parse,
                slot=lambda: self._calls,
                attempts=1,
                time_limit=2.2,
            )
        except UpstreamError as exc:
            if exc.upstream_status == 404:
                raise UnknownCurrency(f"no rate for {currency}") from exc
            raise
        assert rate is not None
        return rate

    async def settle(self, charge_ids: Sequence[str]) -> tuple[str, list[str]]:
        """Have charges paid out; returns the id of the batch and what was settled in it."""
        batch = await request_with_retry(
            self._client,
            "POST",
            "/settlements",
            json={"charge_ids": list(charge_ids)},
            parse=lambda body: (_id(body["batch_id"]), [_id(c) for c in body["settled"]]),
            slot=lambda: self._calls,
            attempts=1,
            time_limit=20.0,
        )
        assert batch is not None
        return batch


def _id(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not an id")
    return value
