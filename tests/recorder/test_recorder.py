"""The recording loop: snapshots into events, outages, gaps."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import contextmanager

import pytest

from harness.errors import StoreError
from harness.models.event import (
    RecordingFailed,
    RecordingGap,
    SessionReopened,
    SessionSubmitted,
    SnapshotTaken,
)
from harness.recorder.recorder import LATE_SEC, SessionRecorder
from harness.recorder.shadow import ShadowRepository
from harness.testing.builders import a_session


class Wall:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def wall():
    """The recorder's clock."""
    return Wall()


@pytest.fixture
def tree(tmp_path):
    """A work tree."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "app.py").write_text("one\n")
    return folder


@pytest.fixture
def recorder(store, session_id, tmp_path, tree, wall):
    """Makes recorders of the session, each as a new process would."""

    def make():
        shadow = ShadowRepository(tmp_path / "shadow.git", tree, clock=wall)
        return SessionRecorder(store, session_id, shadow, interval_sec=3.0, clock=wall)

    return make


@pytest.fixture
def told(store, session_id):
    """Payloads of the session so far, of some kinds."""

    def of(*kinds):
        return [e.payload for e in store.events(session_id) if isinstance(e.payload, kinds)]

    return of


def refuse(*args, **options):
    """A store that is not there."""
    raise StoreError("database is locked")


@pytest.fixture
def outage(store, monkeypatch):
    """A block in which the store takes no event."""

    @contextmanager
    def away():
        with monkeypatch.context() as patch:
            patch.setattr(store, "append", refuse)
            yield

    return away


@pytest.fixture
def shadow(tmp_path, tree, wall):
    """The session's shadow repository."""
    return ShadowRepository(tmp_path / "shadow.git", tree, clock=wall)


def test_each_change_is_one_event(recorder, tree, told):
    """A changed tree is an event with its changes; an unchanged one is nothing."""
    one = recorder()
    assert one.tick().payload.snapshot.changes == ()
    assert one.tick() is None
    (tree / "app.py").write_text("one\ntwo\n")
    event = one.tick()
    assert (event.payload.cause, event.payload.snapshot.added) == ("tick", 1)
    assert told(RecordingGap, RecordingFailed) == []


def test_last_look_reads_everything(recorder, tree):
    """The snapshot of a submission says so and misses nothing that file status hides."""
    one = recorder()
    one.tick()
    (tree / "app.py").write_text("ONE\n")
    status = (tree / "app.py").stat()
    signature = (status.st_ctime_ns, status.st_ino, status.st_size, status.st_mode)
    one._shadow._root.files["app.py"].signature = signature
    assert one.tick() is None
    assert one.tick(cause="submit").payload.cause == "submit"


def test_lost_event_is_recorded_again(recorder, tree, told, outage, wall):
    """A snapshot that the store refused comes with the next tick, and the outage is told."""
    one = recorder()
    one.tick()
    (tree / "app.py").write_text("two\n")
    with outage():
        wall.now += 3
        assert one.tick() is None
        wall.now += 3
        assert one.tick() is None
    wall.now += 3
    event = one.tick()
    assert [c.path for c in event.payload.snapshot.changes] == ["app.py"]
    (failed,) = told(RecordingFailed)
    (gap,) = told(RecordingGap)
    assert (failed.part, gap.seconds) == ("store", 6.0)
    wall.now += 3
    one.tick()
    assert len(told(RecordingFailed, RecordingGap)) == 2


def test_snapshot_of_a_killed_recorder_is_taken_again(recorder, tree, told, wall):
    """A commit whose event was never written does not hide its changes from the record."""
    one = recorder()
    one.tick()
    (tree / "app.py").write_text("two\n")
    one._shadow.snapshot()
    event = recorder().tick()
    assert [c.path for c in event.payload.snapshot.changes] == ["app.py"]
    assert [p.snapshot.parent for p in told(SnapshotTaken)] == [
        None,
        told(SnapshotTaken)[0].snapshot.commit,
    ]


def test_unreadable_workspace_is_told_once(recorder, tree, told, wall):
    """A workspace that cannot be read is one failure, and a gap when it is back."""
    one = recorder()
    one.tick()
    away = tree.with_name("away")
    tree.rename(away)
    for _ in range(3):
        wall.now += 3
        one.tick()
    (failed,) = told(RecordingFailed)
    assert failed.part == "snapshots"
    assert "cannot be read" in failed.message
    away.rename(tree)
    wall.now += 3
    one.tick()
    (gap,) = told(RecordingGap)
    assert gap.seconds == 9.0


def test_workspace_that_goes_with_its_session_is_no_failure(
    recorder, tree, told, store, session_id
):
    """When a session ended and its volume is gone, nothing failed."""
    one = recorder()
    one.tick()
    store.update_session(session_id, status="ended")
    shutil.rmtree(tree)
    assert one.tick() is None
    assert told(RecordingFailed) == []


def test_dead_recorder_leaves_a_gap(recorder, told, wall):
    """The next recorder tells how long nothing was recorded."""
    recorder().tick()
    wall.now += 63
    recorder().tick()
    (gap,) = told(RecordingGap)
    assert (gap.seconds, gap.reason) == (60.0, "no recorder was at work")


def test_quick_restart_is_no_gap(recorder, told, wall):
    """A recorder replaced within the interval missed nothing."""
    recorder().tick()
    wall.now += 2.5
    recorder().tick()
    assert told(RecordingGap) == []


def test_time_after_a_submission_is_no_gap(recorder, told, wall, store, session_id):
    """Between submission and reopening nobody records, which is no gap."""
    recorder().tick()
    submitted = SessionSubmitted(
        submission_sha256="0" * 64, tree="0" * 40, files=1, bytes=1, used_sec=1
    )
    store.append(session_id, submitted)
    wall.now += 1000
    recorder().tick()
    assert told(RecordingGap) == []
    reopened = store.append(session_id, SessionReopened(by="i", reason="r"))
    wall.now = reopened.at.timestamp() + 5
    os.utime(recorder()._heartbeat, (1, 1))
    recorder().tick()
    assert [round(gap.seconds, 3) for gap in told(RecordingGap)] == [2.0]


def test_sleeping_machine_leaves_a_gap(recorder, told, wall):
    """A tick that comes much too late says so; one that is a little late does not."""
    one = recorder()
    one.tick()
    wall.now += 3 + LATE_SEC
    one.tick()
    assert told(RecordingGap) == []
    wall.now += 3 + 3600
    one.tick()
    assert [gap.seconds for gap in told(RecordingGap)] == [3600.0]


def test_broken_shadow_repository_is_replaced(recorder, tree, told, wall):
    """When the shadow repository breaks, that is told and recording goes on in a new one."""
    one = recorder()
    first = one.tick().payload.snapshot
    shutil.rmtree(one._shadow.git_dir / "objects" / first.commit[:2])
    (tree / "app.py").write_text("two\n")
    two = recorder()
    wall.now += 3
    two.tick()
    wall.now += 3
    two.tick()
    assert len(told(RecordingFailed)) == 1
    (_, anew) = told(SnapshotTaken)
    assert anew.snapshot.parent is None
    assert [c.path for c in two._shadow.diff(first.tree, anew.snapshot.tree)] == ["app.py"]
    assert recorder().tick() is None


def test_bug_of_ours_does_not_end_the_recording(recorder, told, monkeypatch, wall):
    """Even an unforeseen error is told and survived."""
    one = recorder()
    one.tick()
    with monkeypatch.context() as patch:
        patch.setattr(one._shadow, "snapshot", lambda **_: 1 / 0)
        assert one.tick() is None
    (failed,) = told(RecordingFailed)
    assert "ZeroDivisionError" in failed.message
    one.tick()
    assert len(told(RecordingGap)) == 1


def test_expensive_trees_are_looked_at_less_often(recorder, monkeypatch):
    """Looks that cost more than a hundredth of a core are taken less often, within bounds."""
    from harness.recorder import recorder as module

    one = recorder()
    for cost, delay in (
        (9.0, 3.0),
        (0.001, 3.0),
        (0.1, 3.0),
        (0.2, 10.0),
        (5.0, 20.0),
        (6.0, 30.0),
    ):
        times = iter([0.0, cost])
        monkeypatch.setattr(module, "_processor_sec", lambda times=times: next(times))
        assert one._timed_tick() == pytest.approx(delay)


async def test_runs_until_stopped(store, shadow, tree, told, monkeypatch):
    """The loop records while other things run, and ends when told."""
    one = SessionRecorder(store, a_session().id, shadow, interval_sec=0.01)
    loop, events = asyncio.get_running_loop(), asyncio.Queue()
    append = store.append

    def appending(*args):
        event = append(*args)
        loop.call_soon_threadsafe(events.put_nowait, event)
        return event

    monkeypatch.setattr(store, "append", appending)
    stop = asyncio.Event()
    running = asyncio.create_task(one.run(stop))
    async with asyncio.timeout(20):
        await events.get()
        (tree / "app.py").write_text("two\n")
        await events.get()
        stop.set()
        await running
    assert len(told(SnapshotTaken)) == 2
    assert told(RecordingFailed, RecordingGap) == []
