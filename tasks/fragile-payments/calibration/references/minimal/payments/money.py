"""Conversion to EUR and amounts for people."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_NO_MINOR_UNITS = frozenset({"JPY"})


def to_eur(amount: int, rate: Decimal) -> int:
    """Convert minor units of a currency to EUR cents, a half rounded up."""
    return int((Decimal(amount) * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_amount(amount: int, currency: str) -> str:
    """Write an amount the way a customer reads it, such as `12.50 CHF`."""
    if currency in _NO_MINOR_UNITS:
        return f"{amount} {currency}"
    return f"{amount // 100}.{amount % 100:02d} {currency}"
