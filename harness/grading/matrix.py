"""The kill matrix: known submissions down, checks across, and what follows from it; pure.

Source: `facts/checks.md` section 8.1.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from math import fsum

from harness.grading.calibration import KnownSubmission
from harness.models.check import CheckOutcome, Grading
from harness.models.proof import KILLS, Flips, KillMatrix, MatrixRow

MAX_OFF_TARGET = 1
"""Checks that a mutant may fail beside those it was made for; more, and they measure one thing."""
NONSENSE_SCORE = 0.2
"""What a submission may reach that does nothing useful."""


def matrix(
    *,
    task: str,
    task_digest: str,
    backend: str,
    stress: bool,
    whole_battery: bool,
    complete: bool,
    known: Sequence[KnownSubmission],
    checks: tuple[str, ...],
    asked: Mapping[str, tuple[str, ...]],
    gradings: Mapping[str, Sequence[Grading]],
) -> KillMatrix:
    """Draw the conclusions.

    Args:
        task: Name of the task.
        task_digest: Of the template.
        backend: Where it was run.
        stress: Whether the machine was kept busy meanwhile.
        whole_battery: Whether every check was run; a score says nothing otherwise.
        complete: Whether every submission was, too.
        known: The submissions, in the author's order.
        checks: That were run, in declaration order.
        asked: By submission's name, those of them that it met.
        gradings: By submission's name, one for each run; the same checks in each.
    """
    rows = tuple(_row(item, gradings[item.name], asked[item.name]) for item in known)
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
    killers = {
        check: tuple(row.name for row in rows if row.outcomes.get(check) in KILLS)
        for check in checks
    }
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
        idle_checks=tuple(check for check in checks if not killers[check]) if complete else (),
        redundant=_same(killers) if complete else (),
        durations=_durations(checks, gradings),
        steadiness={check: _flips(check, rows, gradings) for check in checks},
        problems=(
            *(_unknown_checks(known, checks) if whole_battery else ()),
            *(problem for row in rows for problem in _problems(row)),
            *(_scores_too_high(rows) if whole_battery else ()),
        ),
    )


def _row(known: KnownSubmission, runs: Sequence[Grading], checks: tuple[str, ...]) -> MatrixRow:
    must_fail = tuple(check for check in checks if check in known.fails)
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
    allowed = {"reference": 0, "original": 0, "mutant": MAX_OFF_TARGET}.get(known.kind, len(checks))
    wrong = {*missed, *off_target, *invalid}
    failures = [run.failure.message for run in runs if run.failure]
    return MatrixRow(
        name=known.name,
        kind=known.kind,
        about=known.about,
        submission_sha256=runs[0].submission_sha256,
        must_fail=must_fail,
        outcomes={check: _worst(seen[check], failing=check in must_fail) for check in checks},
        as_expected=not (missed or invalid or len(off_target) > allowed),
        missed=missed,
        off_target=off_target,
        invalid=invalid,
        flips=tuple(check for check in checks if len(set(seen[check])) > 1),
        score=max(_score(run) for run in runs),
        failure=failures[0] if failures else "",
        summaries={
            check.id: check.summary
            for run in runs
            for check in run.checks
            if check.id in wrong and check.outcome is _worst(seen[check.id], check.id in must_fail)
        },
    )


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
    if row.off_target and row.kind in ("reference", "original"):
        problems.append(f"{row.kind} {row.name} does not pass {_list(row.off_target)}.")
    if row.kind == "mutant" and len(row.off_target) > MAX_OFF_TARGET:
        problems.append(f"mutant {row.name} fails more than its own: {_list(row.off_target)}.")
    if row.invalid:
        why = f" ({row.failure})" if row.failure else ""
        problems.append(
            f"{row.kind} {row.name}: nothing was measured by {_list(row.invalid)}{why}."
        )
    if row.flips:
        problems.append(f"{row.kind} {row.name}: runs disagree about {_list(row.flips)}.")
    return problems


def _scores_too_high(rows: Sequence[MatrixRow]) -> list[str]:
    """Tampering must not pay, and doing nothing useful must not score."""
    original = max((row.score for row in rows if row.kind == "original"), default=1.0)
    limits = {"tamper": (original, "the original's"), "nonsense": (NONSENSE_SCORE, "allowed:")}
    return [
        f"{row.kind} {row.name} scores {row.score:.2f}, more than {limits[row.kind][1]} "
        f"{limits[row.kind][0]:.2f}."
        for row in rows
        if row.kind in limits and row.score > limits[row.kind][0] + 1e-9
    ]


def _score(run: Grading) -> float:
    scored = [check for check in run.checks if check.score is not None and not check.advisory]
    weights = fsum(check.weight for check in scored)
    return (
        fsum(check.weight * (check.score or 0.0) for check in scored) / weights if weights else 0.0
    )


def _same(killers: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Checks with the same submissions against them, where there are any."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for check, names in killers.items():
        groups.setdefault(names, []).append(check)
    return tuple(tuple(found) for names, found in groups.items() if names and len(found) > 1)


def _unknown_checks(known: Sequence[KnownSubmission], checks: tuple[str, ...]) -> list[str]:
    return [
        f"{item.kind} {item.name} must fail '{check}', but no check has that id."
        for item in known
        for check in item.fails
        if check not in checks
    ]


def _list(checks: Sequence[str]) -> str:
    return ", ".join(checks)


def _flips(
    check: str, rows: Sequence[MatrixRow], gradings: Mapping[str, Sequence[Grading]]
) -> Flips:
    runs = flips = 0
    for row in rows:
        whole = row.kind in ("reference", "original")
        if not whole and check not in row.must_fail:
            continue  # it may break more than its author thought of, so no verdict is known
        for grading in gradings[row.name]:
            found = _outcome(grading, check)
            runs += found is not CheckOutcome.INVALID
            flips += found is not CheckOutcome.INVALID and (
                (found in KILLS) != (check in row.must_fail)
            )
    return Flips(runs=runs, flips=flips)


def _durations(
    checks: tuple[str, ...], gradings: Mapping[str, Sequence[Grading]]
) -> dict[str, float]:
    taken: dict[str, list[float]] = {check: [] for check in checks}
    for runs in gradings.values():
        for check in (check for run in runs for check in run.checks if check.attempts):
            taken.setdefault(check.id, []).append(check.duration_sec)
    return {check: statistics.median(found) for check, found in taken.items() if found}
