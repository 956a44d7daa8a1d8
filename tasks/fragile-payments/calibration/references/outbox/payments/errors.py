"""What can go wrong, and what the API answers then.

::

    PaymentsError
    ├── PaymentNotFound        404
    ├── UnknownCurrency        404
    ├── RefundNotPossible      409
    ├── KeyReused              422
    ├── NotNow                 503, come back soon
    ├── Unfinished             504, under way; the answer is there when you come back
    └── TurnedDown             502, the provider says that our request is wrong
"""

from __future__ import annotations


class PaymentsError(Exception):
    """Root of our own errors; `status_code` is what the API answers."""

    status_code = 500
    retry_after: int | None = None


class PaymentNotFound(PaymentsError):
    """There is no payment with this id."""

    status_code = 404


class UnknownCurrency(PaymentsError):
    """There is no rate for this currency."""

    status_code = 404


class RefundNotPossible(PaymentsError):
    """The payment was not captured, or less than the asked amount is left of it."""

    status_code = 409


class KeyReused(PaymentsError):
    """The key names another payment."""

    status_code = 422


class NotNow(PaymentsError):
    """It cannot be done in time; nothing is under way."""

    status_code = 503
    retry_after = 1


class Unfinished(PaymentsError):
    """It is under way, and it is not known yet how it ends."""

    status_code = 504
    retry_after = 2


class TurnedDown(PaymentsError):
    """The provider turned our request down."""

    status_code = 502
