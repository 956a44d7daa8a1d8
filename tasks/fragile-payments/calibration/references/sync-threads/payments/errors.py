"""What can go wrong, and what the API answers then.

::

    PaymentsError
    ├── PaymentNotFound, UnknownCurrency        404
    ├── RefundNotPossible, StillUnderWay        409
    ├── KeyReused                               422
    ├── NotCompleted                            502, 503 or 504: come back
    └── UpstreamError                           what a single call to an upstream ended in
        ├── Rejected     our request is wrong; repeating it does not help
        ├── NotNow       it was not carried out; try again, perhaps after `retry_after`
        └── Unclear      nobody knows whether it was carried out
"""

from __future__ import annotations


class PaymentsError(Exception):
    """Root of our own errors; `status_code` is what the API answers."""

    status_code = 500
    retry_after: float | None = None


class PaymentNotFound(PaymentsError):
    """There is no payment with this id."""

    status_code = 404


class UnknownCurrency(PaymentsError):
    """There is no rate for this currency."""

    status_code = 404


class RefundNotPossible(PaymentsError):
    """The payment was not captured, or less than the asked amount is left of it."""

    status_code = 409


class StillUnderWay(PaymentsError):
    """The first request with this key has no outcome yet."""

    status_code = 409


class KeyReused(PaymentsError):
    """The key belongs to another payment."""

    status_code = 422


class NotCompleted(PaymentsError):
    """Not now; the shop comes back. Not an outcome.

    502: the provider says that our request is wrong. 503: it was not carried out.
    504: it is not known yet whether it was carried out.
    """

    def __init__(self, status_code: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = retry_after


class UpstreamError(PaymentsError):
    """A call to the provider or the mailer did not bring what we asked for."""

    status_code = 503


class Rejected(UpstreamError):
    """The upstream says that our request is wrong."""

    def __init__(self, message: str, upstream_status: int) -> None:
        super().__init__(message)
        self.upstream_status = upstream_status


class NotNow(UpstreamError):
    """Not carried out: 429, 503, or the upstream was not even reached."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unclear(UpstreamError):
    """No answer, or none that can be understood: it may have been carried out."""
