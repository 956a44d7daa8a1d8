"""A rubric: dimensions, anchored levels, weights with reasons, and what is evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from harness.models.base import Model
from harness.models.task import TargetLevel

CompanyStage = Literal["startup", "growth", "big-tech", "enterprise"]
"""What the title means moves with it."""


def named(patterns: Sequence[str], check: str, family: str) -> bool:
    """Whether one of the patterns names a check, by its id or as `family.*`."""
    return check in patterns or f"{family}.*" in patterns


class Level(Model):
    """One anchored point of a scale: what a rater would see."""

    value: int = Field(ge=1, le=5)
    name: str
    anchor: str


class EvidenceMap(Model):
    """What counts as evidence for a dimension."""

    checks: tuple[str, ...] = ()
    """Check ids, or a family followed by `.*`."""
    signals: tuple[str, ...] = ()
    """Signal ids; shown, never scored."""
    artefacts: tuple[str, ...] = ()
    """Such as "diff", "tests", "DECISIONS.md", "terminal", "exchanges", "notes"."""


class Limit(Model):
    """A measurement that checks take, and the most that it may be."""

    name: str = Field(min_length=1)
    """As the checks have it, such as "most charges for one key"."""
    at_most: float


class Gate(Model):
    """Something that must not ship, whatever the rest is worth; reported, never averaged in."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str = Field(min_length=1)
    """Such as "Must not ship a double charge"."""
    rationale: str = Field(min_length=1)
    """Why no strength elsewhere makes up for it."""
    checks: tuple[str, ...] = Field(min_length=1)
    """Check ids, or a family followed by `.*`; all of them have to pass."""
    measured: Limit | None = None
    """What alone decides, where its checks look at more than what must not ship."""

    @property
    def rule(self) -> str:
        """The checks in a line, and what decides where not all of each does."""
        ids = ", ".join(self.checks)
        return f"{ids}; {self.measured.name} <= {self.measured.at_most:g}" if self.measured else ids


class Dimension(Model):
    """One thing an interview measures."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    question: str
    """What a rater asks themselves."""
    weight: float = Field(gt=0)
    weight_rationale: str = Field(min_length=1)
    levels: tuple[Level, ...]
    evidence: EvidenceMap = EvidenceMap()

    @model_validator(mode="after")
    def _five_levels(self) -> Dimension:
        values = [level.value for level in self.levels]
        if values != [1, 2, 3, 4, 5]:
            raise ValueError(f"dimension '{self.id}' needs levels 1 to 5 in order, has {values}")
        return self


class Change(Model):
    """An entry of a rubric's change log."""

    version: str
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    what: str = Field(min_length=1)
    digest: str = Field(default="", pattern=r"^([0-9a-f]{12})?$")
    """Of what the rubric said at that version, so that a change without a new version shows."""


class Rubric(Model):
    """What a session is rated on; frozen into the session at opening."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    version: str
    title: str
    role: str
    target_level: TargetLevel
    company_stage: CompanyStage
    level_cuts: tuple[float, float, float, float] = (0.2, 0.45, 0.7, 0.9)
    """Check scores at which the suggested level becomes 2, 3, 4 and 5."""
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    gates: tuple[Gate, ...] = ()
    changes: tuple[Change, ...] = ()
    """The change log, newest first; it travels with the rubric into every session."""

    @model_validator(mode="after")
    def _consistent(self) -> Rubric:
        ids = [dimension.id for dimension in self.dimensions]
        if len(set(ids)) != len(ids):
            raise ValueError(f"dimension ids repeat: {ids}")
        gates = [gate.id for gate in self.gates]
        if len(set(gates)) != len(gates):
            raise ValueError(f"gate ids repeat: {gates}")
        if self.changes and self.changes[0].version != self.version:
            raise ValueError(
                f"version is {self.version}, but the newest entry of changes is for"
                f" {self.changes[0].version}"
            )
        if list(self.level_cuts) != sorted(self.level_cuts):
            raise ValueError(f"level_cuts must rise: {self.level_cuts}")
        return self


class Rating(Model):
    """One rater's level for one dimension."""

    rater: str
    dimension: str
    level: int = Field(ge=1, le=5)
    observation: str = ""
    """What the rater saw, in their words."""
    evidence: tuple[str, ...] = ()
    """References such as "check:timeouts.hang", "event:42", "file:payments/api.py"."""

    @model_validator(mode="after")
    def _grounded(self) -> Rating:
        if not self.evidence and not self.observation.strip():
            raise ValueError("a rating needs an evidence link or a written observation")
        return self
