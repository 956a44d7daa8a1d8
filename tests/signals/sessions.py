"""Sessions as lists of events, told in few words."""

from __future__ import annotations

from datetime import timedelta

from harness.models.event import (
    GENESIS,
    CommandRun,
    Event,
    SessionOpened,
    SessionStarted,
    SnapshotTaken,
    TerminalOpened,
)
from harness.models.recording import Command, FileChange, Snapshot, TestRun
from harness.testing.builders import A_DIGEST, A_MOMENT, a_rubric


class Told:
    """Collects events at given offsets."""

    def __init__(self, minutes=60.0):
        self.events = []
        self.add(
            0,
            SessionOpened(
                task="t",
                task_version="1",
                task_digest=A_DIGEST,
                rubric=a_rubric(),
                mode="live",
                minutes=minutes,
                candidate="c",
                backend="fake",
                image="i",
                harness_version="0",
                base_tree="0" * 40,
            ),
        )
        given = [FileChange(path="given.py", kind="added", added=1000)]
        self.edit(0, *given, cause="open", parent=None)
        self.add(0, TerminalOpened(terminal="t", kind="shell", cols=80, rows=24))

    def add(self, at, payload):
        """An event `at` seconds after the first."""
        seq = len(self.events) + 1
        self.events.append(
            Event(
                session="s",
                seq=seq,
                at=A_MOMENT + timedelta(seconds=at),
                offset_sec=at,
                payload=payload,
                prev=GENESIS,
                hash=GENESIS,
            )
        )
        return self

    def start(self, at=0):
        return self.add(at, SessionStarted())

    def edit(self, at, *changes, cause="tick", parent="0" * 40):
        """A snapshot; changes are FileChanges or (path, added, removed)."""
        changes = tuple(
            change
            if isinstance(change, FileChange)
            else FileChange(path=change[0], kind="modified", added=change[1], removed=change[2])
            for change in changes
        )
        snapshot = Snapshot(tree="0" * 40, commit="0" * 40, parent=parent, changes=changes)
        return self.add(at, SnapshotTaken(snapshot=snapshot, cause=cause))

    def run(self, at, text="ls", *, took=1.0, exit_code=0, tests=None):
        """A command; `tests` is (passed, failed)."""
        result = None
        if tests is not None:
            result = TestRun(runner="pytest", passed=tests[0], failed=tests[1])
        command = Command(
            terminal="t",
            text=text,
            exit_code=exit_code,
            started_sec=at,
            ended_sec=at + took,
            test_run=result,
        )
        return self.add(at + took, CommandRun(command=command))
