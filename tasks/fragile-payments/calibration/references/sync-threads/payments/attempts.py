"""What a payment and a refund have in common on their way to the provider.

Two threads meet here: the one of the HTTP request, which waits for the outcome and has to answer
in time, and the one of the engine, which makes the calls. `_cond` guards everything they share.
"""

from __future__ import annotations

import random
import threading
import time

from payments.engine import Job
from payments.errors import NotCompleted, PaymentsError, UpstreamError
from payments.models import Refund, Reply

MAX_ATTEMPTS = 5
ATTEMPT_SEC = (2.0, 3.0, 5.0, 5.0, 5.0)
"""How long the first attempt may take, the second, and so on. The first leaves room for a second
one before the shop has to get an answer; later ones have more patience with a slow provider."""

Outcome = Reply | Refund | PaymentsError


def backoff(attempts: int) -> float:
    """How long to wait before the next attempt."""
    return min(0.1 * 2.5 ** (attempts - 1), 2.0) * random.uniform(0.8, 1.2)


def busy(message: str = "too much to do, please come back") -> NotCompleted:
    """Told to those who should come back a little later."""
    return NotCompleted(503, message, retry_after=random.randint(1, 3))


class Errand(Job):
    """A job with somebody waiting for its outcome, at first."""

    finish_first = True

    def __init__(self) -> None:
        self._cond = threading.Condition(threading.RLock())
        self._started = False
        self._stepping = False
        self._sending = False  # an attempt may be on its way
        self._in_doubt = False  # an earlier attempt may have been carried out
        self._attempts = 0
        self._gone = False  # whoever waited was told to come back
        self._ended = False
        self._outcome: Outcome | None = None
        self._retry_after: float | None = None

    def wait(self, start_by: float, answer_by: float) -> Outcome:
        """Wait for the outcome; decides what to say if there is none in time."""
        with self._cond:
            self._cond.wait_for(
                lambda: self._started or self._ended, max(0.0, start_by - time.monotonic())
            )
            if not self._started and not self._ended:
                self._end(busy())
            self._cond.wait_for(
                lambda: self._outcome is not None, max(0.0, answer_by - time.monotonic())
            )
            return self._outcome or self._time_is_up()

    def step(self) -> float | None:
        with self._cond:
            if self._ended or self._stepping:
                return None  # a leftover in the line
            self._started = self._stepping = True
            self._cond.notify_all()
        try:
            due = self._advance()
        finally:
            with self._cond:
                self._stepping = self._sending = False
                gone = self._gone
        if due is not None and gone and not self._in_doubt:
            return time.monotonic()
        return due

    def _advance(self) -> float | None:
        """The next step, see `Job.step`."""
        raise NotImplementedError

    def _time_is_up(self) -> Outcome:
        """What to answer without an outcome; called with the lock held."""
        raise NotImplementedError

    def _forget(self) -> None:
        """It has ended; called with the lock held."""
        raise NotImplementedError

    def _may_begin(self) -> bool:
        """Whether to send it now; if so, from here on nobody knows until the answer is there."""
        with self._cond:
            if self._gone and not self._in_doubt:
                return False
            self._sending = True
            return True

    def _end(self, outcome: Outcome) -> None:
        with self._cond:
            if self._ended:
                return
            self._ended = True
            self._outcome = outcome
            self._forget()
            self._cond.notify_all()

    def _attempt_failed(self, exc: UpstreamError, *, in_doubt: bool) -> float:
        """Note an attempt without an answer; returns when the next one is due."""
        with self._cond:
            self._in_doubt = self._in_doubt or in_doubt
            self._sending = False
            self._retry_after = exc.retry_after
            return time.monotonic() + max(backoff(self._attempts), exc.retry_after or 0.0)
