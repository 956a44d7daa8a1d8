"""The entries of the timeline that a report draws.

Granted extensions are not among them, and of a pause neither who asked nor why: a
committee must not see that an accommodation was used.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence

from harness.models.event import (
    Event,
    NoteTaken,
    RecordingFailed,
    RecordingGap,
    SessionEnded,
    SessionPaused,
    SessionReopened,
    SessionResumed,
    SessionStarted,
    SessionSubmitted,
)
from harness.models.exchange import Label, Outcome
from harness.models.recording import TestRun
from harness.models.scorecard import TimelineEntry, TimelineKind
from harness.signals.story import Edit, Ran, Talk, commands, edits, talks
from harness.signals.texts import at_word, count, one_line

BURST_GAP_SEC = 30.0
"""Edits at most this far apart are drawn as one, unless a command or a prompt is between them."""

LABEL_CHARS = 200
"""Longer labels are cut."""

_NAMED = 3

_ASIDES: dict[Label, str] = {
    "tool-round": "A tool's result went back",
    "aux:title": "Side call: a title for the conversation",
    "aux:commit": "Side call: a commit message",
    "aux:count": "Side call: tokens counted",
    "aux:models": "Side call: list of models",
}
"""What a program asks by itself."""

_ENDED: dict[Outcome, str] = {
    "failed": "the assistant failed",
    "cut": "the answer broke off",
    "aborted": "left before its end",
    "refused": "refused",
    "lost": "not recorded to its end",
}


def timeline(
    events: Sequence[Event],
    *,
    burst_gap_sec: float | None = BURST_GAP_SEC,
    asked: Mapping[int, str] = {},
) -> tuple[TimelineEntry, ...]:
    """Everything to draw, in the order it began.

    Args:
        events: All of the session's, in order.
        burst_gap_sec: See `bursts`; each is one entry.
        asked: What was typed in each exchange, by the number of its event.
    """
    entries = [
        *map(_burst, bursts(events, gap_sec=burst_gap_sec)),
        *(_command(ran) for ran in commands(events)),
        *(_talk(talk, asked.get(talk.event, "")) for talk in talks(events)),
        *_moments(events),
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.start_sec, entry.event)))


def bursts(
    events: Sequence[Event], *, gap_sec: float | None = BURST_GAP_SEC
) -> Iterator[list[Edit]]:
    """Edits in their order, grouped.

    Args:
        events: All of the session's, in order.
        gap_sec: Edits at most this far apart, with no command and no prompt begun between
            them, are together; None keeps each apart.
    """
    prompts = (talk.start for talk in talks(events) if talk.by_person)
    begun = sorted((*(ran.start for ran in commands(events)), *prompts))
    burst: list[Edit] = []
    for edit in edits(events):
        if burst and (gap_sec is None or _apart(burst[-1].at, edit.at, gap_sec, begun)):
            yield burst
            burst = []
        burst.append(edit)
    if burst:
        yield burst


def _apart(before: float, after: float, gap_sec: float, begun: list[float]) -> bool:
    return after - before > gap_sec or bisect(begun, before) < bisect(begun, after)


def _burst(burst: list[Edit]) -> TimelineEntry:
    changes = [change for edit in burst for change in edit.changes]
    paths = list(dict.fromkeys(change.path for change in changes))
    names = ", ".join(one_line(path, LABEL_CHARS // _NAMED) for path in paths[:_NAMED])
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return TimelineEntry(
        kind="edit",
        start_sec=burst[0].at,
        end_sec=burst[-1].at,
        label=f"Edited {names}{more}",
        event=burst[0].event,
        added=sum(change.added for change in changes),
        removed=sum(change.removed for change in changes),
    )


def _command(ran: Ran) -> TimelineEntry:
    run, exit_code = ran.command.test_run, ran.command.exit_code
    ok = exit_code == 0 if exit_code is not None else None
    text = ran.command.text
    return TimelineEntry(
        kind="command" if run is None else "test",
        start_sec=ran.start,
        end_sec=ran.end,
        label=one_line(text if run is None else f"{_counts(run)}: {text}", LABEL_CHARS),
        ok=ok if run is None else run.green,
        event=ran.event,
    )


def _talk(talk: Talk, asked: str) -> TimelineEntry:
    exchange = talk.exchange
    ended = f" ({_ENDED[exchange.outcome]})" if exchange.outcome in _ENDED else ""
    if talk.by_person:
        text, more = at_word(one_line(asked, 2 * LABEL_CHARS), LABEL_CHARS)
        label = (f"{text}\u2026" if more else text) or "(nothing typed)"
    else:
        other = f"Other call: {one_line(exchange.path, LABEL_CHARS // _NAMED)}"
        label = _ASIDES.get(exchange.label, other)
    return TimelineEntry(
        kind="prompt" if talk.by_person else "aside",
        start_sec=talk.start,
        end_sec=talk.end,
        label=f"{label}{ended}",
        event=talk.event,
    )


def _counts(run: TestRun) -> str:
    parts = [f"{run.passed} passed", f"{run.failed} failed"]
    if run.errors:
        parts.append(count(run.errors, "error"))
    if run.skipped:
        parts.append(f"{run.skipped} skipped")
    return f"{run.runner}, {', '.join(parts)}"


def _moments(events: Sequence[Event]) -> Iterator[TimelineEntry]:
    for position, event in enumerate(events):
        match event.payload:
            case SessionStarted():
                yield _moment(event, "clock", "Started")
            case SessionPaused():
                yield _moment(event, "clock", "Paused", end=_resumed(events[position:]))
            case SessionResumed():
                yield _moment(event, "clock", "Resumed")
            case SessionReopened():
                yield _moment(event, "clock", "Reopened")
            case SessionEnded():
                yield _moment(event, "clock", "Ended")
            case SessionSubmitted():
                yield _moment(event, "submit", "Submitted")
            case NoteTaken(text=text):
                yield _moment(event, "note", text)
            case RecordingGap(seconds=seconds, reason=reason):
                start = max(0.0, event.offset_sec - seconds)
                yield _moment(event, "gap", f"Not recorded: {reason}", start=start)
            case RecordingFailed(part=part):
                yield _moment(event, "gap", f"Recording of {part} failed")
            case _:
                pass


def _resumed(events: Sequence[Event]) -> float:
    """When the pause that begins `events` was over."""
    over = SessionResumed | SessionSubmitted | SessionEnded
    ends = (event.offset_sec for event in events if isinstance(event.payload, over))
    return next(ends, events[-1].offset_sec)


def _moment(
    event: Event,
    kind: TimelineKind,
    label: str,
    *,
    start: float | None = None,
    end: float | None = None,
) -> TimelineEntry:
    return TimelineEntry(
        kind=kind,
        start_sec=event.offset_sec if start is None else start,
        end_sec=event.offset_sec if end is None else end,
        label=one_line(label, LABEL_CHARS),
        event=event.seq,
    )
