"""Client for Clearhaven, our payment provider. See docs/provider-api.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import httpx

from payments.models import Rate
from payments.upstream import Answer, NoAnswer, NotSent, call

_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?")


class End(StrEnum):
    """How a call ended, in the terms of those who decide what comes next."""

    DONE = "done"
    DECLINED = "declined"
    WRONG = "wrong"
    """They say that our request is wrong; it was not carried out."""
    NOT_NOW = "not now"
    """They say that we should try again; it was not carried out."""
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    """It may or may not have been carried out."""
    TIMED_OUT = "timed out"
    """Like UNKNOWN, and it took long."""
    GARBLED = "garbled"
    """They say that it was carried out, in words that we do not understand."""


@dataclass(frozen=True)
class Result:
    """The end of a call, and what came with it."""

    end: End
    value: Any = None
    retry_after: float = 0.0
    note: str = ""
    status: int = 0

    @property
    def healthy(self) -> bool:
        """Whether the provider did its part."""
        return self.end in (End.DONE, End.DECLINED, End.WRONG)


class ProviderClient:
    """Clearhaven's API with our types. Nothing here raises for what the provider does."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def charge(
        self, *, reference: str, amount: int, currency: str, card_token: str, timeout: float
    ) -> Result:
        """Take money from a card; `value` is the id of the charge.

        `reference` is our id of the payment, and the idempotency key too.
        """
        sent = {"reference": reference, "amount": amount, "currency": currency}
        answer = await self._call(
            "POST",
            "/charges",
            json=sent | {"card_token": card_token},
            key=reference,
            timeout=timeout,
        )
        if isinstance(answer, Answer) and answer.status == 402:
            return Result(End.DECLINED)
        if isinstance(answer, Answer) and answer.ok:
            body = answer.body or {}
            charge_id = _id(body.get("charge_id"))
            expected = sent | {"status": "captured"}
            if charge_id and all(body.get(name) == value for name, value in expected.items()):
                return Result(End.DONE, charge_id)
        return _otherwise(answer)

    async def find_charges(
        self, *, reference: str, amount: int, currency: str, timeout: float
    ) -> Result:
        """The charges of a payment; `value` is a list of their ids."""
        answer = await self._call(
            "GET", "/charges", params={"reference": reference}, timeout=timeout
        )
        if isinstance(answer, Answer) and answer.ok:
            charges = (answer.body or {}).get("charges")
            if isinstance(charges, list) and all(isinstance(c, dict) for c in charges):
                ours = [c for c in charges if c.get("reference") == reference]
                ids = [_id(c.get("charge_id")) for c in ours]
                if all(ids) and all(
                    c.get("amount") == amount and c.get("currency") == currency for c in ours
                ):
                    return Result(End.DONE, ids)
        return _otherwise(answer)

    async def refund(
        self, *, charge_id: str, amount: int, reference: str, timeout: float
    ) -> Result:
        """Give money back; `value` is the provider's id of the refund."""
        sent = {"charge_id": charge_id, "amount": amount}
        answer = await self._call(
            "POST",
            "/refunds",
            json=sent | {"reference": reference},
            key=reference,
            timeout=timeout,
        )
        if isinstance(answer, Answer) and answer.ok:
            body = answer.body or {}
            refund_id = _id(body.get("refund_id"))
            if refund_id and all(body.get(name) == value for name, value in sent.items()):
                return Result(End.DONE, refund_id)
        return _otherwise(answer)

    async def rate(self, currency: str, *, timeout: float) -> Result:
        """Look up what a currency is worth in EUR; `value` is a `Rate`."""
        answer = await self._call("GET", f"/rates/{currency}", timeout=timeout)
        if isinstance(answer, Answer) and answer.ok:
            body = answer.body or {}
            value, as_of = body.get("rate"), body.get("published_at")
            if (
                body.get("currency") == currency
                and isinstance(value, str)
                and _RATE.fullmatch(value)
                and Decimal(value) > 0
                and isinstance(as_of, str)
                and 0 < len(as_of) <= 64
            ):
                return Result(End.DONE, Rate(currency, Decimal(value), as_of))
        return _otherwise(answer)

    async def settle(self, charge_ids: Sequence[str], *, timeout: float) -> Result:
        """Have charges paid out; `value` is the id of the batch and what was settled in it."""
        answer = await self._call(
            "POST", "/settlements", json={"charge_ids": list(charge_ids)}, timeout=timeout
        )
        if isinstance(answer, Answer) and answer.ok:
            body = answer.body or {}
            batch_id, settled = _id(body.get("batch_id")), body.get("settled")
            if batch_id and isinstance(settled, list):
                asked = set(charge_ids)
                listed = [c for c in settled if isinstance(c, str) and c in asked]
                return Result(End.DONE, (batch_id, listed))
        return _otherwise(answer)

    async def _call(self, method: str, path: str, **kwargs: Any) -> Answer | NotSent | NoAnswer:
        try:
            return await call(self._client, method, path, **kwargs)
        except (NotSent, NoAnswer) as exc:
            return exc


def _otherwise(answer: Answer | NotSent | NoAnswer) -> Result:
    if isinstance(answer, NotSent):
        return Result(End.NOT_SENT, note=str(answer))
    if isinstance(answer, NoAnswer):
        return Result(End.TIMED_OUT if answer.timed_out else End.UNKNOWN, note=str(answer))
    retry_after = answer.retry_after or 0.0
    if answer.not_now:
        return Result(End.NOT_NOW, retry_after=retry_after, note=f"answer {answer.status}")
    if answer.wrong:
        return Result(End.WRONG, note=f"answer {answer.status}", status=answer.status)
    if answer.ok:
        return Result(End.GARBLED, note=f"answer {answer.status} is malformed")
    return Result(End.UNKNOWN, retry_after=retry_after, note=f"answer {answer.status}")


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 128 else None
