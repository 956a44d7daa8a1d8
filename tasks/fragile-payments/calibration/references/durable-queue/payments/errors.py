"""What can go wrong, and what the API answers then.

::

    PaymentsError
    ├── PaymentNotFound, UnknownCurrency   404
    ├── RefundNotPossible                  409
    ├── KeyReused                          422
    ├── NotNow                             503  we cannot take it now
    └── UpstreamError
        ├── NotDone                        503  certainly not carried out
        ├── InDoubt                        504  may or may not have been carried out
        └── Rejected                       502  our request is wrong; not to be repeated
"""

from __future__ import annotations


class PaymentsError(Exception):
    """Root of our own errors; `status_code` is what the API answers."""

    status_code = 500


class PaymentNotFound(PaymentsError):
    """There is no payment with this id."""

    status_code = 404


class UnknownCurrency(PaymentsError):
    """Nothing can be paid in this currency."""

    status_code = 404


class RefundNotPossible(PaymentsError):
    """The payment was not captured, or less than the asked amount is left of it."""

    status_code = 409


class KeyReused(PaymentsError):
    """The key came with another body before."""

    status_code = 422


class NotNow(PaymentsError):
    """We cannot do it now; nothing has happened."""

    status_code = 503


class UpstreamError(PaymentsError):
    """The provider or the mailer did not do what we asked for."""

    status_code = 503


class NotDone(UpstreamError):
    """Certainly not carried out: nobody there, or told to try again later."""

    def __init__(self, message: str, *, retry_after: float = 0.0, sent: bool = True) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.sent = sent


class InDoubt(UpstreamError):
    """May or may not have been carried out."""

    status_code = 504

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class Rejected(UpstreamError):
    """The upstream looked at our request and turned it down."""

    status_code = 502

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status
