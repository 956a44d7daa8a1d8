"""Offsets: real time within a boot, never back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from harness.store.clock import Head, Tick, place, read_clock, text_of
from harness.testing.builders import A_MOMENT

_moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
_ticks = st.builds(
    Tick, _moments, st.sampled_from(["boot-1", "boot-2"]), st.floats(0, 1e7, allow_nan=False)
)


@given(steps=st.lists(st.tuples(_ticks, st.none() | _moments), min_size=1))
def test_an_offset_never_goes_back(steps: list[tuple[Tick, datetime | None]]) -> None:
    """Whatever both clocks say and callers claim, offsets rise or stay."""
    head, offsets = Head(0, "", "", 0.0, "", 0.0), []
    for seq, (tick, at) in enumerate(steps, 1):
        placed = place(head, tick, at)
        offsets.append(placed.offset_sec)
        moment = placed.moment_sec
        head = Head(seq, "", text_of(placed.at), placed.offset_sec, tick.boot_id, moment)
    assert offsets[0] == 0.0
    assert offsets == sorted(offsets)


def test_an_event_told_late_does_not_lose_the_time_since() -> None:
    """After an event dated ten seconds back, the next one counts those ten too."""
    now = Tick(A_MOMENT, "boot-1", 100.0)
    head = Head(1, "", text_of(A_MOMENT - timedelta(seconds=60)), 5.0, "boot-1", 40.0)
    late = place(head, now, A_MOMENT - timedelta(seconds=10))
    assert (late.offset_sec, late.moment_sec) == (55.0, 90.0)
    head = Head(2, "", text_of(late.at), late.offset_sec, "boot-1", late.moment_sec)
    assert place(head, now, None).offset_sec == 65.0


def test_times_are_written_in_utc_at_one_length() -> None:
    """Text sorts as time does."""
    local = datetime(2026, 3, 2, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    assert text_of(local) == "2026-03-02T09:30:00.000000+00:00"


def test_the_clock_runs() -> None:
    """Two readings are of one boot and in order."""
    first, second = read_clock(), read_clock()
    assert first.boot_id == second.boot_id
    assert first.moment_sec <= second.moment_sec
