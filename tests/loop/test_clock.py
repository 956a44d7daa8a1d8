"""The time box and its states."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.loop import clock
from harness.models.session import Session, SessionStatus
from harness.store import Store

START = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Watch:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.moment = START

    def forward(self, minutes: float) -> None:
        """Let time pass."""
        self.moment += timedelta(minutes=minutes)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Replaces the clock's present moment."""
    watch = Watch()
    monkeypatch.setattr(clock, "now", lambda: watch.moment)
    return watch


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with one opened session of 60 minutes."""
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path) as store:
        store.create_session(
            Session(
                id="s1",
                task="t",
                task_digest="0" * 64,
                rubric="r",
                status=SessionStatus.OPEN,
                minutes=60,
                backend="fake",
                created_at=START,
            )
        )
        yield store


def test_the_clock_waits_for_the_start(store: Store, watch: Watch) -> None:
    """No time is used before the explicit start, and a second start changes nothing."""
    watch.forward(30)
    assert store.session("s1").elapsed_sec(watch.moment) == 0
    clock.start(store, store.session("s1"))
    watch.forward(10)
    clock.start(store, store.session("s1"))
    assert store.session("s1").elapsed_sec(watch.moment) == 600


def test_pauses_do_not_count(store: Store, watch: Watch) -> None:
    """Working time stands still from pause to resume."""
    clock.start(store, store.session("s1"))
    watch.forward(10)
    clock.pause(store, store.session("s1"), by="ida", reason="lunch")
    watch.forward(100)
    clock.resume(store, store.session("s1"), by="ida")
    watch.forward(5)
    assert store.session("s1").elapsed_sec(watch.moment) == 15 * 60


def test_every_change_of_the_clock_is_an_event(store: Store, watch: Watch) -> None:
    """Start, pause, resume and extension are audited with who and why."""
    clock.start(store, store.session("s1"))
    clock.pause(store, store.session("s1"), by="ida", reason="lunch")
    clock.resume(store, store.session("s1"), by="ida")
    clock.extend(store, store.session("s1"), 15, by="ida", reason="power cut")
    kinds = [event.payload.event for event in store.events("s1")]
    assert kinds == ["session.started", "session.paused", "session.resumed", "session.extended"]
    assert store.session("s1").minutes == 75


def test_an_extension_needs_a_reason(store: Store, watch: Watch) -> None:
    """Nobody adds time without saying why."""
    with pytest.raises(UsageError, match="reason"):
        clock.extend(store, store.session("s1"), 15, by="ida", reason="  ")


def test_used_up_time_names_the_ways_out(store: Store, watch: Watch) -> None:
    """The error says how to hand in and how to get more time."""
    clock.start(store, store.session("s1"))
    watch.forward(61)
    with pytest.raises(UsageError, match=r"submit s1.*extend s1"):
        clock.require_time(store.session("s1"))


@pytest.mark.parametrize("status", list(SessionStatus))
def test_a_refusal_says_the_state_and_the_way_out(status: SessionStatus, store: Store) -> None:
    """Whatever state a session is in, a refusal leads on from there."""
    session = store.session("s1").model_copy(update={"status": status})
    with pytest.raises(UsageError) as refused:
        clock.require(session, doing="juggled")
    assert f"is {status}, so it cannot be juggled" in refused.value.message
    assert refused.value.remedy
