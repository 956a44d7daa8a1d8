"""Hands captured charges to the provider, so that the merchants get their money."""

from __future__ import annotations

import asyncio
import logging
import time

from payments.errors import UpstreamError
from payments.provider import ProviderClient
from payments.store import Store

logger = logging.getLogger(__name__)

REFUSED_AGAIN_SEC = 3600.0
LEFT_OUT_AGAIN_SEC = 60.0


class SettlementWorker:
    """Settles in batches, every few seconds, what is captured and not settled in the books.

    Settling a charge twice does nothing, so what has no clear answer waits for the next run.
    """

    def __init__(
        self, store: Store, provider: ProviderClient, *, interval_sec: float, batch_size: int
    ) -> None:
        self._store = store
        self._provider = provider
        self._interval_sec = interval_sec
        self._batch_size = batch_size
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to settle."""
        self._runner = asyncio.create_task(self._run(), name="settlement")

    def stop(self) -> None:
        """Stop settling."""
        if self._runner is not None:
            self._runner.cancel()

    async def _run(self) -> None:
        while True:
            try:
                while charge_ids := self._store.unsettled(self._batch_size):
                    await self._settle(charge_ids)
                    if len(charge_ids) < self._batch_size:
                        break
            except UpstreamError as exc:
                logger.warning("settlement: %s", exc)
            except Exception:
                logger.exception("settlement")
            await asyncio.sleep(self._interval_sec)

    async def _settle(self, charge_ids: list[str]) -> None:
        try:
            batch_id, settled = await self._provider.settle(charge_ids)
        except UpstreamError as exc:
            if exc.upstream_status not in (400, 404, 422):
                raise
            if len(charge_ids) > 1:
                # One of them is at fault, and the others must not wait for it.
                middle = len(charge_ids) // 2
                await self._settle(charge_ids[:middle])
                await self._settle(charge_ids[middle:])
                return
            logger.error("charge %s is not settled: %s", charge_ids[0], exc)
            await self._store.park_settlement(charge_ids, time.time() + REFUSED_AGAIN_SEC)
            return
        await self._store.mark_settled(settled, batch_id)
        logger.info("settled %d charges in batch %s", len(settled), batch_id)
        left_out = sorted(set(charge_ids) - set(settled))
        if left_out:
            logger.error("batch %s is without %s", batch_id, " ".join(left_out))
            await self._store.park_settlement(left_out, time.time() + LEFT_OUT_AGAIN_SEC)
