"""The nouns: what comes in, what goes out, and what is stored."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

MAX_AMOUNT = 1_000_000


class Currency(StrEnum):
    """Currencies that shops can charge in."""

    EUR = "EUR"
    USD = "USD"
    GBP = "GBP"
    JPY = "JPY"
    CHF = "CHF"


class PaymentStatus(StrEnum):
    """Where a payment stands; everything but `pending` is final."""

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"
    FAILED = "failed"


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
CardToken = Annotated[str, StringConstraints(min_length=1, max_length=128)]
EmailAddress = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
]
Amount = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)]


class PaymentRequest(BaseModel):
    """Body of `POST /payments`."""

    merchant_id: Identifier
    amount: Amount
    currency: Currency
    card_token: CardToken
    customer_email: EmailAddress
    description: Annotated[str, StringConstraints(max_length=200)] | None = None


class RefundRequest(BaseModel):
    """Body of `POST /payments/{id}/refunds`."""

    amount: Amount


@dataclass(frozen=True)
class Rate:
    """What one minor unit of a currency is worth in EUR cents."""

    currency: str
    value: Decimal
    as_of: str

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"currency": self.currency, "rate": str(self.value), "as_of": self.as_of}


@dataclass(frozen=True)
class Payment:
    """One payment as it is stored."""

    id: str
    merchant_id: str
    amount: int
    currency: str
    amount_eur: int
    rate: Decimal
    status: PaymentStatus
    customer_email: str
    created_at: str
    provider_charge_id: str | None = None
    description: str | None = None
    seq: int = 0
    check_at: str | None = None
    """When to ask the provider what became of it; None if there is no doubt."""

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "status": self.status.value,
            "merchant_id": self.merchant_id,
            "amount": self.amount,
            "currency": self.currency,
            "amount_eur": self.amount_eur,
            "rate": str(self.rate),
            "provider_charge_id": self.provider_charge_id,
            "description": self.description,
            "created_at": self.created_at,
        }


@dataclass(frozen=True)
class Refund:
    """Money given back on a captured payment."""

    id: str
    payment_id: str
    amount: int
    amount_eur: int
    provider_refund_id: str
    created_at: str

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "payment_id": self.payment_id,
            "amount": self.amount,
            "provider_refund_id": self.provider_refund_id,
        }


@dataclass(frozen=True)
class Balance:
    """A merchant's totals in EUR cents."""

    merchant_id: str
    captured_eur: int
    refunded_eur: int
    settled_eur: int

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return asdict(self)


@dataclass(frozen=True)
class Reply:
    """An answer to `POST /payments`: status code and JSON body."""

    status_code: int
    body: dict[str, Any]


def new_id(prefix: str) -> str:
    """A fresh id such as `pay_5f0c...`."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def seconds_since(time: str) -> float:
    """How long ago a time in the form used by the API was."""
    return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()


def utc_now(after: float = 0) -> str:
    """The current time, or that in `after` seconds, in the form used by the API."""
    now = datetime.now(UTC) + timedelta(seconds=after)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
