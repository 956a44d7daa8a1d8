"""The section of an assistant on a report: what was asked, what became of it, what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.models.assistant_section import AssistantSection, ExchangeEntry
from harness.reporting.origins import OriginRow, cut_sentence, legend, origin_rows
from harness.reporting.talk import TalkView, cost, matter_first

MOST_ROWS = 100
"""Exchanges in the table; the steps have the others."""


@dataclass(frozen=True)
class AssistantView:
    """What the section shows."""

    section: AssistantSection
    said: str
    """Who answered, and what none of it is."""
    prompts: int
    cost: str
    rows: tuple[TalkView, ...]
    rows_left: int
    origins: list[OriginRow]
    legend: list[tuple[str, str]]
    cut: str


def assistant_view(
    section: AssistantSection, talk: Sequence[TalkView], files: Mapping[str, int]
) -> AssistantView:
    """Make it.

    Args:
        section: The session's.
        talk: Its exchanges as the page shows them.
        files: Path -> the file's number on the page.
    """
    rows = matter_first(talk)
    return AssistantView(
        section=section,
        said=said(section),
        prompts=sum(one.by_person for one in section.exchanges),
        cost=total_cost(section),
        rows=tuple(rows[:MOST_ROWS]),
        rows_left=max(0, len(rows) - MOST_ROWS),
        origins=origin_rows(section, files),
        legend=legend(section),
        cut=cut_sentence(section),
    )


def said(section: AssistantSection) -> str:
    """Who answered, and what none of it is."""
    who = (
        "The task author's script answered, the same for every candidate; it is no model. "
        if section.scripted
        else ""
    )
    return (
        f"{who}Nothing here is a score: not to have used an assistant is not rated, nor to have"
        " used one much."
    )


def total_cost(section: AssistantSection) -> str:
    """Tokens and money of all exchanges together."""
    if not section.usage.total and section.unreported:
        return "usage not reported"
    more = f", {section.unreported} not reported" if section.unreported else ""
    return cost(section.usage, section.usd) + more


def lines_of(entry: ExchangeEntry) -> tuple[int, int, int, int]:
    """Suggested, landed, there as suggested, there edited."""
    use = entry.use
    if use is None:
        return 0, 0, 0, 0
    return use.suggested, use.landed, use.survived_verbatim, use.survived_edited
