"""Exchange rates to EUR: never older than a few seconds, and rarely looked up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from payments.capacity import Gate
from payments.errors import NotNow, TurnedDown, UnknownCurrency
from payments.models import Currency, Rate, utc_now
from payments.provider import End, ProviderClient

logger = logging.getLogger(__name__)

BASE_CURRENCY = "EUR"

REFRESH_AFTER_SEC = 1.5
MAX_AGE_SEC = 4.0
"""Promised are 5 s; the rest is for the way of a charge to the provider."""

LOOKUPS_PER_SEC = 0.9
LOOKUP_BURST = 2.0
LOOKUP_TIMEOUT_SEC = 1.2


@dataclass
class _Entry:
    rate: Rate | None = None
    asked_at: float = -1e9
    """When we asked for `rate`: it cannot have been replaced before that."""
    tokens: float = LOOKUP_BURST
    counted_at: float = 0.0
    not_before: float = 0.0
    turned_down: int | None = None
    """The status with which the provider refused to quote it, if it did."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Rates:
    """Asks the provider when somebody needs a rate; in the background while it is still fresh."""

    def __init__(self, provider: ProviderClient, gate: Gate, on_news: Callable[[], None]) -> None:
        self._provider = provider
        self._gate = gate
        self._on_news = on_news
        self._entries = {c.value: _Entry() for c in Currency if c.value != BASE_CURRENCY}

    async def get(self, currency: str, *, wait: float) -> Rate:
        """What one minor unit of `currency` is worth in EUR cents, waiting for it if need be.

        Raises:
            UnknownCurrency: Neither we nor the provider trade it.
            TurnedDown: The provider does not want to tell us.
            NotNow: It could not be found out in time.
        """
        rate = self.fresh(currency)
        if rate is not None:
            return rate
        entry = self._entries[currency]
        if entry.task is not None:
            await asyncio.wait([entry.task], timeout=wait)
        rate = self.fresh(currency)
        if rate is not None:
            return rate
        if entry.turned_down == 404:
            raise UnknownCurrency(f"no rate for {currency}")
        if entry.turned_down is not None:
            raise TurnedDown(f"the provider does not quote {currency}")
        raise NotNow(f"no rate for {currency} now")

    def fresh(self, currency: str) -> Rate | None:
        """The rate if it is at hand; sees to it that it is, a moment later."""
        if currency == BASE_CURRENCY:
            return Rate(BASE_CURRENCY, Decimal(1), utc_now())
        entry = self._entries.get(currency)
        if entry is None:
            raise UnknownCurrency(f"no rate for {currency}")
        age = time.monotonic() - entry.asked_at
        if age > REFRESH_AFTER_SEC and entry.task is None:
            entry.task = asyncio.create_task(self._refresh(currency, entry))
        return entry.rate if age <= MAX_AGE_SEC else None

    def at_hand(self, currency: str) -> Rate | None:
        """The rate if it is at hand, without asking for it."""
        entry = self._entries.get(currency)
        if entry is None:
            return self.fresh(currency)
        return entry.rate if time.monotonic() - entry.asked_at <= MAX_AGE_SEC else None

    def stop(self) -> None:
        """Ask no more."""
        for entry in self._entries.values():
            if entry.task is not None:
                entry.task.cancel()

    async def _refresh(self, currency: str, entry: _Entry) -> None:
        """Try until there is a rate, for as long as somebody may be waiting for it."""
        give_up_at = time.monotonic() + 3.0
        try:
            while (now := time.monotonic()) < give_up_at:
                pause = max(entry.not_before - now, self._until_allowed(entry, now))
                if now + pause >= give_up_at:
                    await asyncio.sleep(min(pause, 0.2))
                    return
                if pause > 0:
                    await asyncio.sleep(pause)
                    continue
                entry.tokens -= 1
                if await self._look_up(currency, entry):
                    return
        finally:
            entry.task = None

    async def _look_up(self, currency: str, entry: _Entry) -> bool:
        await self._gate.acquire(urgent=True)
        asked_at = time.monotonic()
        try:
            result = await self._provider.rate(currency, timeout=LOOKUP_TIMEOUT_SEC)
        finally:
            self._gate.release()
        now = time.monotonic()
        entry.turned_down = None
        if result.end is End.DONE:
            known = entry.rate
            entry.rate, entry.asked_at = result.value, asked_at
            if known is None or known.value != result.value.value:
                logger.info("rate %s is %s", currency, result.value.value)
            self._on_news()
            return True
        logger.warning("rate %s: %s %s", currency, result.end, result.note)
        entry.not_before = now + (result.retry_after or 0.15)
        if result.end is End.WRONG:
            entry.turned_down = result.status
            entry.not_before = now + 5.0
            return True
        return False

    @staticmethod
    def _until_allowed(entry: _Entry, now: float) -> float:
        """Seconds until the plan allows another look-up."""
        entry.tokens = min(LOOKUP_BURST, entry.tokens + (now - entry.counted_at) * LOOKUPS_PER_SEC)
        entry.counted_at = now
        return max(0.0, (1 - entry.tokens) / LOOKUPS_PER_SEC)
