"""What a hidden check declares, measures and finds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from harness.models.base import Model
from harness.models.structure import Structure

Family = Literal[
    "timeouts",
    "retries",
    "idempotency",
    "backpressure",
    "bounded-resources",
    "cache",
    "shutdown",
    "regression",
    "behaviour",
    "verification",
    "review",
]
"""Checks that look at one kind of failure."""


class CheckOutcome(StrEnum):
    """What a check found."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    INVALID = "invalid"
    """A control failed or our machinery did: re-run or shown as missing, never scored."""


class Steadiness(Model):
    """How often a check's verdict was another than the known one, over repeated gradings."""

    runs: int = Field(ge=0)
    flips: int = Field(ge=0)
    busy_runs: int = Field(default=0, ge=0)
    """Those of the runs in which every core was kept busy."""
    bound: float = Field(ge=0, le=1)
    """The flip rate is below this, at 95 %."""
    current: bool = True
    """False when it was measured on another version of the hidden checks."""


class CheckDeclaration(Model):
    """What a check's author promises about it."""

    id: str = Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")
    """`family.name`, unique in the task."""
    family: Family
    dimension: str
    """Id of the rubric dimension it is evidence for."""
    weight: float = Field(default=1.0, gt=0)
    """Relative to the dimension's other checks."""
    shows: str
    """One sentence: what a pass shows, and why it matters in production."""
    derived_from: str
    """The sentence of the brief or its documents from which it follows, quoted."""
    control: str
    """What is measured first to know that a fail is the submission's and not ours."""
    timing: bool = False
    """Its verdict rests on wall-clock time: a fail is confirmed on a fresh sut."""
    loud: bool = False
    """It loads the machine: one such check at a time on a host, and little beside it."""
    long: bool = False
    """An attempt may take more than 15 s, so it is begun early; nothing else follows from it."""
    advisory: str = ""
    """Why it is shown and never scored; empty when it is scored."""
    limit_sec: float = Field(default=120.0, gt=0)
    """One attempt that still runs then hangs, and is invalid."""

    def result(self, outcome: CheckOutcome, **found: Any) -> CheckResult:  # noqa: ANN401 - its fields
        """A result of this check; `found` has the fields of `CheckResult` that are not declared."""
        declared = self.model_dump(exclude={"control", "timing", "loud", "long", "limit_sec"})
        return CheckResult(**declared, outcome=outcome, **found)


class Measurement(Model):
    """One number a check took, against its threshold."""

    name: str
    value: float | int | str | bool | None
    unit: str = ""
    threshold: str = ""
    """As a person reads it, such as "<= 3.25"; empty for information only."""
    met: bool | None = None
    """Whether the threshold was met; None when there is none."""


class CheckResult(Model):
    """What one check found about one submission."""

    id: str
    family: Family
    dimension: str
    weight: float
    shows: str
    derived_from: str = ""
    outcome: CheckOutcome
    score: float | None = Field(default=None, ge=0, le=1)
    """In [0, 1]; None when invalid."""
    duration_sec: float = 0.0
    measurements: tuple[Measurement, ...] = ()
    summary: str = ""
    """One or two sentences for a person; plain text, may quote candidate-controlled bytes."""
    attempts: int = 1
    """How many fresh suts it was run on, confirmations included."""
    log_tail: str = ""
    """The sut's last log lines when it did not pass; candidate-controlled."""
    steadiness: Steadiness | None = None
    """None when it was never measured."""
    advisory: str = ""
    """Why it is shown and never scored; empty when it is scored."""


class GradingFailure(Model):
    """Why a grading has no results, and whose turn it is."""

    kind: Literal["submission", "task", "machinery"]
    message: str
    log_tail: str = ""


class Grading(Model):
    """One run of a task's hidden checks against one sealed submission."""

    id: str
    task: str
    task_version: str
    task_digest: str
    submission_sha256: str
    backend: str
    harness_version: str
    images: dict[str, str] = Field(default_factory=dict)
    """Role -> image id."""
    started_at: datetime
    finished_at: datetime
    checks: tuple[CheckResult, ...] = ()
    """In declaration order; every declared check has a result."""
    failure: GradingFailure | None = None
    structure: Structure | None = None
    """Of a refactor: counted beside the checks, and part of no score."""
