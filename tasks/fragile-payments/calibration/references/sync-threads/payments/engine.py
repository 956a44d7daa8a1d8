"""The threads that talk to Clearhaven, and what waits for them.

Clearhaven serves 10 of our calls at a time, of any kind, so there are 10 threads and nobody else
calls it. Work comes as jobs. A job's `step` makes at most one call and says when the next step is
due; between two steps it occupies no thread. Work that somebody is waiting for (`front`) is taken
in the order in which it is due. Work that nobody waits for (`back`) never has more than
`back_threads` at once, so that calls left over from a bad minute do not keep new payments out.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time

logger = logging.getLogger(__name__)

MAX_WAITING = 45
"""Front jobs that wait for a thread or for their next attempt. Each has an HTTP thread waiting."""

_Line = list[tuple[float, int, "Job"]]


class Job:
    """Something to be done at the provider, step by step."""

    urgent = False
    """Whether others wait for it; goes before everything else."""

    back = False
    """Whether nobody waits for it."""

    finish_first = False
    """Whether a stop waits for it to be done."""

    def step(self) -> float | None:
        """Do the next bit; returns when to be called again (monotonic), None if all is done."""
        raise NotImplementedError


class Health:
    """Whether the provider seems to be there at all."""

    def __init__(self, *, failures: int = 8, silence_sec: float = 1.5) -> None:
        self._failures = failures
        self._silence_sec = silence_sec
        self._lock = threading.Lock()
        self._failed = 0
        self._last_ok = time.monotonic()
        self._next_try = 0.0

    def heard(self, ok: bool) -> None:
        """A call was answered in a useful way, or not."""
        with self._lock:
            self._failed = 0 if ok else self._failed + 1
            if ok:
                self._last_ok = time.monotonic()

    @property
    def down(self) -> bool:
        """Many calls in a row failed, and none succeeded for a while."""
        silent = time.monotonic() - self._last_ok
        return self._failed >= self._failures and silent > self._silence_sec

    def may_try(self) -> bool:
        """Whether to begin something new: while it is down, one a second finds out."""
        if not self.down:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._next_try:
                return False
            self._next_try = now + 1.0
            return True


class Engine:
    """Runs jobs on a fixed number of threads."""

    def __init__(self, *, threads: int = 10, back_threads: int = 6) -> None:
        self._cond = threading.Condition(threading.RLock())
        self._urgent: _Line = []
        self._front: _Line = []
        self._back: _Line = []
        self._count = itertools.count()
        self._n_threads = threads
        self._n_back = back_threads
        self._running: set[Job] = set()
        self._busy_back = 0
        self._step_sec = 0.2  # moving average of front steps
        self._last_end = time.monotonic()
        self._stopping = False
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"provider-{n}", daemon=True)
            for n in range(threads)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job, due: float | None = None) -> None:
        """Have a job's next step done when it is due, now by default."""
        due = time.monotonic() if due is None else due
        with self._cond:
            line = self._urgent if job.urgent else self._back if job.back else self._front
            heapq.heappush(line, (due, next(self._count), job))
            self._cond.notify()

    def try_submit(self, job: Job, max_wait: float) -> bool:
        """Submit a job if its turn comes within about `max_wait` seconds."""
        with self._cond:
            if self._expected_wait() > max_wait:
                return False
            self.submit(job)
            return True

    def has_room(self, max_wait: float) -> bool:
        """Whether `try_submit` would take a job now."""
        with self._cond:
            return self._expected_wait() <= max_wait

    @property
    def stopping(self) -> bool:
        """Whether the process is about to leave."""
        return self._stopping

    def refuse_new(self) -> None:
        """From now on `try_submit` takes nothing."""
        self._stopping = True

    def drain(self, until: float) -> int:
        """Wait until then for what has to be finished; returns how much of it is left."""
        self.refuse_new()
        while True:
            with self._cond:
                lines = itertools.chain(self._urgent, self._front, self._back)
                jobs = self._running.union(job for _, _, job in lines)
                left = sum(job.finish_first for job in jobs)
            if not left or time.monotonic() >= until:
                return left
            time.sleep(0.02)

    def close(self) -> None:
        """Have the threads end after the step they are in."""
        with self._cond:
            self._closed = True
            self._cond.notify_all()

    def _expected_wait(self) -> float:
        waiting = len(self._front)
        if self._stopping or waiting >= MAX_WAITING:
            return float("inf")
        busy = len(self._running)
        step_sec = self._step_sec
        if busy >= self._n_threads:
            # If nothing has come back for a while, the average does not know about it yet.
            step_sec = max(step_sec, time.monotonic() - self._last_end)
        elif not waiting:
            return 0.0
        return (waiting + 1) * step_sec / max(1, self._n_threads - self._busy_back)

    def _next(self) -> Job | None:
        """Wait for a job that is due; called with the lock held."""
        while not self._closed:
            now = time.monotonic()
            lines = [self._urgent, self._front]
            if self._busy_back < self._n_back:
                lines.append(self._back)
            heads = [(line[0][0], n) for n, line in enumerate(lines) if line]
            ready = [head for head in heads if head[0] <= now]
            if ready:
                first = ready[0] if ready[0][1] == 0 else min(ready)
                return heapq.heappop(lines[first[1]])[2]
            self._cond.wait(min(heads)[0] - now if heads else None)
        return None

    def _run(self) -> None:
        while True:
            with self._cond:
                job = self._next()
                if job is None:
                    return
                back = job.back
                self._running.add(job)
                self._busy_back += back
            begun = time.monotonic()
            try:
                due = job.step()
            except Exception:
                # Nothing may get lost because of a mistake or a full disk.
                logger.exception("%s failed, it is tried again", type(job).__name__)
                due = time.monotonic() + 1.0
            ended = time.monotonic()
            with self._cond:
                self._running.discard(job)
                self._last_end = ended
                if not back:
                    self._step_sec += 0.1 * (ended - begun - self._step_sec)
                if due is not None:
                    self.submit(job, due)
                if back:
                    self._busy_back -= 1
                    self._cond.notify()  # somebody may take the next one of these
