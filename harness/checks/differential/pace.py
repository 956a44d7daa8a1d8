"""How much slower a submission is than the original, from pairs of the same work.

The two take turns, so that whatever else the machine does hits both; the median of the pairs'
ratios has an interval from resampling.

Source: facts/checks.md section 5.3.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks.differential.link import Stage
from harness.checks.differential.program import Program
from harness.checks.differential.twins import Twins
from harness.checks.failure import ControlFailed
from harness.checks.measure import Measure

PAIRS = 21
WARM_UP = 3
RESAMPLES = 1000
SLOWER = 1.5
"""Noticeably slower: not even the interval's lower end is below this."""
PLAY_SEC = 20.0
_TAIL = 0.025
"""Of the resampled medians on either side; the rest is the 95 % interval."""


@dataclass(frozen=True)
class Pace:
    """The submission's time for the same work, as a multiple of the original's."""

    ratio: float
    low: float
    high: float
    original_sec: float

    def record(self, measure: Measure) -> None:
        """As measurements."""
        measure.info("the original's time for it", self.original_sec, unit="s")
        measure.info("the submission's, as a multiple", self.ratio)
        measure.info("upper end of its interval", self.high)
        measure("lower end of its interval", self.low, at_most=SLOWER)


async def pace(twins: Twins, program: Program, *, seed: str, pairs: int = PAIRS) -> Pace:
    """Play a program on both, in turns.

    Args:
        twins: The two.
        program: Enough work to take some tens of milliseconds.
        seed: Of the resampling.
        pairs: How often both play it.

    Raises:
        ControlFailed: The original cannot play it.
        AssertionError: The submission cannot.
    """
    return await asyncio.to_thread(_paired, twins, program, seed, pairs)


def _paired(twins: Twins, program: Program, seed: str, pairs: int) -> Pace:
    original = twins.stage(of_original=True)
    submission = twins.stage(of_original=False)
    try:
        taken = [
            (_timed(original, program, ours=True), _timed(submission, program, ours=False))
            for _ in range(WARM_UP + pairs)
        ][WARM_UP:]
    finally:
        original.close()
        submission.close()
    ratios = [theirs / ours for ours, theirs in taken]
    low, high = interval(ratios, seed)
    seconds = statistics.median(ours for ours, _ in taken)
    return Pace(statistics.median(ratios), low, high, seconds)


def _timed(stage: Stage, program: Program, *, ours: bool) -> float:
    began = time.monotonic()
    played = stage.play(program, limit_sec=PLAY_SEC)
    seconds = time.monotonic() - began
    if played.end and ours:
        raise ControlFailed(f"The original {played.end}.")
    assert not played.end, f"The submission {played.end}."
    return seconds


def interval(ratios: Sequence[float], seed: str) -> tuple[float, float]:
    """The 95 % interval of the median, by resampling."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    medians = sorted(
        statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES)
    )
    cut = int(_TAIL * RESAMPLES)
    return medians[cut], medians[-1 - cut]
