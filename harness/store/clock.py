"""When an event happened: UTC for people, and a monotonic offset for arithmetic.

Within one boot the offset follows CLOCK_BOOTTIME, which runs on through suspends,
process restarts and changes of the wall clock. Across a reboot, or when another
machine writes, only the wall clock is left; then a step back counts as no time.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple


class Tick(NamedTuple):
    """One reading of the machine's clocks."""

    at: datetime
    """Wall clock, UTC."""
    boot_id: str
    """Names this boot of this machine."""
    moment_sec: float
    """Seconds since that boot, sleep included."""


Clock = Callable[[], Tick]


class Head(NamedTuple):
    """The last event of a session, as its row keeps it."""

    seq: int
    hash: str
    at: str
    offset_sec: float
    boot_id: str
    moment_sec: float


class Place(NamedTuple):
    """Where a new event stands in time."""

    at: datetime
    offset_sec: float
    moment_sec: float


@functools.cache
def boot_id() -> str:
    """The kernel's name for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def read_clock() -> Tick:
    """Now."""
    return Tick(datetime.now(UTC), boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME))


def place(head: Head, tick: Tick, at: datetime | None) -> Place:
    """Time and offset of the event after `head`.

    Args:
        head: The event before; its `seq` is 0 when there is none.
        tick: Now.
        at: When it happened, if not now; the offset then follows the `at`s.

    Returns:
        The offset in seconds with six decimals, never below `head`'s.
    """
    happened = tick.at if at is None else at.astimezone(UTC)
    ago = 0.0 if at is None else max(0.0, (tick.at - happened).total_seconds())
    moment = tick.moment_sec - ago
    if head.seq == 0:
        return Place(happened, 0.0, moment)
    same_boot = head.boot_id == tick.boot_id
    if same_boot and at is None:
        step = moment - head.moment_sec
    else:
        step = (happened - datetime.fromisoformat(head.at)).total_seconds()
    if same_boot:
        moment = max(moment, head.moment_sec)
    return Place(happened, round(head.offset_sec + max(0.0, step), 6), moment)


def text_of(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds: always the same length, so that it sorts."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")
