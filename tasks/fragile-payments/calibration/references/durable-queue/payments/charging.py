"""Charges cards: a bounded queue of accepted payments and the threads that work on it.

A payment is a row in the database before anything is sent, and a `Job` in here until it has
its outcome. `_step` takes a job one call further; a job that has to wait goes back into the
queue, so it keeps no worker busy. What one call cannot tell (timeout, reset) makes the job
`unsure`: from then on it is repeated with the provider's Idempotency-Key or looked up, and
if it has no outcome in time it fails *in doubt*, which `background.Doubts` clears up.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import sqlite3
import statistics
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass

from payments.config import Settings
from payments.errors import InDoubt, NotDone, Rejected, UpstreamError
from payments.models import Payment, PaymentRequest, PaymentStatus, Rate
from payments.provider import ProviderClient
from payments.rates import Rates
from payments.store import Store

logger = logging.getLogger(__name__)

MAX_SENDS = 5
BACKOFF_SEC = (0.1, 0.4, 1.5, 4.0, 4.0)
LOOKUP_TIMEOUT_SEC = 2.5
MIN_CALL_SEC = 0.3
"""With less than this until the deadline, nothing is sent any more."""
SWEEP_MARGIN_SEC = 0.7
"""A job that still has no outcome this long after its deadline is failed from outside."""
RESUME_SEC = 9.0
"""Least time that a payment gets after a restart ..."""
RESUME_MAX_AGE_SEC = 120.0
"""... unless it is older than this: then it is only looked up, for nobody waits for it."""
IDLE_CALL_SEC = 0.2


@dataclass(eq=False)
class Job:
    """A payment without an outcome. Only the thread that took it from the queue changes it."""

    payment: Payment
    card_token: str
    deadline: float
    sends: int = 0
    unsure: bool = False
    """The provider may have charged."""
    look_up: bool = False
    """Ask for the charge before sending again."""
    may_send: bool = True
    rate: Rate | None = None
    """What was fresh when it was sent."""
    absent: bool = False
    """The provider could not be reached the last time."""
    running_since: float | None = None
    told: bool = False
    """A shop has been told that we see to it (guarded by the lock)."""
    gone: bool = False
    """Given up without a trace (guarded by the lock)."""


class Charging:
    """Accepts payments and sees to it that each has its outcome in time."""

    def __init__(
        self, store: Store, provider: ProviderClient, rates: Rates, settings: Settings
    ) -> None:
        self._store = store
        self._provider = provider
        self._rates = rates
        self._settings = settings
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Job]] = []
        self._count = itertools.count()
        self._jobs: dict[str, Job] = {}
        self._waiting: dict[str, list[Future[None]]] = {}
        self._reserved = 0
        self._call_sec = IDLE_CALL_SEC
        self._stopping = False
        self._stopped = False

    # -- lifetime ----------------------------------------------------------------

    def start(self) -> None:
        """Resume what was under way and begin to work."""
        now, now_mono = time.time(), time.monotonic()
        for work in self._store.unfinished():
            age = max(0.0, now - work.accepted)
            young = age < RESUME_MAX_AGE_SEC
            left = self._settings.payment_deadline_sec - age
            job = Job(
                work.payment,
                work.card_token,
                now_mono + (max(left, RESUME_SEC) if young else RESUME_SEC),
                sends=work.sends,
                unsure=True,
                look_up=True,
                may_send=young,
                told=True,
            )
            logger.info("payment %s is resumed", work.payment.id)
            self._put(job)
        for n in range(self._settings.workers):
            threading.Thread(target=self._work, name=f"charge-{n}", daemon=True).start()
        threading.Thread(target=self._sweep, name="sweep", daemon=True).start()

    def stop(self) -> None:
        """Take no more payments, finish those under way if possible, and stop."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(
                lambda: not self._jobs and not self._reserved, self._settings.drain_sec
            )
            self._stopped = True
            self._changed.notify_all()
            left = len(self._jobs)
        if left:
            logger.warning("%d payments are left for the next start", left)

    # -- for the API -------------------------------------------------------------

    def take(self, key: str, request: PaymentRequest) -> Payment | None:
        """Take a payment on, or find the earlier one with this key.

        None if it would have to wait too long; nothing has happened then.
        """
        earlier = self._store.find_payment(key)
        if earlier is not None:
            return earlier
        if not self._reserve():
            return None
        accepted = time.monotonic()
        claim = self._store.claim(key, request)

        def put(claim: Future[tuple[Payment, bool]]) -> None:
            # In the writer's thread, right after the commit, even if nobody waits any more.
            with self._changed:
                self._reserved -= 1
                if claim.exception() is None and claim.result()[1]:
                    deadline = accepted + self._settings.payment_deadline_sec
                    self._put(Job(claim.result()[0], request.card_token, deadline))

        claim.add_done_callback(put)
        try:
            return claim.result(timeout=1.5)[0]
        except TimeoutError:
            raise sqlite3.OperationalError("the disk is too slow") from None

    def outcome_of(self, payment_id: str) -> Future[None]:
        """Done when the payment has left the queue; look before you wait, it may have done so."""
        future: Future[None] = Future()
        with self._changed:
            self._waiting.setdefault(payment_id, []).append(future)
        return future

    def no_longer_wait(self, payment_id: str, future: Future[None]) -> None:
        """Undo `outcome_of`."""
        with self._changed:
            futures = self._waiting.get(payment_id, [])
            if future in futures:
                futures.remove(future)
            if not futures:
                self._waiting.pop(payment_id, None)

    def promise(self, payment_id: str) -> bool:
        """Whether the shop may be told that we see to the payment, which we then have to.

        A payment that has only met a provider that is not there is given up instead.
        """
        with self._changed:
            job = self._jobs.get(payment_id)
            if job is None or job.told:
                return True
            idle = job.running_since is None
            if not job.gone and not (idle and job.absent and not job.unsure):
                job.told = True
                return True
            job.gone = True
        if idle:
            self._give_up(job)
        return False

    def is_ready(self) -> bool:
        """Whether payments are accepted at all."""
        return not self._stopping

    def _reserve(self) -> bool:
        with self._changed:
            if self._stopping:
                return False
            now = time.monotonic()
            running = [now - job.running_since for job in self._jobs.values() if job.running_since]
            workers = self._settings.workers
            ahead = len(self._queue) + self._reserved - (workers - len(running))
            if ahead >= 0:
                # The median, so that one call that hangs does not make us refuse everybody.
                call_sec = max(self._call_sec, statistics.median(running or [0.0]))
                if (ahead + 1) * call_sec / workers > self._settings.max_queue_sec:
                    return False
            self._reserved += 1
            return True

    # -- the workers -------------------------------------------------------------

    def _put(self, job: Job, delay: float = 0.0) -> None:
        with self._changed:
            job.running_since = None
            self._jobs[job.payment.id] = job
            due = time.monotonic() + delay
            heapq.heappush(self._queue, (due, next(self._count), job))
            self._changed.notify()

    def _take(self) -> Job | None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._queue and self._queue[0][0] <= now:
                    job = heapq.heappop(self._queue)[2]
                    if job.gone or job.payment.id not in self._jobs:
                        continue
                    job.running_since = now
                    return job
                self._changed.wait(self._queue[0][0] - now if self._queue else None)
        return None

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                delay = self._step(job)
            except Exception as exc:
                # The books could not be written, or a bug. The charge may be there.
                logger.error("payment %s: %r", job.payment.id, exc)
                job.unsure = job.look_up = True
                delay = 0.5
            if delay is not None:
                self._put(job, delay)

    def _step(self, job: Job) -> float | None:
        """Make one call; None if the job has its outcome, else seconds until the next step."""
        payment = job.payment
        left = job.deadline - time.monotonic()
        if left < MIN_CALL_SEC:
            return self._fail(job)

        if job.look_up:
            try:
                charges = self._provider.charges(
                    payment.id, timeout=min(LOOKUP_TIMEOUT_SEC, left)
                )
            except UpstreamError as exc:
                logger.warning("payment %s: %s", payment.id, exc)
                # Sending it again with its Idempotency-Key tells just as well.
                job.look_up = not job.may_send or job.sends >= MAX_SENDS
                return max(0.5, getattr(exc, "retry_after", 0.0))
            if charges:
                return self._capture(job, charges[0][0])
            job.look_up = False
        if not job.may_send:
            return self._fail(job)
        if job.sends >= MAX_SENDS:
            job.look_up = True
            return 1.0

        rate = self._rates.fresh(payment.currency)
        if rate is None:
            return 0.2  # nothing is sent without a rate to book it with
        job.rate = rate
        job.sends += 1
        if job.sends > 1:
            self._store.count_send(payment.id, job.sends)
        started = time.monotonic()
        try:
            charge_id = self._provider.charge(
                reference=payment.id,
                amount=payment.amount,
                currency=payment.currency,
                card_token=job.card_token,
                timeout=min(self._settings.charge_timeout_sec, left),
            )
        except Rejected as exc:
            logger.error("payment %s: %s", payment.id, exc)
            return self._finish(job, PaymentStatus.FAILED)
        except NotDone as exc:
            logger.warning("payment %s: %s", payment.id, exc)
            job.absent = not exc.sent
            if not exc.sent:
                job.sends -= 1
                return 0.3
            delay = max(exc.retry_after, BACKOFF_SEC[job.sends - 1])
            hopeless = job.sends >= MAX_SENDS or delay > left - MIN_CALL_SEC
            return self._fail(job) if hopeless and not job.unsure else delay
        except InDoubt as exc:
            logger.warning("payment %s: %s", payment.id, exc)
            job.unsure = True
            job.look_up = exc.timed_out
            return 0.05 if job.sends == 1 else BACKOFF_SEC[job.sends - 1]
        finally:
            self._learn(time.monotonic() - started)

        job.absent = False
        if charge_id is None:
            return self._finish(job, PaymentStatus.DECLINED)
        return self._capture(job, charge_id)

    def _learn(self, call_sec: float) -> None:
        with self._changed:
            self._call_sec += 0.25 * (min(max(call_sec, 0.1), 3.0) - self._call_sec)

    # -- outcomes ----------------------------------------------------------------

    def _capture(self, job: Job, charge_id: str) -> float | None:
        if self._rate(job) is None:
            job.unsure = job.look_up = True  # nothing to book it with; look again
            return 0.2
        return self._finish(job, PaymentStatus.CAPTURED, charge_id)

    def _rate(self, job: Job) -> Rate | None:
        return self._rates.fresh(job.payment.currency) or job.rate

    def _fail(self, job: Job) -> None:
        with self._changed:
            job.gone = job.gone or not (job.told or job.unsure)
        if job.gone:
            self._give_up(job)
        else:
            self._finish(job, PaymentStatus.FAILED)

    def _finish(self, job: Job, status: PaymentStatus, charge_id: str | None = None) -> None:
        captured = status is PaymentStatus.CAPTURED
        failed = status is PaymentStatus.FAILED
        booked = self._store.finish(
            job.payment.id,
            status,
            charge_id=charge_id,
            rate=None if failed else self._rate(job),
            doubt=job.unsure and not captured,
        )
        if booked:
            doubt = " in doubt" if job.unsure and failed else ""
            logger.info(
                "payment %s of %s is %s%s", job.payment.id, job.payment.merchant_id, status, doubt
            )
        self._leave(job)

    def _give_up(self, job: Job) -> None:
        """Nothing was charged and nobody has heard of it: the shop may come back with the key."""
        self._store.forget(job.payment.id)
        logger.info("payment %s of %s was not taken on", job.payment.id, job.payment.merchant_id)
        self._leave(job)

    def _leave(self, job: Job) -> None:
        with self._changed:
            self._jobs.pop(job.payment.id, None)
            futures = self._waiting.pop(job.payment.id, [])
            self._changed.notify_all()
        for future in futures:
            future.set_result(None)

    def _sweep(self) -> None:
        """Fail what is late, be it in the queue or in a call that does not come back."""
        while not self._stopped:
            time.sleep(0.25)
            late = time.monotonic() - SWEEP_MARGIN_SEC
            with self._changed:
                jobs = [job for job in self._jobs.values() if job.deadline < late]
                for job in jobs:
                    job.told = True
                    job.unsure = job.unsure or job.running_since is not None
            for job in jobs:
                try:
                    self._finish(job, PaymentStatus.FAILED)
                except Exception as exc:
                    logger.error("payment %s: %r", job.payment.id, exc)
