"""Exchange rates to EUR, kept fresh by one thread per currency.

A rate may be used until 5 seconds after its look-up was *sent*: until then, no newer one
can have been published for more than 5 seconds. Look-ups start at least 1 second apart.
"""

from __future__ import annotations

import logging
import threading
import time
from decimal import Decimal

from payments.errors import NotNow, Rejected, UnknownCurrency, UpstreamError
from payments.models import Currency, Rate, utc_now
from payments.provider import ProviderClient

logger = logging.getLogger(__name__)

BASE_CURRENCY = Currency.EUR
MAX_AGE_SEC = 4.8
REFRESH_SEC = 2.0
RETRY_SEC = 1.05
UNKNOWN_RETRY_SEC = 60.0
TIMEOUT_SEC = 4.0


class Rates:
    """The rates that may be used now."""

    def __init__(self, provider: ProviderClient) -> None:
        self._provider = provider
        self._rates: dict[str, tuple[float, Rate]] = {}
        self._unknown: set[str] = set()
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to look rates up."""
        for currency in Currency:
            if currency is not BASE_CURRENCY:
                threading.Thread(
                    target=self._run, args=(currency.value,), name=f"rate-{currency}", daemon=True
                ).start()

    def stop(self) -> None:
        """Stop looking rates up."""
        self._stop.set()

    def fresh(self, currency: str) -> Rate | None:
        """What one minor unit is worth in EUR cents, or None if we do not know that now."""
        if currency == BASE_CURRENCY:
            return Rate(currency=currency, value=Decimal(1), as_of=utc_now())
        looked_up, rate = self._rates.get(currency, (0.0, None))
        return rate if time.monotonic() - looked_up < MAX_AGE_SEC else None

    def quote(self, currency: str) -> Rate:
        """The rate for a shop; UnknownCurrency, or NotNow if there is none to quote."""
        if currency not in list(Currency) or currency in self._unknown:
            raise UnknownCurrency(f"no rate for {currency}")
        rate = self.fresh(currency)
        if rate is None:
            raise NotNow(f"no rate for {currency} now")
        return rate

    def _run(self, currency: str) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            started = time.monotonic()
            wait = REFRESH_SEC
            try:
                rate = self._provider.rate(currency, timeout=TIMEOUT_SEC)
                self._unknown.discard(currency)
                before = self._rates.get(currency)
                self._rates[currency] = (started, rate)
                if before is None or before[1] != rate:
                    logger.info("rate %s is %s since %s", currency, rate.value, rate.as_of)
            except Rejected as exc:
                logger.error("%s", exc)
                if exc.status == 404:
                    self._unknown.add(currency)
                wait = UNKNOWN_RETRY_SEC
            except UpstreamError as exc:
                logger.warning("%s", exc)
                wait = max(RETRY_SEC, getattr(exc, "retry_after", 0.0))
            except Exception:
                logger.exception("rate %s", currency)
            pause = max(0.0, wait - (time.monotonic() - started))
