"""Exchange rates to EUR.

A rate is good for `FRESH_SEC` from the moment we asked for it; after that we quote and charge
nothing with it. While a currency is in use it is looked up every `REFRESH_SEC` on the side, so
that nobody waits. Two look-ups of a currency are at least `SPACING_SEC` apart, come what may:
that is what our plan pays for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from decimal import Decimal

from payments.engine import Engine, Job
from payments.errors import NotCompleted, UnknownCurrency, UpstreamError
from payments.models import Rate, utc_now
from payments.provider import ProviderClient

logger = logging.getLogger(__name__)

BASE_CURRENCY = "EUR"
FRESH_SEC = 4.3
REFRESH_SEC = 2.0
SPACING_SEC = 1.0
IN_USE_SEC = 6.0
LOOKUP_SEC = 1.5
MAX_WAITING = 20


class Rates:
    """The provider's rates."""

    def __init__(self, provider: ProviderClient, engine: Engine, currencies: Collection[str]) -> None:
        self._engine = engine
        self._cond = threading.Condition()
        self._waiting = 0
        self._lookups = {
            currency: _Lookup(provider, self._cond, currency)
            for currency in currencies
            if currency != BASE_CURRENCY
        }

    def current(self, currency: str) -> Rate | None:
        """The rate if there is a good one now; if not, it is on its way."""
        if currency == BASE_CURRENCY:
            return Rate(currency=BASE_CURRENCY, value=Decimal(1), as_of=utc_now())
        lookup = self._lookups[currency]
        with self._cond:
            self._want(lookup)
            return lookup.fresh()

    def wait(self, currency: str, until: float) -> Rate:
        """The rate, waiting for it if need be.

        Raises:
            UnknownCurrency: It is not one of ours, or the provider does not trade it.
            NotCompleted: There was none in time.
        """
        if currency != BASE_CURRENCY and currency not in self._lookups:
            raise UnknownCurrency(f"no rate for {currency[:16]}")
        rate = self.current(currency)
        if rate is not None:
            return rate
        lookup = self._lookups[currency]
        with self._cond:
            if self._waiting >= MAX_WAITING:
                raise NotCompleted(503, f"no rate for {currency} now", retry_after=1)
            self._waiting += 1
            try:
                while True:
                    rate = lookup.fresh()
                    if rate is not None:
                        return rate
                    left = until - time.monotonic()
                    if left <= 0:
                        raise NotCompleted(503, f"no rate for {currency} now", retry_after=1)
                    self._want(lookup)
                    self._cond.wait(left)
            finally:
                self._waiting -= 1

    def _want(self, lookup: _Lookup) -> None:
        lookup.wanted_at = time.monotonic()
        if not lookup.scheduled:
            lookup.scheduled = True
            self._engine.submit(lookup, lookup.not_before)


class _Lookup(Job):
    urgent = True

    def __init__(self, provider: ProviderClient, cond: threading.Condition, currency: str) -> None:
        self._provider = provider
        self._cond = cond
        self._currency = currency
        self._found: Rate | None = None  # None if it is not traded
        self._asked_at = float("-inf")
        self.scheduled = False
        self.wanted_at = 0.0
        self.not_before = 0.0

    def fresh(self) -> Rate | None:
        """The rate if it is good now."""
        if time.monotonic() - self._asked_at > FRESH_SEC:
            return None
        if self._found is None:
            raise UnknownCurrency(f"no rate for {self._currency}")
        return self._found

    def step(self) -> float | None:
        asked_at = time.monotonic()
        pause = SPACING_SEC
        rate = None
        answered = False
        try:
            rate = self._provider.rate(self._currency, limit=LOOKUP_SEC)
            answered = True
        except UnknownCurrency:
            answered = True
        except UpstreamError as exc:
            logger.warning("no rate for %s: %s", self._currency, exc)
            pause = max(pause, exc.retry_after or 0.0)
        with self._cond:
            self.not_before = asked_at + pause
            if answered:
                if rate != self._found:
                    logger.info("rate %s is %s", self._currency, rate and rate.value)
                self._asked_at = asked_at
                self._found = rate
            self._cond.notify_all()
            if time.monotonic() - self.wanted_at > IN_USE_SEC:
                self.scheduled = False
                return None
            return asked_at + REFRESH_SEC if answered else self.not_before
