"""Hands captured charges to the provider, so that the merchants get their money."""

from __future__ import annotations

import asyncio
import logging

from payments.errors import UpstreamError
from payments.provider import ProviderClient
from payments.store import Store

logger = logging.getLogger(__name__)


class SettlementWorker:
    """Settles the captured payments of our books in batches every few seconds."""

    def __init__(
        self, store: Store, provider: ProviderClient, *, interval_sec: float, batch_size: int
    ) -> None:
        self._store = store
        self._provider = provider
        self._interval_sec = interval_sec
        self._batch_size = batch_size
        self._refused: set[str] = set()
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to settle."""
        self._runner = asyncio.create_task(self._run(), name="settlement")

    def stop(self) -> None:
        """Stop settling."""
        if self._runner is not None:
            self._runner.cancel()

    async def _run(self) -> None:
        wait = self._interval_sec
        while True:
            await asyncio.sleep(wait)
            wait = self._interval_sec
            try:
                seq = 0
                while chunk := self._store.unsettled(after=seq, limit=self._batch_size):
                    seq = chunk[-1][0]
                    await self._settle([c for _, c in chunk if c not in self._refused])
            except UpstreamError as exc:
                logger.error("settlement failed: %s", exc)
                wait = max(wait, exc.retry_after or 0.0)
            except Exception:
                logger.exception("settlement failed")

    async def _settle(self, charge_ids: list[str]) -> None:
        if not charge_ids:
            return
        try:
            batch_id, settled = await self._provider.settle(charge_ids)
        except UpstreamError as exc:
            if not exc.rejected:
                raise
            if len(charge_ids) == 1:
                logger.error("charge %s cannot be settled: %s", charge_ids[0], exc)
                self._refused.update(charge_ids)
                return
            # One charge that they do not want must not keep the others from their money.
            middle = len(charge_ids) // 2
            await self._settle(charge_ids[:middle])
            await self._settle(charge_ids[middle:])
            return
        self._store.mark_settled(settled, batch_id)
        logger.info("settled %d charges in batch %s", len(settled), batch_id)
