"""What a committee reads first: plain sentences about what held, what did not, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.models.check import CheckOutcome, CheckResult, Steadiness
from harness.models.scorecard import GradingSummary, Scorecard
from harness.reporting.firmness import between, what_if
from harness.reporting.numbers import at_most, percent
from harness.reporting.raters import open_sentence, unsettled

Tone = Literal["alert", "plain"]
_MOST = 5
"""Checks named in each column of the summary."""


@dataclass(frozen=True)
class Notice:
    """Something to know before reading a number."""

    title: str
    text: str
    """May quote candidate-controlled bytes."""
    target: str
    tone: Tone = "alert"


@dataclass(frozen=True)
class Column:
    """Checks of one kind, the heaviest first."""

    title: str
    checks: tuple[CheckResult, ...]
    left_out: int


@dataclass(frozen=True)
class Story:
    """The summary in sentences."""

    tally: str
    held: Column
    fell_short: Column
    unknown: Column
    notices: tuple[Notice, ...]
    suggested: str
    rated: str
    suggested_between: str
    rated_between: str
    what_if: str


def told(scorecard: Scorecard) -> Story:
    """The summary of a scorecard."""
    by = _by_outcome(scorecard)
    short = by[CheckOutcome.FAILED] + by[CheckOutcome.PARTIAL]
    overall = scorecard.overall
    return Story(
        tally=_tally(scorecard, by),
        held=_column("What held", by[CheckOutcome.PASSED]),
        fell_short=_column("What did not, or only in part", short),
        unknown=_column("What could not be measured", by[CheckOutcome.INVALID]),
        notices=tuple(_notices(scorecard)),
        suggested=_covers(overall.suggested_coverage, "have a suggestion from checks"),
        rated=_covers(overall.rated_coverage, "were rated by people"),
        suggested_between=between(overall.suggested_from),
        rated_between=between(overall.rated_from),
        what_if=what_if(overall),
    )


def shown_grading(scorecard: Scorecard) -> GradingSummary | None:
    """The grading that the checks on this scorecard come from."""
    return next((grading for grading in scorecard.gradings if grading.shown), None)


def unplaced(scorecard: Scorecard) -> tuple[str, ...]:
    """Checks that are evidence for no dimension of the rubric."""
    placed = {id_ for dimension in scorecard.dimensions for id_ in dimension.checks}
    return tuple(check.id for check in scorecard.checks if check.id not in placed)


def record_sentence(scorecard: Scorecard) -> str:
    """Whether the record is whole, in a few words."""
    health = scorecard.recording
    if health.whole:
        return "whole"
    missing = len(health.gaps) + len(health.failures)
    return f"not whole: {_count(missing, 'fault')} of ours"


def steadiness_sentence(known: Steadiness) -> str:
    """How often a check's verdict was wrong where the truth is known, and how often it may be."""
    verdicts = "verdict" if known.flips == 1 else "verdicts"
    version = "" if known.current else " with an earlier version of the checks"
    return (
        f"{known.flips} wrong {verdicts} in {known.runs} runs on known submissions{version}: "
        f"at most {at_most(known.bound)} at 95 %."
    )


def _scored(scorecard: Scorecard) -> list[CheckResult]:
    return [check for check in scorecard.checks if not check.advisory]


def _by_outcome(scorecard: Scorecard) -> dict[CheckOutcome, tuple[CheckResult, ...]]:
    return {
        outcome: tuple(check for check in _scored(scorecard) if check.outcome is outcome)
        for outcome in CheckOutcome
    }


def _tally(scorecard: Scorecard, by: dict[CheckOutcome, tuple[CheckResult, ...]]) -> str:
    if not scorecard.checks:
        graded = "" if scorecard.gradings else ": the submission has not been graded"
        return f"There are no check results{graded}."
    scored = _scored(scorecard)
    parts = [f"{len(by[CheckOutcome.PASSED])} of {_count(len(scored), 'check')} held"]
    if partly := len(by[CheckOutcome.PARTIAL]):
        parts.append(f"{partly} held in part")
    if failed := len(by[CheckOutcome.FAILED]):
        parts.append(f"{failed} did not")
    if invalid := len(by[CheckOutcome.INVALID]):
        parts.append(f"{invalid} could not be measured and {_counts(invalid)} for nothing")
    if shown := len(scorecard.checks) - len(scored):
        parts.append(f"{shown} more {'is' if shown == 1 else 'are'} only shown")
    return f"{', '.join(parts)}."


def _counts(number: int) -> str:
    return "counts" if number == 1 else "count"


def _column(title: str, checks: tuple[CheckResult, ...]) -> Column:
    heaviest = sorted(checks, key=lambda check: (-check.weight, check.score or 0.0))
    return Column(title, tuple(heaviest[:_MOST]), max(0, len(checks) - _MOST))


def _covers(coverage: float, what: str) -> str:
    if coverage == 0:
        return f"No dimensions {what}."
    return f"Dimensions with {percent(coverage)} of the rubric's weight {what}."


def _notices(scorecard: Scorecard) -> list[Notice]:
    """What to know before reading a number, the most serious first."""
    found = []
    if not scorecard.provenance.chain_verified:
        found.append(
            Notice(
                "The record does not verify",
                "An event was edited, dropped or reordered after it was written. Nothing below is"
                " evidence until that is explained.",
                "provenance",
            )
        )
    if not scorecard.recording.whole:
        found.append(
            Notice(
                "The record is not whole",
                "A part of it is missing through our fault, not the candidate's. What is missing"
                " is not evidence of anything.",
                "record",
            )
        )
    grading = shown_grading(scorecard)
    if grading is not None and grading.failure is not None:
        found.append(Notice(_FAILURES[grading.failure.kind], grading.failure.message, "gradings"))
    if not scorecard.session.submitted:
        found.append(
            Notice(
                "Nothing has been submitted yet",
                "This is a reading of a session that is still under way.",
                "timeline",
                "plain",
            )
        )
    if waiting := open_sentence(scorecard):
        found.append(Notice("Ratings are not all in", waiting, "dimensions", "plain"))
    apart = [one.dimension.title for one in scorecard.dimensions if unsettled(scorecard, one)]
    if apart:
        found.append(
            Notice(
                "Raters are more than one level apart",
                f"On {', '.join(apart)}. Ask a third rater, or record a debrief, before reading"
                " the mean.",
                "dimensions",
                "plain",
            )
        )
    return found


_FAILURES = {
    "submission": "The submission could not be checked",
    "task": "The task's own checks broke: nothing was scored",
    "machinery": "Our machinery failed while checking: nothing was scored",
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
