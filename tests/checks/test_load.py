"""Open-loop load: on time whatever the service does, and honest when it was not."""

import asyncio
import time

import pytest

from harness.checks import ControlFailed, Load, Response, Shot, open_loop, percentile

REPLY = Response(200, 0.0, 0.0)


async def test_requests_leave_when_due_though_nobody_answers():
    """A stalled service does not slow the generator down: no coordinated omission."""
    sent: list[float] = []

    async def stalled(_: int, due: float) -> Response:
        sent.append(time.monotonic() - due)
        await asyncio.sleep(0.5)
        return REPLY

    load = await open_loop(stalled, rate=100, seconds=0.3)
    assert len(load.shots) == len(sent) == 30
    assert [round(shot.due, 2) for shot in load.shots[:3]] == [0.0, 0.01, 0.02]
    assert load.lateness(0.5) < 0.05


async def test_a_generator_that_stands_still_says_so():
    """Half a second of a blocked loop is in its lateness, and the control fails."""

    async def blocking(number: int, _: float) -> Response:
        if number == 5:
            time.sleep(0.3)  # noqa: ASYNC251 - the loop is meant to stand still
        return REPLY

    load = await open_loop(blocking, rate=50, seconds=0.4)
    assert load.lateness(1.0) > 0.2
    with pytest.raises(ControlFailed, match="generator was late"):
        load.require_on_time()


def test_a_generator_on_time_passes_its_control():
    """A few milliseconds are allowed."""
    shots = [Shot(n, n / 100, 0.004, REPLY) for n in range(100)]
    Load(0, 1, shots).require_on_time()


async def test_more_than_one_process_can_do_is_refused():
    """A rate beyond honesty is the author's mistake."""
    with pytest.raises(ValueError, match="above 200"):
        await open_loop(lambda *_: None, rate=1000, seconds=1)  # type: ignore[arg-type]


def test_percentiles_are_nearest_ranks():
    """The worst of ten is their 99th percentile; nothing has none."""
    values = [float(n) for n in range(10)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (5, 9, 9)
    assert percentile([], 0.5) == 0
