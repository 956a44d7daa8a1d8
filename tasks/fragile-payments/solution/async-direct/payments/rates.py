"""Exchange rates to EUR, kept fresh."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from payments.errors import RateUnavailable, UnknownCurrency, UpstreamError
from payments.models import Currency, Rate, utc_now
from payments.provider import ProviderClient

logger = logging.getLogger(__name__)

TICK_SEC = 1.0
"""At most one look-up per tick and currency: what our plan pays for."""

REFRESH_SEC = 1.9
"""From this age on a rate is looked up anew, so every second tick on a normal day."""

MAX_AGE_SEC = 4.8
"""Older rates are not used. We have promised 5 seconds."""

_NEVER: tuple[float, Rate | None] = (float("-inf"), None)


class RateCache:
    """Looks the rates up every two seconds, so that nobody waits for one.

    The age of a rate counts from the moment its look-up began.
    """

    def __init__(self, provider: ProviderClient) -> None:
        self._provider = provider
        self._rates: dict[str, tuple[float, Rate]] = {}
        self._updated = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look rates up."""
        for number, currency in enumerate(c for c in Currency if c is not Currency.EUR):
            # The first ones are repeated soon, and later ones do not come all at once.
            self._spawn(self._keep_fresh(currency.value, first_tick_sec=0.3 + 0.1 * number))

    def stop(self) -> None:
        """Stop looking rates up."""
        for task in self._tasks:
            task.cancel()

    def current(self, currency: str) -> Rate:
        """What one minor unit of `currency` is worth in EUR cents.

        Raises:
            UnknownCurrency: We do not take it.
            RateUnavailable: The provider has not told us for too long.
        """
        if currency not in Currency.__members__:
            raise UnknownCurrency(f"no rate for {currency}")
        if currency == Currency.EUR:
            return Rate(currency=currency, value=Decimal(1), as_of=utc_now())
        since, rate = self._rates.get(currency, _NEVER)
        if rate is None or time.monotonic() - since > MAX_AGE_SEC:
            raise RateUnavailable(f"no rate for {currency} at the moment")
        return rate

    async def get(self, currency: str, *, wait_sec: float) -> Rate:
        """The same, but wait a bit for a rate if there is none."""
        try:
            async with asyncio.timeout(wait_sec):
                while True:
                    try:
                        return self.current(currency)
                    except RateUnavailable:
                        await self._updated.wait()
        except TimeoutError:
            return self.current(currency)

    async def _keep_fresh(self, currency: str, *, first_tick_sec: float) -> None:
        lookup: asyncio.Task[None] | None = None
        started = float("-inf")
        tick_sec = first_tick_sec
        while True:
            now = time.monotonic()
            since, _ = self._rates.get(currency, _NEVER)
            waiting = lookup is not None and not lookup.done() and now - started < REFRESH_SEC
            if now - since >= REFRESH_SEC and not waiting:
                started = now
                lookup = self._spawn(self._look_up(currency, now))
            await asyncio.sleep(tick_sec)
            tick_sec = TICK_SEC

    async def _look_up(self, currency: str, since: float) -> None:
        try:
            rate = await self._provider.rate(currency)
        except UpstreamError as exc:
            logger.warning("%s", exc)
            return
        known_since, known = self._rates.get(currency, _NEVER)
        if known_since > since:
            return
        if known != rate:
            logger.info("rate %s is %s, published %s", currency, rate.value, rate.as_of)
        self._rates[currency] = (since, rate)
        self._updated.set()
        self._updated = asyncio.Event()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
