"""What happened in a session, as signals need it: edits, commands, test runs, the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from harness.models.event import (
    CommandRun,
    Event,
    ExchangeRecorded,
    SessionEnded,
    SessionExtended,
    SessionOpened,
    SessionPaused,
    SessionReopened,
    SessionResumed,
    SessionStarted,
    SessionSubmitted,
    SnapshotTaken,
    TerminalOpened,
)
from harness.models.exchange import Exchange
from harness.models.recording import Command, FileChange, TestRun

SNAPSHOT_DELAY_SEC = 4.0
"""An edit can be this much older than the snapshot that shows it (the usual interval and a bit)."""


@dataclass(frozen=True)
class Edit:
    """A snapshot in which the tree changed."""

    event: int
    at: float
    """Seconds since the session's first event, when it was seen."""
    changes: tuple[FileChange, ...]

    @property
    def lines(self) -> int:
        """Lines added and removed."""
        return sum(change.added + change.removed for change in self.changes)


@dataclass(frozen=True)
class Ran:
    """A command with its place in the session."""

    event: int
    start: float
    """Seconds since the session's first event."""
    end: float
    command: Command

    def surely_before(self, edit: Edit) -> bool:
        """Whether it began before the edit was made, not only before it was seen."""
        return self.start + SNAPSHOT_DELAY_SEC <= edit.at


@dataclass(frozen=True)
class Talk:
    """An exchange with its place in the session."""

    event: int
    start: float
    """Seconds since the session's first event; when it was asked."""
    end: float
    exchange: Exchange

    @property
    def by_person(self) -> bool:
        """Whether somebody asked; otherwise a program did by itself."""
        return self.exchange.label == "turn"


@dataclass(frozen=True)
class Run:
    """A test run."""

    ran: Ran
    result: TestRun

    @property
    def red(self) -> bool:
        """Something failed."""
        return bool(self.result.failed or self.result.errors)


@dataclass(frozen=True)
class Story:
    """One session."""

    edits: tuple[Edit, ...]
    """What the candidate was given is not among them."""
    commands: tuple[Ran, ...]
    working: tuple[tuple[float, float], ...]
    """When the clock ran: pieces from start to end."""
    allowed_sec: float
    """Time allowed, extensions included; 0 when it is not known."""

    @classmethod
    def of(cls, events: Sequence[Event]) -> Story:
        """Read a session's events."""
        return cls(
            edits=tuple(edits(events)),
            commands=tuple(commands(events)),
            working=tuple(_working(events)),
            allowed_sec=_allowed_sec(events),
        )

    @property
    def runs(self) -> tuple[Run, ...]:
        """Test runs in the order they began."""
        return tuple(
            Run(ran, ran.command.test_run)
            for ran in sorted(self.commands, key=lambda ran: ran.start)
            if ran.command.test_run is not None
        )

    def share(self, at: float) -> float:
        """Working time up to `at` as a share of the time allowed; in [0, ...)."""
        if not self.allowed_sec:
            return 0.0
        worked = sum(max(0.0, min(end, at) - start) for start, end in self.working)
        return worked / self.allowed_sec


def edits(events: Sequence[Event]) -> Iterator[Edit]:
    """Snapshots that show work: not the first of a chain, and not without changes."""
    for event in events:
        if not isinstance(event.payload, SnapshotTaken) or event.payload.cause == "open":
            continue
        snapshot = event.payload.snapshot
        if snapshot.parent is not None and snapshot.changes:
            yield Edit(event.seq, event.offset_sec, snapshot.changes)


def commands(events: Sequence[Event]) -> Iterator[Ran]:
    """Commands with their times, from the terminals they ran in."""
    opened = {
        event.payload.terminal: event.offset_sec
        for event in events
        if isinstance(event.payload, TerminalOpened)
    }
    for event in events:
        if isinstance(event.payload, CommandRun):
            command = event.payload.command
            length = command.ended_sec - command.started_sec
            base = opened.get(command.terminal)
            start = event.offset_sec - length if base is None else base + command.started_sec
            start = max(0.0, start)
            yield Ran(event.seq, start, start + max(0.0, length), command)


def talks(events: Sequence[Event]) -> Iterator[Talk]:
    """Every call to an assistant, in the order in which they were over."""
    for event in events:
        if isinstance(event.payload, ExchangeRecorded):
            exchange = event.payload.exchange
            start = since(events[0].at, exchange.at)
            yield Talk(event.seq, start, start + exchange.duration_sec, exchange)


def since(begun: datetime, at: datetime) -> float:
    """Seconds from a session's first event to a moment on a container's clock; never below 0."""
    return max(0.0, (at - begun).total_seconds())


def _working(events: Sequence[Event]) -> Iterator[tuple[float, float]]:
    """Pieces of time in which the clock ran; the last one ends with the events."""
    started: float | None = None
    for event in events:
        match event.payload:
            case SessionStarted() | SessionResumed() | SessionReopened():
                started = event.offset_sec if started is None else started
            case SessionPaused() | SessionSubmitted() | SessionEnded():
                if started is not None:
                    yield started, event.offset_sec
                started = None
            case _:
                pass
    if started is not None:
        yield started, events[-1].offset_sec


def _allowed_sec(events: Sequence[Event]) -> float:
    minutes = 0.0
    for event in events:
        if isinstance(event.payload, SessionOpened | SessionExtended):
            minutes += event.payload.minutes
    return minutes * 60


def longest_pause(story: Story) -> tuple[float, float]:
    """The longest stretch of working time without an edit or a command, as start and end."""
    times = sorted(
        [edit.at for edit in story.edits]
        + [time for ran in story.commands for time in (ran.start, ran.end)]
    )
    if story.working:
        times = [story.working[0][0], *times, story.working[-1][1]]
    pauses = [(start, end) for start, end in pairwise(sorted(times)) if end > start]
    return max(pauses, key=lambda p: story.share(p[1]) - story.share(p[0]), default=(0.0, 0.0))
