"""Hands captured charges to the provider, so that the merchants get their money."""

from __future__ import annotations

import asyncio
import logging

from payments.errors import UpstreamError
from payments.models import Payment
from payments.provider import ProviderClient
from payments.store import Store

logger = logging.getLogger(__name__)


class SettlementWorker:
    """Collects captured payments and settles them in batches every few seconds."""

    def __init__(
        self, store: Store, provider: ProviderClient, *, interval_sec: float, batch_size: int
    ) -> None:
        self._store = store
        self._provider = provider
        self._interval_sec = interval_sec
        self._batch_size = batch_size
        self._queue: asyncio.Queue[Payment] = asyncio.Queue()
        self._runner: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to settle."""
        self._runner = asyncio.create_task(self._run(), name="settlement")

    def stop(self) -> None:
        """Stop settling."""
        if self._runner is not None:
            self._runner.cancel()
        for batch in self._batches:
            batch.cancel()

    def add(self, payment: Payment) -> None:
        """Put a captured payment into the next batch."""
        self._queue.put_nowait(payment)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_sec)
            waiting = self._take_waiting()
            for start in range(0, len(waiting), self._batch_size):
                chunk = waiting[start : start + self._batch_size]
                task = asyncio.create_task(self._settle(chunk))
                self._batches.add(task)
                task.add_done_callback(self._batches.discard)

    def _take_waiting(self) -> list[Payment]:
        waiting = []
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        return waiting

    async def _settle(self, payments: list[Payment]) -> None:
        charge_ids = [p.provider_charge_id for p in payments if p.provider_charge_id]
        try:
            batch_id, settled = await self._provider.settle(charge_ids)
        except UpstreamError:
            logger.exception("settlement of %d charges failed", len(charge_ids))
            for payment in payments:
                self.add(payment)
            return
        self._store.mark_settled(settled, batch_id)
        logger.info("settled %d charges in batch %s", len(settled), batch_id)
