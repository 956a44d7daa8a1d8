"""Parts of a scorecard with what a page needs beside them: anchors, positions, caps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.models.check import CheckResult
from harness.models.rubric import Level
from harness.models.scorecard import (
    Debrief,
    DimensionScore,
    EditBurst,
    FileDiff,
    Scorecard,
    Signal,
    TerminalMoment,
    TimelineEntry,
)
from harness.reporting.firmness import adds, reach
from harness.reporting.links import Link, Links
from harness.reporting.origins import FileOrigins, file_origins
from harness.reporting.patch import Hunk, Line, hunks
from harness.reporting.raters import apart_sentence, debriefs_of
from harness.reporting.visible import head, tail

AI_COLLABORATION = "ai-collaboration"
"""Read apart from the rest: who did not use the assistant is not rated on it and loses nothing."""

LOG_CHARS = 6_000
OUTPUT_CHARS = 6_000
ALL_OUTPUT_CHARS = 400_000
LINE_CHARS = 500
FILE_LINES = 1_500
ALL_LINES = 8_000
ALL_LINE_CHARS = 800_000
EDIT_LINES = 8_000
EDIT_LINE_CHARS = 600_000
FOLD_LINES = 60
"""A file's diff longer than this is folded."""
FOLD_OUTPUT_LINES = 14


@dataclass(frozen=True)
class Anchor:
    """A level of a dimension and who is at it."""

    level: Level
    suggested: bool
    raters: tuple[str, ...]


@dataclass(frozen=True)
class DimensionView:
    """A dimension with its evidence resolved."""

    score: DimensionScore
    weight_share: float
    apart: bool
    """Kept in a section of its own."""
    anchors: tuple[Anchor, ...]
    checks: tuple[CheckResult, ...]
    signals: tuple[Signal, ...]
    artefacts: list[tuple[str, list[Link]]]
    debriefs: tuple[Debrief, ...]
    apart_sentence: str
    """How far a disagreement has come."""
    reach: str
    adds: str


@dataclass(frozen=True)
class CheckView:
    """A check with its place on the page."""

    check: CheckResult
    anchor: str
    dimensions: tuple[str, ...]
    """Titles of the dimensions it is evidence for."""
    log: str
    log_left_out: int


@dataclass(frozen=True)
class PatchView:
    """A change of one file, cut to what a page can hold."""

    diff: FileDiff
    hunks: tuple[Hunk, ...]
    left_out: int
    """Lines that are in the JSON only."""


@dataclass(frozen=True)
class FileView(PatchView):
    """A changed file with its place on the page."""

    number: int
    folded: bool
    origins: FileOrigins | None = None
    """Where its lines came from; None for a session without an assistant."""


@dataclass(frozen=True)
class EditView:
    """Edits made close together, with when that was."""

    burst: EditBurst
    entry: TimelineEntry
    files: tuple[PatchView, ...]

    @property
    def short(self) -> bool:
        """Whether it can be shown unfolded."""
        lines = sum(len(hunk.lines) for file in self.files for hunk in file.hunks)
        return 0 < lines <= FOLD_LINES


@dataclass(frozen=True)
class MomentView:
    """A command with the part of its output that a page can hold."""

    moment: TerminalMoment
    output: str
    left_out: int
    """Characters before it that are in the JSON only."""
    folded: bool


def dimension_views(card: Scorecard, links: Links) -> list[DimensionView]:
    """The rubric's dimensions in its order."""
    total = sum(score.dimension.weight for score in card.dimensions)
    checks = {check.id: check for check in card.checks}
    signals = {signal.id: signal for signal in card.signals}
    return [
        DimensionView(
            score=score,
            weight_share=score.dimension.weight / total,
            apart=score.dimension.id == AI_COLLABORATION,
            anchors=tuple(_anchors(score)),
            checks=tuple(checks[id_] for id_ in score.checks if id_ in checks),
            signals=tuple(
                signals[id_] for id_ in score.dimension.evidence.signals if id_ in signals
            ),
            artefacts=links.artefacts(score.dimension.evidence.artefacts),
            debriefs=debriefs_of(card, score),
            apart_sentence=apart_sentence(card, score),
            reach=reach(score),
            adds=adds(card, score),
        )
        for score in card.dimensions
    ]


def _anchors(score: DimensionScore) -> Iterator[Anchor]:
    for level in score.dimension.levels:
        raters = tuple(rating.rater for rating in score.ratings if rating.level == level.value)
        yield Anchor(level, score.suggested_level == level.value, raters)


def checks_by_family(card: Scorecard, links: Links) -> list[tuple[str, list[CheckView]]]:
    """Every check, grouped by family in the order of declaration."""
    families: dict[str, list[CheckView]] = {}
    for number, check in enumerate(card.checks, 1):
        log, left_out = tail(check.log_tail, LOG_CHARS)
        view = CheckView(
            check=check,
            anchor=links.anchors[number - 1],
            dimensions=tuple(
                score.dimension.title for score in card.dimensions if check.id in score.checks
            ),
            log=log,
            log_left_out=left_out,
        )
        families.setdefault(check.family, []).append(view)
    return list(families.items())


def file_views(card: Scorecard, links: Links) -> list[FileView]:
    """Every changed file; once the page's budget is spent, without its lines."""
    views = []
    budget = Budget(ALL_LINES, ALL_LINE_CHARS)
    origins = file_origins(card.assistant)
    for number, (diff, whole) in enumerate(zip(card.diffs, links.hunks, strict=True), 1):
        kept, left_out = _fitting(whole, budget)
        folded = sum(len(hunk.lines) for hunk in kept) > FOLD_LINES
        found = origins.get(diff.change.path)
        views.append(FileView(diff, kept, left_out, number, folded, found))
    return views


def edit_views(card: Scorecard) -> list[EditView]:
    """The way to the submission; once the page's budget is spent, without its lines."""
    budget = Budget(EDIT_LINES, EDIT_LINE_CHARS)
    entries = {entry.event: entry for entry in card.timeline}
    views = []
    for burst in card.edits:
        if burst.event in entries:
            files = tuple(
                PatchView(diff, *_fitting(hunks(diff.patch), budget)) for diff in burst.diffs
            )
            views.append(EditView(burst, entries[burst.event], files))
    return views


def _fitting(whole: tuple[Hunk, ...], budget: Budget) -> tuple[tuple[Hunk, ...], int]:
    """The hunks that there is room for, and how many lines are left out."""
    kept = tuple(_cut(whole, budget))
    return kept, sum(len(hunk.lines) for hunk in whole) - sum(len(hunk.lines) for hunk in kept)


@dataclass
class Budget:
    """What of all patches a page still has room for."""

    lines: int
    chars: int

    def spend(self, line: Line) -> bool:
        """Take a line's room; false when there is none left."""
        self.lines -= 1
        self.chars -= len(line.text)
        return self.lines >= 0 and self.chars >= 0


def _cut(whole: tuple[Hunk, ...], budget: Budget) -> Iterator[Hunk]:
    """The hunks that a page has room for, the last one perhaps cut short."""
    in_file = FILE_LINES
    for hunk in whole:
        lines = []
        for line in hunk.lines[:in_file]:
            capped = _capped(line)
            if not budget.spend(capped):
                break
            lines.append(capped)
        in_file -= len(lines)
        if not lines:
            return
        yield replace(hunk, lines=lines)


def _capped(line: Line) -> Line:
    text, left_out = head(line.text, LINE_CHARS)
    if left_out:
        text += f" … {left_out} more characters"
    return Line(line.kind, text, line.old, line.new)


def moment_views(card: Scorecard) -> list[MomentView]:
    """Every command; once the page's budget of output is spent, without its output."""
    views = []
    budget = ALL_OUTPUT_CHARS
    for moment in card.terminal:
        output, left_out = tail(moment.output.rstrip("\n"), min(budget, OUTPUT_CHARS))
        budget -= len(output)
        folded = output.count("\n") >= FOLD_OUTPUT_LINES
        views.append(MomentView(moment, output, left_out, folded))
    return views
