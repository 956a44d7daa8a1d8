"""Exchange rates to EUR."""

from __future__ import annotations

import logging
from decimal import Decimal

from payments.models import Rate, utc_now
from payments.provider import ProviderClient

logger = logging.getLogger(__name__)

BASE_CURRENCY = "EUR"


class RateCache:
    """Keeps the provider's rates at hand, since each look-up is billed."""

    def __init__(self, provider: ProviderClient) -> None:
        self._provider = provider
        self._rates: dict[str, Rate] = {}

    async def get(self, currency: str) -> Rate:
        """What one minor unit of `currency` is worth in EUR cents.

        Raises:
            UnknownCurrency: The provider does not trade it.
            UpstreamError: The provider gave no answer.
        """
        if currency == BASE_CURRENCY:
            return Rate(currency=BASE_CURRENCY, value=Decimal(1), as_of=utc_now())
        rate = self._rates.get(currency)
        if rate is None:
            rate = await self._provider.rate(currency)
            self._rates[currency] = rate
            logger.info("rate %s is %s, published %s", currency, rate.value, rate.as_of)
        return rate
