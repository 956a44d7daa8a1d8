"""What of a scorecard its readers see: the cuts made before a format is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.models.base import Model
from harness.models.scorecard import Scorecard, TimelineEntry

Entry = TypeVar("Entry")
Timed = TypeVar("Timed", bound=Model)

CLOCK_STOOD_STILL = "The clock stood still"


def as_read(scorecard: Scorecard) -> Scorecard:
    """The scorecard without what could tell of an accommodation.

    Raters must not see that more time or a break was granted. The moment of an extension is
    dropped; a stretch in which the clock stood still stays, so that it isn't read as idling, but
    without who asked and why. Times become shares of the session, in [0, 1]. Applying it twice
    changes nothing more.
    """
    kept = entries_as_read(scorecard.timeline)
    return _in_shares(scorecard.model_copy(update={"timeline": kept}))


def entries_as_read(entries: Iterable[TimelineEntry]) -> tuple[TimelineEntry, ...]:
    """The entries of a timeline, treated as `as_read` treats a scorecard's."""
    return tuple(
        _plain(entry)
        for entry in entries
        if entry.kind != "clock" or entry.end_sec > entry.start_sec
    )


def _in_shares(card: Scorecard) -> Scorecard:
    times = [time for entry in card.timeline for time in (entry.start_sec, entry.end_sec)]
    times += [moment.at_sec for moment in card.terminal]
    times += [note.at_sec for note in card.notes]
    times += [one.at_sec for one in card.assistant.exchanges] if card.assistant else []
    if (span := max(times, default=0.0)) == 0:
        return card
    return card.model_copy(
        update={
            "timeline": _scaled(card.timeline, span, "start_sec", "end_sec"),
            "notes": _scaled(card.notes, span, "at_sec"),
            "assistant": card.assistant
            and card.assistant.model_copy(
                update={"exchanges": _scaled(card.assistant.exchanges, span, "at_sec")}
            ),
            "terminal": tuple(
                one.model_copy(
                    update={"command": _scaled([one.command], span, "started_sec", "ended_sec")[0]}
                )
                for one in _scaled(card.terminal, span, "at_sec")
            ),
        }
    )


def _scaled(found: Sequence[Timed], span: float, *fields: str) -> tuple[Timed, ...]:
    return tuple(
        one.model_copy(update={field: getattr(one, field) / span for field in fields})
        for one in found
    )


def _plain(entry: TimelineEntry) -> TimelineEntry:
    if entry.kind != "clock":
        return entry
    return entry.model_copy(update={"label": CLOCK_STOOD_STILL, "ok": None})


@dataclass(frozen=True)
class LeftOut:
    """How many entries of a list are in the JSON only."""

    checks: int
    timeline: int
    diffs: int
    edits: int
    terminal: int
    notes: int
    signals: int


def for_page(scorecard: Scorecard) -> tuple[Scorecard, LeftOut]:
    """The scorecard as read, its lists short enough for a page, and what was left out.

    A candidate decides how many files, commands and edits there are.
    """
    card = as_read(scorecard)
    in_time = sorted(card.timeline, key=lambda entry: (entry.start_sec, entry.event))
    lists = {
        "checks": _first(card.checks, 400),
        "timeline": _first(in_time, 2_000),
        "diffs": _first(card.diffs, 400),
        "edits": _first(card.edits, 600),
        "terminal": _first(card.terminal, 600),
        "notes": _first(card.notes, 400),
        "signals": _first(card.signals, 100),
    }
    kept = {name: entries for name, (entries, _) in lists.items()}
    left_out = LeftOut(**{name: count for name, (_, count) in lists.items()})
    return card.model_copy(update=kept), left_out


def _first(entries: Sequence[Entry], most: int) -> tuple[tuple[Entry, ...], int]:
    return tuple(entries[:most]), max(0, len(entries) - most)
