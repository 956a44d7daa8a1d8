"""The nouns: what comes in, what goes out, and what is stored."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
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

    def fingerprint(self, payment_id: str) -> str:
        """Tells two bodies for one key apart without keeping the card token."""
        return hashlib.sha256(f"{payment_id} {self.model_dump_json()}".encode()).hexdigest()

    def is_for(self, payment: Payment) -> bool:
        """Whether this is the body that `payment` was made with."""
        if payment.fingerprint is not None:
            return self.fingerprint(payment.id) == payment.fingerprint
        return (  # from a version that kept no fingerprints
            self.merchant_id == payment.merchant_id
            and self.amount == payment.amount
            and self.currency.value == payment.currency
            and self.customer_email == payment.customer_email
            and self.description == payment.description
        )


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
    amount_eur: int | None
    rate: Decimal | None
    status: PaymentStatus
    customer_email: str
    created_at: str
    provider_charge_id: str | None = None
    description: str | None = None
    fingerprint: str | None = None
    seq: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "status": self.status.value,
            "merchant_id": self.merchant_id,
            "amount": self.amount,
            "currency": self.currency,
            "amount_eur": self.amount_eur,
            "rate": None if self.rate is None else str(self.rate),
            "provider_charge_id": self.provider_charge_id,
            "description": self.description,
            "created_at": self.created_at,
        }


@dataclass(frozen=True)
class Refund:
    """Money given back on a captured payment; `done` says whether the provider confirmed it."""

    id: str
    payment_id: str
    amount: int
    provider_refund_id: str
    done: bool
    tries: int = 0

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


def new_id(prefix: str) -> str:
    """A fresh id such as `pay_5f0c...`."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def utc_now() -> str:
    """The current time, in the form used by the API."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
