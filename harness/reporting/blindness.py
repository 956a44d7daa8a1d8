"""What a reader is told about blinding and about decisions, in sentences."""

from __future__ import annotations

from harness.models.identity import Blinding, Flag
from harness.models.scorecard import Decision

_PARTS = {
    "assistant": "what was asked and answered",
    "checks": "what the service said",
    "diffs": "the changes",
    "debriefs": "debriefs",
    "decisions": "decisions",
    "dimensions": "observations",
    "edits": "the steps",
    "gradings": "gradings",
    "notes": "notes",
    "recording": "the record",
    "review": "the review",
    "signals": "signals",
    "terminal": "the terminal",
    "timeline": "the timeline",
}
OUTCOMES = {"advance": "Go on", "decline": "Do not go on", "hold": "Not yet decided"}
"""What was decided, as a committee reads it."""


def blind_sentence(blind: Blinding) -> str:
    """That the page does not tell who the candidate is, and where something was replaced."""
    said = "This page is identity-blind: the candidate has a pseudonym"
    if not blind.replaced:
        return f"{said}. Nothing else had to be replaced."
    places = ", ".join(f"{_PARTS.get(part, part)} ({n})" for part, n in blind.replaced.items())
    return f"{said}, and what names people was replaced in {places}."


def flag_text(flag: Flag) -> str:
    """Where a line of code named somebody."""
    return f"{flag.path}:{flag.line}{' (comment)' if flag.comment else ''}"


def decided(decision: Decision) -> str:
    """What was decided, by whom and when."""
    early = ", while ratings were open" if decision.open_ratings else ""
    by = ", ".join(decision.by)
    return f"{OUTCOMES[decision.outcome]}: {by}, {decision.at.date().isoformat()}{early}."
