"""How two things are compared, and how the comparison is told."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    ours: str
    """Median and range, with unit."""
    peer: str
    value: float
    aim: float | None
    """None for what is only told."""
    sense: Literal["at most", "at least"] = "at most"

    @property
    def met(self) -> bool:
        """Whether the aim is met; none is."""
        if self.aim is None:
            return True
        return self.value <= self.aim if self.sense == "at most" else self.value >= self.aim


def spread(seconds: list[float]) -> str:
    """Median and range in milliseconds."""
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    return f"{middle * 1000:.1f} ms ({low * 1000:.1f}-{high * 1000:.1f})"


async def in_turns(
    ours: Callable[[], Awaitable[None]],
    peer: Callable[[], Awaitable[None]],
    *,
    rounds: int,
    warm_up: int = 1,
) -> tuple[list[float], list[float]]:
    """Time both alternately.

    Returns:
        Seconds per round of ours, and of the peer's.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(warm_up + rounds):
        for index, work in enumerate((ours, peer)):
            before = time.perf_counter()
            await work()
            if number >= warm_up:
                times[index].append(time.perf_counter() - before)
    return times


def compared(
    name: str,
    ours: list[float],
    peer: list[float],
    *,
    aim: float | None,
    sense: Literal["at most", "at least"] = "at most",
) -> Figure:
    """The ratio of medians, ours over the peer's; inverted (speed) when it should be at least."""
    ratio = statistics.median(ours) / statistics.median(peer)
    if sense == "at least":
        ratio = 1 / ratio
    return Figure(name, spread(ours), spread(peer), ratio, aim, sense)
