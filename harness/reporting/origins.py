"""Where each line of a changed file came from, as a page says it: a word beside the line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.models.assistant_section import AssistantSection
from harness.models.attribution import Evidence, FileLines, LineRun, Origin, Use

WORDS: dict[Origin, str] = {
    "template": "given",
    "assistant-tool": "tool",
    "assistant-reply": "reply",
    "assistant-edited": "edited",
    "typed": "typed",
    "pasted": "pasted",
    "unknown": "unknown",
}
"""What stands beside a line; in the order of the tables."""

MEANINGS: dict[Origin, str] = {
    "template": "The candidate was given it, moved perhaps.",
    "assistant-tool": "An assistant's tool wrote it.",
    "assistant-reply": "It stands so in an answer of the assistant, white space aside.",
    "assistant-edited": "An assistant's line that somebody changed.",
    "typed": "It came no faster than people type.",
    "pasted": "It came at once with others, from no source that was recorded: nobody's for sure.",
    "unknown": "Nothing sure can be said.",
}
"""What each word claims, and no more."""

REASONS: dict[Evidence, str] = {
    "base": "in the given tree",
    "tool-write": "a tool was told to write it there",
    "reply-exact": "as in the answer",
    "reply-spacing": "as in the answer but for white space",
    "edited": "near enough to what was offered",
    "typed-pace": "no faster than people type",
    "typed-grew": "it grew in its place",
    "at-once": "many lines at once",
    "too-fast": "faster than people type",
    "weak-match": "as in an answer, but anybody may write it",
    "in-a-prompt": "as in what the assistant was shown",
    "repeated": "the assistant had it from the candidate",
    "during-tool": "while a tool was at work",
    "after-gap": "after a gap in the recording",
}
"""What is told where somebody points at the word."""

COUNTED: tuple[Origin, ...] = tuple(origin for origin in WORDS if origin != "template")
"""Origins that a table counts."""


@dataclass(frozen=True)
class OriginMark:
    """What stands beside one line."""

    word: str
    why: str
    event: int | None
    """Of the exchange that offered it."""


@dataclass(frozen=True)
class FileOrigins:
    """The origins of one file's lines."""

    lines: FileLines
    events: Mapping[str, int]

    def at(self, line: int | None) -> OriginMark | None:
        """What to say of a line of the submission; None for one that is not there any more."""
        runs = self.lines.runs
        place = bisect_right(runs, line or 0, key=lambda run: run.first) - 1
        if line is None or place < 0 or line > runs[place].last:
            return None
        return self._mark(runs[place])

    def _mark(self, run: LineRun) -> OriginMark:
        like = "" if run.similarity is None else f", {run.similarity:.0f} % alike"
        event = self.events.get(run.exchange or "")
        return OriginMark(WORDS[run.origin], f"{REASONS[run.evidence]}{like}", event)

    def spans(self) -> list[tuple[int, int, OriginMark]]:
        """First and last line of each run that was not given."""
        return [
            (run.first, run.last, self._mark(run))
            for run in self.lines.runs
            if run.origin != "template"
        ]


@dataclass(frozen=True)
class OriginRow:
    """One file, or all of them, in the table of origins."""

    path: str
    target: str | None
    counts: tuple[int, ...]
    """Written lines in the order of `COUNTED`."""
    use: Use


def file_origins(section: AssistantSection | None) -> dict[str, FileOrigins]:
    """Path -> its lines' origins; empty for a session without an assistant."""
    if section is None:
        return {}
    events = {one.id: one.event for one in section.exchanges}
    return {file.path: FileOrigins(file, events) for file in section.files if file.runs}


def origin_rows(section: AssistantSection, files: Mapping[str, int]) -> list[OriginRow]:
    """Every file with what is counted of it, and all of them together last.

    Args:
        section: The session's.
        files: Path -> the file's number on the page.
    """
    rows = [
        OriginRow(
            path=file.path,
            target=f"diff-{files[file.path]}" if file.path in files else None,
            counts=_counts(file),
            use=file.use,
        )
        for file in section.files
    ]
    sums = tuple(map(sum, zip(*(row.counts for row in rows), strict=True)))
    return [*rows, OriginRow("", None, sums, section.use)] if rows else []


def _counts(file: FileLines) -> tuple[int, ...]:
    found = file.counts()
    return tuple(found.get(origin, 0) for origin in COUNTED)


def legend(section: AssistantSection) -> list[tuple[str, str]]:
    """The words that are used on the page, with what they claim."""
    used = {run.origin for file in section.files for run in file.runs}
    return [(WORDS[origin], MEANINGS[origin]) for origin in WORDS if origin in used]


def cut_sentence(section: AssistantSection) -> str:
    """From which likeness on a changed line still counts, and how often that is wrong."""
    cut = section.cut
    if cut is None:
        return "The snapshots could not be read, so nothing is said of lines."
    return (
        f"A changed line counts as edited when it is at least {cut.cut:g} % alike. So measured,"
        f" {cut.edited_found:,} of {cut.edited:,} edits are found, and {cut.other_taken:,} of"
        f" {cut.other:,} other lines would be taken for one. Blank lines are not counted, nor"
        " trivial ones as suggested."
    )


def spans_text(spans: Sequence[tuple[int, int, OriginMark]], most: int) -> str:
    """Runs of lines in words, such as "3-9 reply (#28), 10 typed"."""
    said = [
        f"{first}{f'-{last}' if last > first else ''} {mark.word}"
        + (f" (#{mark.event})" if mark.event is not None else "")
        for first, last, mark in spans[:most]
    ]
    more = len(spans) - most
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")
