"""Carries out what is in the outbox.

Each lane claims due jobs, makes the calls, and books the result and the work that follows.
There is no other way in which anything happens here: after a crash the lanes find in the
outbox what the process before has left.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from payments import store
from payments.capacity import Admission, Gate
from payments.config import Settings
from payments.db import Database
from payments.mailer import MailerClient
from payments.models import Currency, Payment
from payments.provider import End, ProviderClient, Result
from payments.rates import Rates
from payments.receipts import receipt
from payments.steps import FORGOTTEN_SEC
from payments.store import Job
from payments.upstream import NoAnswer, NotSent
from payments.waiting import Waiting

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAIL_AT_A_TIME = 4
MAIL_LEASE_SEC = 360.0
BACK_LEASE_SEC = 60.0
SLOW_CALL_SEC = 10.0
"""How long we wait for answers that nobody else waits for."""
SHORTEST_CALL_SEC = 1.6
LONGEST_CALL_SEC = 5.0
"""How long we wait for an answer about a payment; in between, by what is usual at present."""


class Dispatcher:
    """The lanes, and what they share."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        provider: ProviderClient,
        mailer: MailerClient,
        rates: Rates,
        gate: Gate,
        admission: Admission,
        waiting: Waiting,
    ) -> None:
        self._settings = settings
        self._db = db
        self._provider = provider
        self._mailer = mailer
        self._rates = rates
        self._gate = gate
        self._admission = admission
        self._waiting = waiting
        self._signals = {lane: asyncio.Event() for lane in ("front", "settle", "mail", "back")}
        self._lanes: list[asyncio.Task[None]] = []
        self._work: set[asyncio.Task[None]] = set()
        self._draining = False
        self._leaving = asyncio.Event()
        self._mailer_away = False

    def start(self) -> None:
        """Begin with what is due."""
        for lane in (self._front, self._settle, self._mail, self._back, self._sweep):
            self._lanes.append(asyncio.create_task(self._forever(lane), name=lane.__name__))

    def wake(self, *lanes: str) -> None:
        """Say that there is something new in the outbox."""
        for lane in lanes:
            self._signals[lane].set()

    async def drain(self, until: float) -> None:
        """Finish what can be finished by then (`time.monotonic()`), and stop."""
        self._draining = True
        self.wake(*self._signals)
        while time.monotonic() < until - 0.3:
            try:
                if not await self._db.read(store.unfinished, mail=not self._mailer_away):
                    break
            except sqlite3.Error as exc:
                logger.error("cannot see what is left: %s", exc)
            await asyncio.sleep(0.05)
        self._leaving.set()
        self.wake("mail")
        # What is on its way to the mailer would be in doubt for ever if we left now.
        mail = [lane for lane in self._lanes if lane.get_name() == self._mail.__name__]
        await asyncio.wait(mail, timeout=max(until - time.monotonic(), 0.0))
        tasks = [*self._lanes, *self._work]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _forever(self, lane: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not self._leaving.is_set():
            try:
                await lane()
            except Exception:
                logger.exception("%s stumbled", lane.__name__)
            await asyncio.sleep(0.3)

    async def _wait(self, lane: str, next_due: float | None, at_most: float = 1.0) -> None:
        """Until there may be something to do in a lane."""
        signal = self._signals[lane]
        pause = at_most if next_due is None else min(max(next_due - time.time(), 0.005), at_most)
        try:
            async with asyncio.timeout(pause):
                await signal.wait()
        except TimeoutError:
            pass
        signal.clear()

    async def _wait_to_leave(self, at_most: float) -> None:
        """A pause that ends when we leave."""
        try:
            async with asyncio.timeout(at_most):
                await self._leaving.wait()
        except TimeoutError:
            pass

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _book(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write down a result; it is too precious to be lost to a busy or full disk."""
        for _ in range(60):
            try:
                return await write()
            except sqlite3.Error as exc:
                logger.error("a result could not be booked, trying again: %s", exc)
                await asyncio.sleep(0.25)
        return await write()

    # -- charges, look-ups and refunds: somebody is waiting --------------------------

    async def _front(self) -> None:
        while True:
            await self._gate.acquire()
            slots = 1
            try:
                while self._gate.try_acquire():
                    slots += 1
                rates = {
                    currency.value: format(rate.value, "f")
                    for currency in Currency
                    if (rate := self._rates.at_hand(currency.value)) is not None
                }
                claimed = await self._db.write(
                    store.claim_front, slots, time.time(), rates, self._settings.outcome_sec
                )
                for job in claimed.jobs:
                    slots -= 1
                    self._spawn(self._carry_out(job))
            finally:
                for _ in range(slots):
                    self._gate.release()
            for currency in claimed.no_rate:
                self._rates.fresh(currency)  # they wake us when it is there
            if slots:
                if claimed.no_rate:
                    await self._wait("front", None, 0.1)
                else:
                    await self._wait("front", claimed.next_due)

    async def _carry_out(self, job: Job) -> None:
        began = time.monotonic()
        try:
            result = await self._call(job)
        finally:
            self._gate.release()
        self._admission.observe(
            time.monotonic() - began,
            healthy=result.healthy,
            timed_out=result.end is End.TIMED_OUT,
        )
        if not result.healthy:
            logger.warning("%s of %s: %s, %s", job.kind, job.payment_id, result.end, result.note)
        if job.kind == "refund":
            await self._refund_ended(job, result)
        else:
            payment = await self._book(
                lambda: self._db.write(
                    store.charge_ended, job, result, time.time(), self._settings.outcome_sec
                )
            )
            if payment is not None:
                self.decided(payment)
        self.wake("front")

    async def _call(self, job: Job) -> Result:
        timeout = min(max(5 * self._admission.latency, SHORTEST_CALL_SEC), LONGEST_CALL_SEC)
        if job.due_by is not None:
            timeout = max(min(timeout, job.due_by - time.time()), 0.2)
        if job.kind == "refund":
            assert job.charge_id is not None
            return await self._provider.refund(
                charge_id=job.charge_id, amount=job.amount, reference=job.ref, timeout=timeout
            )
        if job.kind == "lookup":
            return await self._provider.find_charges(
                reference=job.payment_id,
                amount=job.amount,
                currency=job.currency,
                timeout=timeout,
            )
        assert job.card_token is not None
        return await self._provider.charge(
            reference=job.payment_id,
            amount=job.amount,
            currency=job.currency,
            card_token=job.card_token,
            timeout=timeout,
        )

    async def _refund_ended(self, job: Job, result: Result) -> None:
        end = await self._book(
            lambda: self._db.write(
                store.refund_ended,
                job,
                result,
                time.time(),
                told=self._waiting.somebody(job.ref),
            )
        )
        if end is not None:
            logger.info("refund %s of payment %s: %s", job.ref, job.payment_id, result.end)
            self._admission.leave(job.ref)
            self._waiting.tell(job.ref, end)

    def decided(self, payment: Payment) -> None:
        """A payment has its outcome: tell those who wait for it."""
        logger.info(
            "payment %s of %r is %s%s",
            payment.id,
            payment.merchant_id,
            payment.status,
            f" ({payment.reason})" if payment.reason else "",
        )
        self._admission.leave(payment.id)
        self._waiting.tell(payment.id, payment)
        self.wake("mail", "back")

    async def _sweep(self) -> None:
        """End what is overdue, and say how many were turned away."""
        while True:
            await asyncio.sleep(0.5)
            for payment in await self._db.write(
                store.expire, time.time(), self._settings.outcome_sec
            ):
                self.decided(payment)
            if self._admission.turned_away:
                logger.warning(
                    "turned %d requests away, %.0f may be under way",
                    self._admission.turned_away,
                    self._admission.limit,
                )
                self._admission.turned_away = 0

    # -- settlement ------------------------------------------------------------------

    async def _settle(self) -> None:
        """Every few seconds, so that a batch is worth its call."""
        size = self._settings.settlement_batch_size
        while True:
            claimed = await self._db.write(
                store.claim, ("settle",), size, time.time(), BACK_LEASE_SEC
            )
            if claimed.jobs:
                await self._settle_batch(claimed.jobs)
            if len(claimed.jobs) < size:
                if not self._draining:
                    await self._wait("settle", None, self._settings.settlement_interval_sec)
                else:
                    await asyncio.sleep(0.1)

    async def _settle_batch(self, jobs: list[Job]) -> None:
        await self._gate.acquire()
        try:
            result = await self._provider.settle(
                [job.charge_id or "" for job in jobs], timeout=SLOW_CALL_SEC
            )
        finally:
            self._gate.release()
        if result.end is End.DONE:
            batch_id, charge_ids = result.value
            rest = await self._book(
                lambda: self._db.write(store.settled, jobs, charge_ids, batch_id)
            )
            logger.info("settled %d charges in batch %s", len(jobs) - len(rest), batch_id)
            if rest:
                logger.error("%d charges of batch %s were not settled", len(rest), batch_id)
                await self._postpone(rest, 5.0, "not listed")
        elif result.end is End.WRONG and len(jobs) > 1:
            # One of them is the matter; the others must not wait for it.
            half = len(jobs) // 2
            await self._settle_batch(jobs[:half])
            await self._settle_batch(jobs[half:])
        elif result.end is End.WRONG:
            logger.error("payment %s cannot be settled: %s", jobs[0].payment_id, result.note)
            await self._postpone(jobs, 3600.0, result.note)
        else:
            logger.warning("settlement of %d: %s, %s", len(jobs), result.end, result.note)
            await self._postpone(jobs, result.retry_after, result.note)

    async def _postpone(self, jobs: list[Job], at_least: float, note: str) -> None:
        pause = max(at_least, min(0.5 * 2 ** min(jobs[0].tries, 6), 30.0))
        await self._book(lambda: self._db.write(store.postpone, jobs, time.time() + pause, note))

    # -- receipts --------------------------------------------------------------------

    async def _mail(self) -> None:
        """A few at a time; one at a time, with pauses, while the mailer is away."""
        sending: set[asyncio.Task[None]] = set()
        pause = 0.0
        while not self._leaving.is_set():
            free = (1 if self._mailer_away else MAIL_AT_A_TIME) - len(sending)
            claimed = await self._db.write(
                store.claim, ("receipt",), max(free, 0), time.time(), MAIL_LEASE_SEC
            )
            sending |= {self._spawn(self._send_receipt(job)) for job in claimed.jobs}
            if not sending:
                await self._wait("mail", claimed.next_due)
                continue
            _, sending = await asyncio.wait(
                sending, timeout=0.2, return_when=asyncio.FIRST_COMPLETED
            )
            if self._mailer_away:
                pause = min(max(0.5, pause * 2), 5.0)
                await self._wait_to_leave(pause)
            else:
                pause = 0.0
        await asyncio.gather(*sending)

    async def _send_receipt(self, job: Job) -> None:
        payment = await self._db.read(store.get_payment, job.payment_id)
        assert payment is not None
        note = ""
        try:
            answer = await self._mailer.send(**receipt(payment))
        except NotSent as exc:
            self._mailer_away, note = True, str(exc)
        except NoAnswer as exc:
            # They may have it, and they do not look for duplicates: not again.
            self._mailer_away, note = True, str(exc)
            logger.error("receipt for %s may not have been sent: %s", payment.id, note)
            await self._book(lambda: self._db.write(store.park, job, note))
            return
        else:
            if self._mailer.accepted(answer):
                self._mailer_away = False
                await self._book(lambda: self._db.write(store.receipt_sent, job))
                return
            # A 4xx is about this message, anything else about the mailer.
            self._mailer_away = not 400 <= answer.status < 429
            note = f"answer {answer.status}"
        logger.warning("receipt for %s was not sent: %s", payment.id, note)
        await self._postpone([job], 0.0, note)

    # -- charges that nobody knows of ------------------------------------------------

    async def _back(self) -> None:
        while True:
            claimed = await self._db.write(
                store.claim, ("reconcile", "reverse"), 1, time.time(), BACK_LEASE_SEC
            )
            for job in claimed.jobs:
                await self._gate.acquire()
                try:
                    if job.kind == "reconcile":
                        result = await self._provider.find_charges(
                            reference=job.payment_id,
                            amount=job.amount,
                            currency=job.currency,
                            timeout=LONGEST_CALL_SEC,
                        )
                    else:
                        assert job.charge_id is not None
                        result = await self._provider.refund(
                            charge_id=job.charge_id,
                            amount=job.amount,
                            reference=f"rev_{job.charge_id}"[:64],
                            timeout=LONGEST_CALL_SEC,
                        )
                finally:
                    self._gate.release()
                await self._back_ended(job, result)
            if not claimed.jobs:
                await self._wait("back", claimed.next_due)

    async def _back_ended(self, job: Job, result: Result) -> None:
        if result.end is not End.DONE:
            logger.warning("%s of %s: %s, %s", job.kind, job.payment_id, result.end, result.note)
            if job.kind == "reverse" and (result.end is End.WRONG or job.sends >= store.MAX_SENDS):
                logger.error(
                    "charge %s of failed payment %s has to be given back by hand",
                    job.charge_id,
                    job.payment_id,
                )
                await self._book(lambda: self._db.write(store.park, job, result.note))
            else:
                await self._postpone([job], result.retry_after, result.note)
        elif job.kind == "reverse":
            logger.warning("charge %s of payment %s given back", job.charge_id, job.payment_id)
            await self._book(lambda: self._db.write(store.done, job))
        else:
            found = result.value
            last = time.time() > job.created + FORGOTTEN_SEC
            await self._book(
                lambda: self._db.write(store.reconciled, job, found, time.time(), last=last)
            )
            if not found and not last:
                await self._postpone([job], 2.0, "no charge so far")
