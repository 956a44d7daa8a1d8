"""What of a scorecard its readers see: the one cut made before any format is written."""

from __future__ import annotations

from harness.models.scorecard import Scorecard, TimelineEntry

CLOCK_STOOD_STILL = "The clock stood still"


def as_read(scorecard: Scorecard) -> Scorecard:
    """The scorecard without what could tell of an accommodation.

    Raters must not see that more time or a break was granted. The moment of an extension is
    dropped; a stretch in which the clock stood still stays, so that it isn't read as idling, but
    without who asked and why. Applying it twice changes nothing more.
    """
    kept = tuple(
        _plain(entry)
        for entry in scorecard.timeline
        if entry.kind != "clock" or entry.end_sec > entry.start_sec
    )
    return scorecard.model_copy(update={"timeline": kept})


def _plain(entry: TimelineEntry) -> TimelineEntry:
    if entry.kind != "clock":
        return entry
    return entry.model_copy(update={"label": CLOCK_STOOD_STILL, "ok": None})
