"""Client for Clearhaven, our payment provider. See docs/provider-api.md.

Every method sends one request and raises the UpstreamErrors of `Upstream.call`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from payments.errors import InDoubt
from payments.models import Rate
from payments.upstream import Answer, Upstream

CARD_DECLINED = 402


class ProviderClient:
    """Clearhaven's API with our types."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def charge(
        self, *, reference: str, amount: int, currency: str, card_token: str, timeout: float
    ) -> str | None:
        """Take money from a card; returns the id of the charge, or None if it was declined.

        `reference`, our id of the payment, is the Idempotency-Key too: repeating is safe.
        """
        answer = self._upstream.call(
            "POST",
            "/charges",
            json={
                "reference": reference,
                "amount": amount,
                "currency": currency,
                "card_token": card_token,
            },
            key=reference,
            accept=(CARD_DECLINED,),
            timeout=timeout,
        )
        return None if answer.status == CARD_DECLINED else _text(answer, "charge_id")

    def charges(self, reference: str, *, timeout: float) -> list[tuple[str, int]]:
        """Id and amount of all charges with this reference."""
        answer = self._upstream.call(
            "GET", "/charges", params={"reference": reference}, timeout=timeout
        )
        try:
            return [
                (str(charge["charge_id"]), int(charge["amount"]))
                for charge in answer.body["charges"]
                if charge.get("reference", reference) == reference
            ]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InDoubt("GET /charges: not in the documented form") from None

    def refund(self, *, charge_id: str, amount: int, reference: str, timeout: float) -> str:
        """Give money back, once per `reference`; returns the provider's id of the refund."""
        answer = self._upstream.call(
            "POST",
            "/refunds",
            json={"charge_id": charge_id, "amount": amount, "reference": reference},
            key=reference,
            timeout=timeout,
        )
        return _text(answer, "refund_id")

    def rate(self, currency: str, *, timeout: float) -> Rate:
        """Look up what a currency is worth in EUR."""
        answer = self._upstream.call("GET", f"/rates/{currency}", timeout=timeout)
        try:
            value = Decimal(_text(answer, "rate"))
        except InvalidOperation:
            value = Decimal(0)
        if not value.is_finite() or value <= 0:
            raise InDoubt("GET /rates: not a rate")
        return Rate(currency=currency, value=value, as_of=_text(answer, "published_at"))

    def settle(self, charge_ids: Sequence[str], *, timeout: float) -> tuple[str, list[str]]:
        """Have charges paid out; returns the id of the batch and what was settled in it."""
        answer = self._upstream.call(
            "POST", "/settlements", json={"charge_ids": list(charge_ids)}, timeout=timeout
        )
        settled: Any = answer.body.get("settled")
        if not isinstance(settled, list):
            raise InDoubt("POST /settlements: not in the documented form")
        return _text(answer, "batch_id"), [str(charge_id) for charge_id in settled]


def _text(answer: Answer, name: str) -> str:
    value = answer.body.get(name)
    if not isinstance(value, str) or not value:
        raise InDoubt(f"answer {answer.status} has no {name}", timed_out=True)
    return value
