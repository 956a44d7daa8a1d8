"""How much we ask of the provider, and how much we take on from the shops."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from payments.errors import NotNow

logger = logging.getLogger(__name__)

SLOTS = 10
"""Calls of ours that the provider serves at a time, of any kind."""


class Gate:
    """At most `SLOTS` calls at a time; one of them is kept for what is urgent, the rates."""

    def __init__(self, slots: int = SLOTS) -> None:
        self._slots = slots
        self._used = 0
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._normal: deque[asyncio.Future[None]] = deque()

    @property
    def normal_slots(self) -> int:
        """Slots for what is not urgent."""
        return self._slots - 1

    def try_acquire(self) -> bool:
        """Take a slot if there is one."""
        if self._urgent or self._normal or self._used >= self.normal_slots:
            return False
        self._used += 1
        return True

    async def acquire(self, *, urgent: bool = False) -> None:
        """Wait for a slot and take it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._urgent if urgent else self._normal
        queue.append(future)
        self._hand_out()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a slot back."""
        self._used -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        for queue, limit in ((self._urgent, self._slots), (self._normal, self.normal_slots)):
            while queue and self._used < limit:
                future = queue.popleft()
                if not future.done():
                    self._used += 1
                    future.set_result(None)


class Admission:
    """Takes on what can be finished in time, and turns the rest away at once.

    What is taken on waits for the provider in a line of ours. Its length is what the
    provider does in `WAIT_SEC`, by the time that its answers take at present. While calls
    fail the line gets shorter, down to a few that find out when it is over.
    """

    WAIT_SEC = 1.3
    MOST = 100.0
    LEAST = 5.0

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._latency = 0.2
        self._trust = self.MOST
        self._open: set[str] = set()
        self.turned_away = 0

    @property
    def limit(self) -> float:
        """Payments and refunds that may be under way at present."""
        return min(self._trust, self._slots + self._slots / self._latency * self.WAIT_SEC)

    def enter(self, ref: str) -> None:
        """Take something on, or raise `NotNow`."""
        if len(self._open) >= self.limit:
            self.turned_away += 1
            raise NotNow("too many payments at the moment, please come back")
        self._open.add(ref)

    def leave(self, ref: str) -> None:
        """It is over."""
        self._open.discard(ref)

    def resume(self, refs: list[str]) -> None:
        """Count what was under way before we were started."""
        self._open.update(refs)

    def observe(self, seconds: float, *, healthy: bool, timed_out: bool) -> None:
        """Learn from a call to the provider."""
        if healthy:
            self._trust = min(self.MOST, self._trust + 1)
        else:
            self._trust = max(self.LEAST, self._trust * 0.9)
        if healthy or timed_out:
            self._latency += 0.1 * (max(seconds, 0.02) - self._latency)

    @property
    def latency(self) -> float:
        """Seconds that an answer takes, at present."""
        return self._latency
