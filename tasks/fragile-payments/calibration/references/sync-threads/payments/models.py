"""The nouns: what comes in, what goes out, and what is stored."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
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
    """Where a payment stands.

    `captured`, `declined` and `failed` are final. `aborted` is only in our books: the money was
    not taken, the shop was told to come back (or got no answer), and nobody gets to see it.
    """

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"
    FAILED = "failed"
    ABORTED = "aborted"


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
    card_token: CardToken = Field(repr=False)
    customer_email: EmailAddress = Field(repr=False)
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
    amount_eur: int | None
    rate: Decimal | None
    status: PaymentStatus
    customer_email: str = field(repr=False)
    created_at: str
    provider_charge_id: str | None = None
    description: str | None = None
    seq: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        # The rate of a pending payment is the one at the moment of the charge, if there is one.
        known = self.status is not PaymentStatus.PENDING and self.rate is not None
        return {
            "id": self.id,
            "status": self.status.value,
            "merchant_id": self.merchant_id,
            "amount": self.amount,
            "currency": self.currency,
            "amount_eur": self.amount_eur if known else None,
            "rate": str(self.rate) if known else None,
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


REPLY_STATUS = {
    PaymentStatus.CAPTURED: 201,
    PaymentStatus.DECLINED: 402,
    PaymentStatus.PENDING: 202,
    # Only a payment that was answered with 202 ever fails. Asked again, it is the same answer.
    PaymentStatus.FAILED: 202,
}


def reply(payment: Payment) -> Reply:
    """How a request for this payment is answered."""
    return Reply(status_code=REPLY_STATUS[payment.status], body=payment.to_json())


def new_id(prefix: str) -> str:
    """A fresh id such as `pay_5f0c...`."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def utc_now(offset_sec: float = 0.0) -> str:
    """The current time (or one so many seconds from it), in the form used by the API."""
    now = datetime.now(UTC) + timedelta(seconds=offset_sec)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
