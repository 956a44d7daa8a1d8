"""What can go wrong, and what the API answers then.

::

    PaymentsError
    ├── PaymentNotFound        404
    ├── UnknownCurrency        404
    ├── RefundNotPossible      409
    ├── KeyReused              422
    └── UpstreamError          503, or 502 if the upstream turned our request down
"""

from __future__ import annotations


class PaymentsError(Exception):
    """Root of our own errors; `status_code` is what the API answers."""

    status_code = 500


class PaymentNotFound(PaymentsError):
    """There is no payment with this id."""

    status_code = 404


class UnknownCurrency(PaymentsError):
    """The provider has no rate for this currency."""

    status_code = 404


class RefundNotPossible(PaymentsError):
    """The payment was not captured, or less than the asked amount is left of it."""

    status_code = 409


class KeyReused(PaymentsError):
    """The key was used before, with a different body."""

    status_code = 422


class UpstreamError(PaymentsError):
    """The provider or the mailer could not do what we asked for.

    `unsure` says that it may have been carried out all the same, `retry_after` how many
    seconds the upstream wants us to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int | None = None,
        unsure: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.upstream_status = upstream_status
        self.unsure = unsure
        self.retry_after = retry_after

    @property
    def rejected(self) -> bool:
        """Whether the upstream looked at our request and turned it down."""
        return self.upstream_status in (400, 404, 422)

    @property
    def status_code(self) -> int:  # type: ignore[override]
        """502 if our request was turned down, 503 otherwise."""
        return 502 if self.rejected else 503
