"""Exchange rates to EUR."""

from __future__ import annotations

import asyncio
import logging
import math
from decimal import Decimal

from payments.errors import UnknownCurrency, UpstreamError
from payments.models import Currency, Rate, utc_now
from payments.provider import ProviderClient

logger = logging.getLogger(__name__)

BASE_CURRENCY = "EUR"

REFRESH_AFTER_SEC = 1.5
MAX_AGE_SEC = 4.0
"""5 seconds are promised; a charge may wait for its turn after it got its rate."""
LOOKUP_EVERY_SEC = 1.0
PATIENCE_SEC = 1.8
"""How long to wait for a rate; enough for a second look-up after a blip."""


class RateCache:
    """Keeps the provider's rates at hand, since each look-up is billed."""

    def __init__(self, provider: ProviderClient) -> None:
        self._provider = provider
        self._rates: dict[str, tuple[float, Rate]] = {}
        """With the time at which we asked for it."""
        self._lookups: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}

    async def get(self, currency: str) -> Rate:
        """What one minor unit of `currency` is worth in EUR cents.

        Raises:
            UnknownCurrency: The provider does not trade it.
            UpstreamError: The provider gave no answer.
        """
        if currency == BASE_CURRENCY:
            return Rate(currency=BASE_CURRENCY, value=Decimal(1), as_of=utc_now())
        if currency not in Currency.__members__:
            raise UnknownCurrency(f"no rate for {currency}")
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + PATIENCE_SEC
        while True:
            asked_at, rate = self._rates.get(currency, (-math.inf, None))
            task = self._lookups.get(currency)
            if task is None and clock() > asked_at + REFRESH_AFTER_SEC:
                task = asyncio.create_task(self._look_up(currency))
                task.add_done_callback(lambda t: t.cancelled() or t.exception())
                self._lookups[currency] = task
            if rate is not None and clock() < asked_at + MAX_AGE_SEC:
                return rate
            assert task is not None
            await asyncio.wait({task}, timeout=give_up_at - clock())
            if not task.done():
                raise UpstreamError(f"no rate for {currency} now")
            if isinstance(task.exception(), UnknownCurrency):
                raise UnknownCurrency(f"no rate for {currency}")

    async def _look_up(self, currency: str) -> None:
        clock = asyncio.get_running_loop().time
        try:
            await asyncio.sleep(self._not_before.get(currency, 0.0) - clock())
            asked_at = clock()
            self._not_before[currency] = asked_at + LOOKUP_EVERY_SEC
            try:
                rate = await self._provider.rate(currency)
            except UpstreamError as exc:
                if exc.retry_after is not None:
                    wait = max(exc.retry_after, LOOKUP_EVERY_SEC)
                    self._not_before[currency] = clock() + wait
                raise
        finally:
            del self._lookups[currency]
        if currency not in self._rates or self._rates[currency][1] != rate:
            logger.info("rate %s is %s, published %s", currency, rate.value, rate.as_of)
        self._rates[currency] = (asked_at, rate)
