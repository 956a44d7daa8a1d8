"""The session's timeline as lanes of rectangles; positions in shares of the session.

Positions are shares, not minutes: how long a candidate was allowed is nobody's business here.
Every lane says by place as well as by colour what a mark means: above the line is added or green,
below it is removed or red.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log2

from harness.models.scorecard import TimelineEntry

WIDTH = 1000.0
"""Of a lane's drawing; it is stretched to the page."""
HEIGHT = 44.0
MIDDLE = HEIGHT / 2
_TICK = 5.0


@dataclass(frozen=True)
class Mark:
    """One rectangle of a lane."""

    x: float
    y: float
    width: float
    height: float
    look: str
    """Class name."""
    entry: TimelineEntry


Draw = Callable[[TimelineEntry, float, float], list[Mark]]
"""An entry, the place and the width of its mark -> what is drawn."""


@dataclass
class Lane:
    """One row of the drawing."""

    id: str
    title: str
    legend: str
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class Timeline:
    """Everything drawn, and the span it is drawn over."""

    lanes: tuple[Lane, ...]
    entries: tuple[TimelineEntry, ...]
    """In order of time; what the table lists."""
    span_sec: float

    def share(self, seconds: float) -> float:
        """Where a moment lies, in [0, 1]."""
        return min(1.0, max(0.0, seconds / self.span_sec)) if self.span_sec else 0.0


def drawn(entries: Sequence[TimelineEntry], *, moments: Sequence[float] = ()) -> Timeline:
    """Lay the entries out.

    Args:
        entries: In any order.
        moments: Further times that the span must hold, in seconds since the first event.
    """
    ordered = sorted(entries, key=lambda entry: (entry.start_sec, entry.event))
    ends = [entry.end_sec for entry in ordered] + [entry.start_sec for entry in ordered]
    span = max([*ends, *moments], default=0.0)
    lanes = (
        Lane("edits", "Edits", "up: lines added, down: removed"),
        Lane("commands", "Commands", "up: succeeded, down: failed"),
        Lane("tests", "Test runs", "up: green, down: red"),
        *_spoken(ordered),
        Lane("notes", "Notes and submission", "thin: note, wide: submitted"),
        Lane("clock", "Clock and recording", "plain: clock stood still, dashed: not recorded"),
    )
    timeline = Timeline(lanes, tuple(ordered), span)
    by_id = {lane.id: lane for lane in lanes}
    for entry in timeline.entries:
        lane, marks = _DRAWN_AS[entry.kind]
        by_id[lane].marks.extend(laid_out(entry, timeline, marks))
    return timeline


def _spoken(entries: Sequence[TimelineEntry]) -> list[Lane]:
    """The lane of an assistant; none for a session without one."""
    if not any(entry.kind in ("prompt", "aside") for entry in entries):
        return []
    return [Lane("assistant", "Assistant", "tall: prompt, low: by a program")]


def laid_out(entry: TimelineEntry, timeline: Timeline, marks: Draw) -> list[Mark]:
    """An entry's marks at its place in the span."""
    x = timeline.share(entry.start_sec) * WIDTH
    width = max(_TICK, timeline.share(entry.end_sec) * WIDTH - x)
    return marks(entry, min(x, WIDTH - _TICK), width)


def edit_marks(entry: TimelineEntry, x: float, width: float) -> list[Mark]:
    """Up for what was added, down for what was removed."""
    up, down = _reach(entry.added), _reach(entry.removed)
    marks = []
    if up:
        marks.append(_mark(x, MIDDLE - up, width, up, look="add", entry=entry))
    if down:
        marks.append(_mark(x, MIDDLE, width, down, look="del", entry=entry))
    return marks or [_mark(x, MIDDLE - 2, width, 4, look="same", entry=entry)]


def _reach(lines: int) -> float:
    """How far a bar reaches for so many lines: logarithmic, as edits differ a hundredfold."""
    return min(MIDDLE - 2, 3 * log2(1 + max(0, lines)))


def run_marks(entry: TimelineEntry, x: float, width: float) -> list[Mark]:
    """Up for what went well, down for what did not."""
    if entry.ok is None:
        return [_mark(x, MIDDLE - 4, width, 8, look="same", entry=entry)]
    y = MIDDLE - 16 if entry.ok else MIDDLE
    return [_mark(x, y, width, 16, look="good" if entry.ok else "bad", entry=entry)]


def _prompt(entry: TimelineEntry, x: float, width: float) -> list[Mark]:
    return [_mark(x, 6, width, HEIGHT - 12, look="prompt", entry=entry)]


def _aside(entry: TimelineEntry, x: float, width: float) -> list[Mark]:
    return [_mark(x, MIDDLE - 4, width, 8, look="same", entry=entry)]


def _note(entry: TimelineEntry, x: float, width: float) -> list[Mark]:
    return [_mark(x, 8, width, HEIGHT - 16, look="note", entry=entry)]


def _submit(entry: TimelineEntry, x: float, width: float) -> list[Mark]:
    wide = max(width, 3 * _TICK)
    return [_mark(min(x, WIDTH - wide), 4, wide, HEIGHT - 8, look="submit", entry=entry)]


def _band(look: str) -> Draw:
    def band(entry: TimelineEntry, x: float, width: float) -> list[Mark]:
        return [_mark(x, 10, width, HEIGHT - 20, look=look, entry=entry)]

    return band


def _mark(
    x: float, y: float, width: float, height: float, *, look: str, entry: TimelineEntry
) -> Mark:
    x, y, width, height = (round(value, 1) for value in (x, y, width, height))
    return Mark(x, y, width, height, look, entry)


_DRAWN_AS: dict[str, tuple[str, Draw]] = {
    "edit": ("edits", edit_marks),
    "command": ("commands", run_marks),
    "test": ("tests", run_marks),
    "prompt": ("assistant", _prompt),
    "aside": ("assistant", _aside),
    "note": ("notes", _note),
    "submit": ("notes", _submit),
    "clock": ("clock", _band("still")),
    "gap": ("clock", _band("gap")),
}
