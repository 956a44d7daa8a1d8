"""Client for Clearhaven, our payment provider. See docs/provider-api.md."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import httpx

from payments.errors import UnknownCurrency, UpstreamError
from payments.models import Rate
from payments.upstream import request_with_retry

CARD_DECLINED = 402


class ProviderClient:
    """Clearhaven's API with our types."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def charge(
        self, *, reference: str, amount: int, currency: str, card_token: str
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
        response = await request_with_retry(
            self._client, "POST", "/charges", json=body, accept=(CARD_DECLINED,)
        )
        if response.status_code == CARD_DECLINED:
            return None
        return str(response.json()["charge_id"])

    async def refund(self, *, charge_id: str, amount: int, reference: str) -> str:
        """Give money back; returns the provider's id of the refund."""
        response = await request_with_retry(
            self._client,
            "POST",
            "/refunds",
            json={"charge_id": charge_id, "amount": amount, "reference": reference},
        )
        return str(response.json()["refund_id"])

    async def rate(self, currency: str) -> Rate:
        """Look up what a currency is worth in EUR.

        Raises:
            UnknownCurrency: The provider does not trade it.
            UpstreamError: The provider gave no answer.
        """
        try:
            response = await request_with_retry(self._client, "GET", f"/rates/{currency}")
        except UpstreamError as exc:
            if exc.upstream_status == 404:
                raise UnknownCurrency(f"no rate for {currency}") from exc
            raise
        body = response.json()
        return Rate(
            currency=body["currency"], value=Decimal(body["rate"]), as_of=body["published_at"]
        )

    async def settle(self, charge_ids: Sequence[str]) -> tuple[str, list[str]]:
        """Have charges paid out; returns the id of the batch and what was settled in it."""
        response = await request_with_retry(
            self._client, "POST", "/settlements", json={"charge_ids": list(charge_ids)}
        )
        body = response.json()
        return body["batch_id"], body["settled"]
