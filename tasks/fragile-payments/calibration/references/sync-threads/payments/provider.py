"""Client for Clearhaven, our payment provider. See docs/provider-api.md.

Every method makes exactly one call, bounded by `limit` seconds, and raises Rejected, NotNow or
Unclear (see errors.py) if it did not bring what was asked for. Whether and when to try again is
the caller's business. Only the threads of `engine.py` may be here: there are as many of them as
Clearhaven serves of our calls at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

from payments.errors import NotNow, Unclear, UnknownCurrency
from payments.models import Rate
from payments.upstream import call, check, json_object

_CARD_DECLINED = 402
_MAX_RATE = Decimal(1_000_000)


class ProviderClient:
    """Clearhaven's API with our types."""

    def __init__(self, client: httpx.Client, heard: Callable[[bool], None] = lambda ok: None) -> None:
        self._client = client
        self._heard = heard

    def charge(
        self, *, reference: str, amount: int, currency: str, card_token: str, limit: float
    ) -> str | None:
        """Take money from a card; `reference` is our id of the payment, and the key of the call.

        Returns the provider's id of the charge, or None if the card was declined.
        """
        response = self._call(
            "POST",
            "/charges",
            limit=limit,
            headers={"Idempotency-Key": reference},
            body={
                "reference": reference,
                "amount": amount,
                "currency": currency,
                "card_token": card_token,
            },
        )
        if response.status_code == _CARD_DECLINED:
            return None
        check(response, "POST /charges")
        body = json_object(response, "POST /charges")
        if body.get("reference", reference) != reference:
            raise Unclear("POST /charges: the answer is about another payment")
        return _text(body, "charge_id", "POST /charges")

    def find_charge(self, reference: str, *, limit: float) -> str | None:
        """The id of the charge with this reference, or None if no money was taken."""
        what = "GET /charges"
        response = self._call("GET", "/charges", limit=limit, params={"reference": reference})
        check(response, what)
        charges = json_object(response, what).get("charges")
        if not isinstance(charges, list) or not all(isinstance(c, dict) for c in charges):
            raise Unclear(f"{what}: there is no list in the answer")
        ours = [c for c in charges if c.get("reference") == reference]
        return _text(ours[0], "charge_id", what) if ours else None

    def refund(self, *, charge_id: str, amount: int, reference: str, limit: float) -> str:
        """Give money back; returns the provider's id of the refund."""
        response = self._call(
            "POST",
            "/refunds",
            limit=limit,
            headers={"Idempotency-Key": reference},
            body={"charge_id": charge_id, "amount": amount, "reference": reference},
        )
        check(response, "POST /refunds")
        return _text(json_object(response, "POST /refunds"), "refund_id", "POST /refunds")

    def rate(self, currency: str, *, limit: float) -> Rate:
        """Look up what a currency is worth in EUR; UnknownCurrency if it is not traded."""
        what = f"GET /rates/{currency}"
        response = self._call("GET", f"/rates/{currency}", limit=limit)
        if response.status_code == 404:
            raise UnknownCurrency(f"no rate for {currency}")
        check(response, what)
        body = json_object(response, what)
        text = _text(body, "rate", what)
        try:
            value = Decimal(text)
            if not (len(text) <= 32 and value.is_finite() and 0 < value < _MAX_RATE):
                raise InvalidOperation
        except InvalidOperation as exc:
            raise Unclear(f"{what}: not a rate") from exc
        if body.get("currency", currency) != currency:
            raise Unclear(f"{what}: the answer is about another currency")
        return Rate(currency=currency, value=value, as_of=_text(body, "published_at", what))

    def settle(self, charge_ids: Sequence[str], *, limit: float) -> tuple[str, list[str]]:
        """Have charges paid out; returns the id of the batch and what was settled in it."""
        what = "POST /settlements"
        response = self._call("POST", "/settlements", limit=limit, body={"charge_ids": list(charge_ids)})
        check(response, what)
        body = json_object(response, what)
        settled = body.get("settled")
        if not isinstance(settled, list):
            raise Unclear(f"{what}: there is no list in the answer")
        return _text(body, "batch_id", what), [c for c in settled if isinstance(c, str)]

    def _call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            response = call(self._client, method, path, **kwargs)
        except (NotNow, Unclear):
            self._heard(False)
            raise
        self._heard(response.status_code < 500 and response.status_code != 429)
        return response


def _text(body: dict[str, Any], name: str, what: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 255:
        raise Unclear(f"{what}: there is no {name} in the answer")
    return value
