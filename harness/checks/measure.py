"""Numbers that a check takes, and the thresholds that decide it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.models.check import Measurement

Number = float | int
PARTIAL_SCORE = 0.5
"""What a check is worth when a measurement misses its threshold but keeps the wider one."""


class Measure:
    """Called once for each number; remembers whether it kept its threshold.

    A check passes when every threshold is met, is partial when each missed one
    still keeps its `partly_*` bound, and fails otherwise. Measuring never raises,
    so a check goes on and shows all its numbers.
    """

    def __init__(self) -> None:
        self.taken: list[Measurement] = []
        self.score = 1.0
        """The lowest score of all measurements so far."""
        self.notes: list[str] = []

    def __call__(
        self,
        name: str,
        value: Number,
        *,
        unit: str = "",
        at_most: Number | None = None,
        at_least: Number | None = None,
        equals: Number | None = None,
        partly_at_most: Number | None = None,
        partly_at_least: Number | None = None,
    ) -> bool:
        """Record a number against its threshold and say whether it was met.

        Args:
            name: What was measured, as a person reads it.
            value: The number; rounded to four digits after the point for the record.
            unit: Such as "s" or "calls".
            at_most: Upper threshold.
            at_least: Lower threshold.
            equals: Exact threshold.
            partly_at_most: A wider upper threshold that still gives partial credit.
            partly_at_least: A wider lower threshold that still gives partial credit.
        """
        bounds = [
            (text, bound, met)
            for text, bound, met in (
                ("<=", at_most, at_most is None or value <= at_most),
                (">=", at_least, at_least is None or value >= at_least),
                ("=", equals, equals is None or value == equals),
            )
            if bound is not None
        ]
        if not bounds:
            raise TypeError(f"measurement '{name}' has no threshold; use measure.info")
        met = all(kept for _, _, kept in bounds)
        if not met:
            partly = (partly_at_most is not None and value <= partly_at_most) or (
                partly_at_least is not None and value >= partly_at_least
            )
            self.score = min(self.score, PARTIAL_SCORE if partly else 0.0)
        threshold = " and ".join(f"{text} {bound:g}" for text, bound, _ in bounds)
        self._take(name, value, unit, threshold, met)
        return met

    def true(self, name: str, value: bool) -> bool:
        """Record a fact that must hold."""
        if not value:
            self.score = 0.0
        self.taken.append(Measurement(name=name, value=value, threshold="= yes", met=value))
        return value

    def info(self, name: str, value: Number | str | bool | None, *, unit: str = "") -> None:
        """Record a number for information only."""
        self._take(name, value, unit, "", None)

    def note(self, sentence: str) -> None:
        """Add a sentence to the summary, whatever the outcome."""
        self.notes.append(sentence)

    @property
    def judged(self) -> bool:
        """Whether any measurement had a threshold."""
        return any(item.met is not None for item in self.taken)

    def sentences(self) -> Iterator[str]:
        """What was missed, or when nothing was, what was kept; notes last."""
        judged = [item for item in self.taken if item.met is not None]
        missed = [item for item in judged if not item.met]
        for item in missed or judged:
            bound = "" if item.threshold == "= yes" else item.threshold
            between = " (" if item.met else ", should be "
            yield f"{item.name}: {_shown(item)}" + (
                f"{between}{bound}{')' if item.met else ''}." if bound else "."
            )
        yield from self.notes

    def _take(
        self,
        name: str,
        value: Number | str | bool | None,
        unit: str,
        threshold: str,
        met: bool | None,
    ) -> None:
        shown = round(value, 4) if isinstance(value, float) else value
        self.taken.append(
            Measurement(name=name, value=shown, unit=unit, threshold=threshold, met=met)
        )


def _shown(item: Measurement) -> str:
    if isinstance(item.value, bool):
        return "yes" if item.value else "no"
    number = f"{round(item.value, 3):g}" if isinstance(item.value, float) else str(item.value)
    return f"{number} {item.unit}".strip()
