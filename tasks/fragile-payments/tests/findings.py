"""Collects what is not as promised, so that one check shows all of it."""

from __future__ import annotations

from datetime import datetime

from harness.checks import Measure

SHOWN = 4
"""Sentences in the summary; the count has all."""


class Findings:
    """Collects everything that is not as promised, so that one check shows all of it."""

    def __init__(self) -> None:
        self.looked = 0
        self.wrong: list[str] = []

    def expect(self, what: str, actual: object, wanted: object) -> None:
        """Types count too: 1, 1.0, "1" and True are four different answers."""
        self.looked += 1
        if type(actual) is not type(wanted) or actual != wanted:
            self.wrong.append(f"{what} is {brief(actual)}, not {brief(wanted)}")

    def holds(self, what: str, fact: object) -> None:
        """A fact that must hold; `what` says it."""
        self.looked += 1
        if not fact:
            self.wrong.append(f"not so: {what}")

    def record(self, measure: Measure) -> None:
        """As measurements."""
        measure.info("statements looked at", self.looked)
        measure("statements of api.md that do not hold", len(self.wrong), equals=0)
        for sentence in self.wrong[:SHOWN]:
            measure.note(f"{sentence}.")


def is_utc(value: object) -> bool:
    """A time as the API writes it."""
    if not isinstance(value, str) or not value.endswith(("Z", "+00:00")):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def brief(value: object) -> str:
    """A value for a sentence."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"
