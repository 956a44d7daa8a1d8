"""What can go wrong, and what the API answers then.

::

    PaymentsError
    ├── PaymentNotFound        404
    ├── UnknownCurrency        404
    ├── RefundNotPossible      409
    ├── UnderWay               409
    ├── KeyReused              422
    ├── Busy                   503, with Retry-After
    ├── RateUnavailable        503, with Retry-After
    ├── TooSlow                504
    └── UpstreamError          503, or 502 if the upstream turned our request down
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
    """We do not take this currency."""

    status_code = 404


class RefundNotPossible(PaymentsError):
    """The payment was not captured, or less than the asked amount is left of it."""

    status_code = 409


class UnderWay(PaymentsError):
    """The first request with this key is still under way."""

    status_code = 409


class KeyReused(PaymentsError):
    """The key was used before, with a different body."""

    status_code = 422


class Busy(PaymentsError):
    """More is asked of us than the provider can take; nothing was done."""

    status_code = 503
    retry_after = 1


class RateUnavailable(PaymentsError):
    """We have no rate that is fresh enough to be used; nothing was done."""

    status_code = 503
    retry_after = 1


class TooSlow(PaymentsError):
    """No outcome in time; we go on finding out on our side."""

    status_code = 504
    retry_after = 1


class UpstreamError(PaymentsError):
    """The provider or the mailer could not do what we asked for."""

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int | None = None,
        sent: bool = True,
        timed_out: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.upstream_status = upstream_status
        self.timed_out = timed_out
        self.retry_after = retry_after
        self.unclear = sent and not self.rejected and upstream_status not in (429, 503)
        """Whether it may have been carried out all the same."""

    @property
    def rejected(self) -> bool:
        """Whether the upstream looked at our request and turned it down for good."""
        status = self.upstream_status
        return status is not None and 300 <= status < 500 and status != 429

    @property
    def status_code(self) -> int:  # type: ignore[override]
        """502 if our request was turned down, 503 otherwise."""
        return 502 if self.rejected else 503
