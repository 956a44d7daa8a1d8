"""The kill matrix: known submissions down, checks across, and what follows from it; pure.

Source: `facts/checks.md` section 8.1.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from pydantic import Field, computed_field

from harness.grading.calibration import Kind, KnownSubmission
from harness.models.base import Model
from harness.models.check import CheckOutcome, Grading

KILLS = (CheckOutcome.FAILED, CheckOutcome.PARTIAL)


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
    failure: str = ""
    """Why there are no proper results."""
    summaries: dict[str, str] = Field(default_factory=dict)
    """By check that is not as it must be: what it said."""


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
    durations: dict[str, float]
    """By check: median seconds of one result."""
    problems: tuple[str, ...] = ()
    """What falls short, one sentence each; empty when the proof holds."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own way
    @property
    def proven(self) -> bool:
        """Every known submission got exactly the verdicts it must get, in every run."""
        return not self.problems


def matrix(
    *,
    task: str,
    task_digest: str,
    backend: str,
    stress: bool,
    whole_battery: bool,
    complete: bool,
    known: Sequence[KnownSubmission],
    gradings: Mapping[str, Sequence[Grading]],
) -> KillMatrix:
    """Draw the conclusions.

    Args:
        task: Name of the task.
        task_digest: Of the template.
        backend: Where it was run.
        stress: Whether the machine was kept busy meanwhile.
        whole_battery: Whether every check was run.
        complete: Whether every submission was, too.
        known: The submissions, in the author's order.
        gradings: By submission's name, one for each run; the same checks in each.
    """
    every = next(iter(gradings.values()))[0].checks
    checks = tuple(check.id for check in every)
    rows = tuple(_row(item, gradings[item.name], checks) for item in known)
    expected = made = passed = cells = 0
    for row in rows:
        for grading in gradings[row.name]:
            outcomes = {check.id: check.outcome for check in grading.checks}
            expected += len(row.must_fail)
            made += sum(outcomes.get(check) in KILLS for check in row.must_fail)
            if row.kind == "reference":
                valid = [found for found in outcomes.values() if found is not CheckOutcome.INVALID]
                cells += len(valid)
                passed += valid.count(CheckOutcome.PASSED)
    killed = {check for row in rows for check in checks if row.outcomes.get(check) in KILLS}
    return KillMatrix(
        task=task,
        task_digest=task_digest,
        backend=backend,
        repeat=min(len(runs) for runs in gradings.values()),
        stress=stress,
        complete=complete,
        checks=checks,
        rows=rows,
        sensitivity=made / expected if expected else 1.0,
        specificity=passed / cells if cells else 1.0,
        expected_kills=expected,
        reference_cells=cells,
        surviving=tuple(row.name for row in rows if row.kind == "mutant" and row.missed),
        idle_checks=tuple(check for check in checks if check not in killed) if complete else (),
        durations=_durations(checks, gradings),
        problems=(
            *(_unknown_checks(known, checks) if whole_battery else ()),
            *(problem for row in rows for problem in _problems(row)),
        ),
    )


def _row(known: KnownSubmission, runs: Sequence[Grading], checks: tuple[str, ...]) -> MatrixRow:
    must_fail = _must_fail(known, checks)
    seen = {check: [_outcome(run, check) for run in runs] for check in checks}
    missed = tuple(
        check for check in must_fail if any(found is CheckOutcome.PASSED for found in seen[check])
    )
    off_target = tuple(
        check
        for check in checks
        if check not in must_fail and any(found in KILLS for found in seen[check])
    )
    invalid = tuple(check for check in checks if CheckOutcome.INVALID in seen[check])
    # a mutant may break more than its author thought of; that is told, and counted against nobody
    strict = known.kind != "mutant"
    wrong = {*missed, *off_target, *invalid}
    failures = [run.failure.message for run in runs if run.failure]
    return MatrixRow(
        name=known.name,
        kind=known.kind,
        about=known.about,
        submission_sha256=runs[0].submission_sha256,
        must_fail=must_fail,
        outcomes={check: _worst(seen[check], failing=check in must_fail) for check in checks},
        as_expected=not (missed or invalid or (strict and off_target)),
        missed=missed,
        off_target=off_target,
        invalid=invalid,
        flips=tuple(check for check in checks if len(set(seen[check])) > 1),
        failure=failures[0] if failures else "",
        summaries={
            check.id: check.summary
            for run in runs
            for check in run.checks
            if check.id in wrong and check.outcome is _worst(seen[check.id], check.id in must_fail)
        },
    )


def _must_fail(known: KnownSubmission, checks: tuple[str, ...]) -> tuple[str, ...]:
    if known.kind == "nonsense" and not known.fails:
        return checks
    return tuple(check for check in checks if check in known.fails)


def _outcome(run: Grading, check: str) -> CheckOutcome:
    return next((one.outcome for one in run.checks if one.id == check), CheckOutcome.INVALID)


def _worst(seen: Sequence[CheckOutcome], failing: bool) -> CheckOutcome:
    """The outcome furthest from what must be."""
    order = [CheckOutcome.INVALID, CheckOutcome.PASSED, *reversed(KILLS)]
    if not failing:
        order = [CheckOutcome.INVALID, *KILLS, CheckOutcome.PASSED]
    return min(seen, key=order.index)


def _problems(row: MatrixRow) -> list[str]:
    problems = []
    if row.missed:
        problems.append(f"{row.kind} {row.name} passes {_list(row.missed)}, which it must fail.")
    if row.off_target and row.kind != "mutant":
        problems.append(f"{row.kind} {row.name} does not pass {_list(row.off_target)}.")
    if row.invalid:
        why = f" ({row.failure})" if row.failure else ""
        problems.append(
            f"{row.kind} {row.name}: nothing was measured by {_list(row.invalid)}{why}."
        )
    if row.flips:
        problems.append(f"{row.kind} {row.name}: runs disagree about {_list(row.flips)}.")
    return problems


def _unknown_checks(known: Sequence[KnownSubmission], checks: tuple[str, ...]) -> list[str]:
    return [
        f"{item.kind} {item.name} must fail '{check}', but no check has that id."
        for item in known
        for check in item.fails
        if check not in checks
    ]


def _list(checks: Sequence[str]) -> str:
    return ", ".join(checks)


def _durations(
    checks: tuple[str, ...], gradings: Mapping[str, Sequence[Grading]]
) -> dict[str, float]:
    taken: dict[str, list[float]] = {check: [] for check in checks}
    for runs in gradings.values():
        for check in (check for run in runs for check in run.checks if check.attempts):
            taken.setdefault(check.id, []).append(check.duration_sec)
    return {check: statistics.median(found) for check, found in taken.items() if found}
