"""What a proof of hidden checks finds: known submissions down, checks across.

Source: `facts/checks.md` section 8.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, computed_field

from harness.models.base import Model
from harness.models.check import CheckOutcome

KILLS = (CheckOutcome.FAILED, CheckOutcome.PARTIAL)
"""Outcomes by which a check notices a fault."""

Kind = Literal["original", "reference", "mutant", "tamper", "nonsense"]
"""What a submission is known to be."""


class Flips(Model):
    """Verdicts that were not the known one, over all valid runs on known submissions."""

    runs: int = Field(ge=0)
    flips: int = Field(ge=0)


class MatrixRow(Model):
    """One known submission."""

    name: str
    kind: Kind
    about: str
    submission_sha256: str
    must_fail: tuple[str, ...]
    """Checks that must not pass."""
    outcomes: dict[str, CheckOutcome]
    """By check; where runs disagree, the one furthest from what must be."""
    as_expected: bool
    missed: tuple[str, ...] = ()
    """Checks that had to fail and did not, in any run."""
    off_target: tuple[str, ...] = ()
    """Checks that did not pass although nothing is known against the submission there."""
    invalid: tuple[str, ...] = ()
    flips: tuple[str, ...] = ()
    """Checks whose outcome differed between runs."""
    score: float
    """Weighted share of what its checks found, in [0, 1]; of several runs the highest."""
    failure: str = ""
    """Why there are no proper results."""
    summaries: dict[str, str] = Field(default_factory=dict)
    """By check that is not as it must be: what it said."""


class Reached(Model):
    """What the generators of a refactor reach of its original."""

    branches: int = Field(ge=0)
    covered: int = Field(ge=0)
    missing: tuple[str, ...] = ()
    """Branches that no program took, such as "pricing/engine.py: 12 -> 15"; the first of them."""
    programs: int = Field(ge=0)
    broken: tuple[str, ...] = ()
    """Checks that broke with the original on both sides."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def branch_share(self) -> float:
        """Of the branches there are; 1.0 when there is none."""
        return self.covered / self.branches if self.branches else 1.0


class OracleGate(Model):
    """Whether the comparison of a refactor sees enough for its silence to mean something."""

    reached: Reached
    mutants: int = Field(ge=0)
    """Mutants of the original in the calibration set."""
    alive: tuple[str, ...] = ()
    """Those that every check let pass."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def killed_share(self) -> float:
        """Of the mutants there are; 0.0 when there is none."""
        return 1 - len(self.alive) / self.mutants if self.mutants else 0.0


class KillMatrix(Model):
    """Whether a task's hidden checks are right, as far as known submissions can tell."""

    task: str
    task_digest: str
    backend: str
    repeat: int
    stress: bool
    complete: bool
    """False when only a part of the submissions or checks was run."""
    checks: tuple[str, ...]
    """In declaration order."""
    rows: tuple[MatrixRow, ...]
    sensitivity: float
    """Expected kills that were made, over all expected; 1.0 when none is expected."""
    specificity: float
    """Passes of references, over all their valid results; 1.0 without references."""
    expected_kills: int
    reference_cells: int
    surviving: tuple[str, ...] = ()
    """Mutants that no check they were made for has killed."""
    idle_checks: tuple[str, ...] = ()
    """Checks that no known submission fails: nothing shows that they can."""
    redundant: tuple[tuple[str, ...], ...] = ()
    """Groups of checks that every known submission fails together: merge them, or tell them
    apart by another mutant."""
    durations: dict[str, float]
    """By check: median seconds of one result."""
    steadiness: dict[str, Flips] = Field(default_factory=dict)
    """By check: verdicts that were not the known one, where one is known."""
    oracle: OracleGate | None = None
    """Of a refactor, when the whole set was run."""
    problems: tuple[str, ...] = ()
    """What falls short, one sentence each; empty when the proof holds."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def proven(self) -> bool:
        """Every known submission got exactly the verdicts it must get, in every run."""
        return not self.problems
