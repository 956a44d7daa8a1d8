"""Hands captured charges to the provider, so that the merchants get their money.

What is to be settled is what the books say: captured, and no settlement noted. Nothing is kept
in memory, so nothing is lost. The provider does not pay out a charge twice.
"""

from __future__ import annotations

import logging
import time

from payments.engine import Engine, Job
from payments.errors import Rejected, UpstreamError
from payments.provider import ProviderClient
from payments.store import Store

logger = logging.getLogger(__name__)

CALL_SEC = 5.0


class SettlementJob(Job):
    """Goes through the unsettled charges in batches, again and again."""

    back = True

    def __init__(
        self,
        store: Store,
        provider: ProviderClient,
        engine: Engine,
        *,
        interval_sec: float,
        batch_size: int,
    ) -> None:
        self._store = store
        self._provider = provider
        self._engine = engine
        self._interval_sec = interval_sec
        self._batch_size = batch_size
        self._after = 0
        self._pieces: list[list[str]] = []  # of a batch that was rejected
        self._bad: set[str] = set()

    def step(self) -> float | None:
        if self._engine.stopping:
            return None
        charge_ids = self._pieces.pop() if self._pieces else self._next_batch()
        if not charge_ids:
            return time.monotonic() + self._interval_sec
        try:
            batch_id, settled = self._provider.settle(charge_ids, limit=CALL_SEC)
        except Rejected as exc:
            # Something in there is wrong. Halve until we know what; the rest must not wait for it.
            if len(charge_ids) == 1:
                self._bad.update(charge_ids)
                logger.error("charge %s cannot be settled: %s", charge_ids[0], exc)
            else:
                middle = len(charge_ids) // 2
                self._pieces += [charge_ids[middle:], charge_ids[:middle]]
            return time.monotonic() + 0.2
        except UpstreamError as exc:
            logger.warning("settlement of %d charges has to wait: %s", len(charge_ids), exc)
            self._pieces.append(charge_ids)
            return time.monotonic() + max(self._interval_sec, exc.retry_after or 0.0)
        ours = set(charge_ids).intersection(settled)
        self._store.mark_settled(ours, batch_id)
        logger.info("settled %d of %d charges in batch %s", len(ours), len(charge_ids), batch_id)
        return time.monotonic() + 0.05  # there may be more; an empty batch ends the run

    def _next_batch(self) -> list[str]:
        rows = self._store.unsettled(after=self._after, limit=self._batch_size)
        # Begin from the front again only after the end, so that one that is never listed as
        # settled does not keep the others waiting.
        self._after = rows[-1][0] if rows else 0
        return [charge_id for _, charge_id in rows if charge_id not in self._bad]
