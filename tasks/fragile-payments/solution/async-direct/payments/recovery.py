"""Finds out what became of calls whose answer we did not get, also those of an earlier process.

Nothing is charged here. A payment whose shop was told to come back is looked up at the
provider: if the money was taken, it is booked, and if not, it is up to the shop. A refund
cannot be looked up, so it is repeated with its key.
"""

from __future__ import annotations

import asyncio
import logging
import time

from payments.errors import PaymentsError, UpstreamError
from payments.models import Claim, RefundClaim
from payments.provider import CALL_TIMEOUT_SEC, MAX_SENDS, Delivery, ProviderClient
from payments.service import PaymentService
from payments.store import REFUND_KEY_SEC, Store

logger = logging.getLogger(__name__)

PAUSE_SEC = 0.5
PAUSE_AFTER_ERROR_SEC = 2.0

LOOK_FOR_SEC = 3600.0
"""For how long we expect that a charge may still turn up."""

AT_A_TIME = 2
"""Calls to the provider; the rest of what it can take is for payments."""


class RecoveryWorker:
    """Works through claims without an outcome."""

    def __init__(self, store: Store, provider: ProviderClient, service: PaymentService) -> None:
        self._store = store
        self._provider = provider
        self._service = service
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what the last process has left."""
        self._runner = asyncio.create_task(self._run(), name="recovery")

    def stop(self) -> None:
        """Stop."""
        if self._runner is not None:
            self._runner.cancel()

    async def _run(self) -> None:
        while True:
            pause = PAUSE_SEC
            try:
                claims = self._store.claims_to_look_for(50)
                claims = [c for c in claims if not self._service.is_under_way(c.key)]
                for start in range(0, len(claims), AT_A_TIME):
                    await asyncio.gather(*map(self._look, claims[start : start + AT_A_TIME]))
                for refund in await self._store.take_open_refunds(AT_A_TIME):
                    await self._repeat(refund)
            except PaymentsError as exc:
                logger.warning("recovery: %s", exc)
                pause = PAUSE_AFTER_ERROR_SEC
            except Exception:
                logger.exception("recovery")
                pause = PAUSE_AFTER_ERROR_SEC
            await asyncio.sleep(pause)

    async def _look(self, claim: Claim) -> None:
        charge_id = await self._provider.find_charge(claim.payment_id, timeout=CALL_TIMEOUT_SEC)
        if charge_id is not None:
            await self._service.book(claim, charge_id)
            return
        age = max(0.0, time.time() - claim.sent_at)
        if age < LOOK_FOR_SEC:
            await self._store.reschedule(claim, time.time() + max(1.0, age))
        else:
            logger.warning("payment %s was not charged", claim.payment_id)
            await self._store.reschedule(claim, None)

    async def _repeat(self, claim: RefundClaim) -> None:
        until = asyncio.get_running_loop().time() + 1
        try:
            provider_refund_id = await self._provider.refund(
                charge_id=claim.charge_id,
                amount=claim.amount,
                reference=claim.id,
                delivery=Delivery(until, max_sends=1),
            )
        except UpstreamError as exc:
            if exc.rejected:
                logger.warning("refund %s was not carried out", claim.id)
                await self._store.drop_refund(claim.id)
                return
            wait = 5.0 * 4**claim.sends
            if claim.sends < MAX_SENDS and claim.age_sec + wait < REFUND_KEY_SEC:
                await self._store.leave_refund_open(claim, time.time() + wait)
                raise
            logger.error("refund %s of %s: ask the provider", claim.id, claim.payment_id)
            await self._store.leave_refund_open(claim, None)
        else:
            await self._store.finish_refund(claim, provider_refund_id)
            logger.info("refund %s of payment %s", claim.id, claim.payment_id)
