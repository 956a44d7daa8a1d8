"""Open-loop load: requests leave when they are due, however the service is doing.

A closed loop stops asking while the service stalls, and so hides the stall
(coordinated omission). Latency counts from the moment a request was due.

Source: G. Tene, wrk2; `facts/checks.md` section 3.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from harness.checks.client import Response
from harness.checks.failure import ControlFailed

LATE_SEC = 0.050
"""At its 99th percentile; a generator that is later than this did not offer what it says.

Ten times what an idle machine shows (5 ms), twice what one with both cores taken shows (28 ms,
while goodput moved by less than 3 points), and a fifth of the slack on every published time.
"""
MAX_RATE = 200.0
"""More than one process on shared cores can honestly send."""

Send = Callable[[int, float], Awaitable[Response]]
"""Sends request number n, due at a `time.monotonic()`, and returns its reply."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One request of a load and its reply."""

    number: int
    due: float
    """Seconds after the load's begin."""
    late: float
    """Seconds after `due` at which it really left."""
    reply: Response


@dataclass(frozen=True)
class Load:
    """What was sent and what came back."""

    began: float
    """`time.monotonic()` of the first request."""
    ended: float
    """`time.monotonic()` at which the last request was due."""
    shots: Sequence[Shot]

    def lateness(self, share: float) -> float:
        """Seconds by which the generator was late, at a percentile given as a share."""
        return percentile([shot.late for shot in self.shots], share)

    def require_on_time(self) -> None:
        """Stop the check when the load was not what it should have been.

        Raises:
            ControlFailed: The 99th percentile of lateness is above `LATE_SEC`.
        """
        late = self.lateness(0.99)
        if late > LATE_SEC:
            raise ControlFailed(
                f"The load generator was late: p50 {self.lateness(0.5) * 1000:.0f} ms, "
                f"p99 {late * 1000:.0f} ms, at most {LATE_SEC * 1000:.0f} ms allowed.",
                remedy="The machine is too busy; grade again when it is not.",
                slug="load-late",
            )


async def open_loop(send: Send, *, rate: float, seconds: float) -> Load:
    """Offer `rate` requests per second and wait for all their replies.

    Args:
        send: Bounds each request's time itself; nothing else does.
        rate: Requests per second, at most `MAX_RATE`.
        seconds: For how long.
    """
    if rate > MAX_RATE:
        raise ValueError(f"rate {rate:g} is above {MAX_RATE:g} requests per second")
    with _no_collection():
        began = time.monotonic() + 0.02
        pending: list[asyncio.Task[Shot]] = []
        for number in range(round(rate * seconds)):
            due = number / rate
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            pending.append(asyncio.create_task(_shoot(send, number, due, began + due)))
        ended = began + seconds
        shots = await asyncio.gather(*pending)
    return Load(began, ended, shots)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed (nearest rank); 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


async def _shoot(send: Send, number: int, due: float, at: float) -> Shot:
    late = time.monotonic() - at
    return Shot(number, due, late, await send(number, at))


@contextmanager
def _no_collection() -> Iterator[None]:
    """A full garbage collection in the middle would make us late."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
