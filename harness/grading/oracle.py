"""Whether a refactor's comparison can see enough to say that there is no difference.

Its generators have to reach nearly every branch of the original, and its checks have to notice
nearly all of many mutants of it; without both, "no difference" means nothing.

Source: facts/checks.md section 5.1.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.errors import CheckError
from harness.grading.calibration import ORIGINAL, KnownSubmission
from harness.models.check import CheckOutcome
from harness.models.proof import KillMatrix, MatrixRow, OracleGate, Reached
from harness.models.task import Task
from harness.refactors.scope import roots
from harness.sandbox.protocol import Progress

MIN_BRANCHES = 0.95
MIN_KILLED = 0.9
MIN_MUTANTS = 40
TRACE_SEC = 1800.0
"""A quiet machine needs a minute."""
_PROGRAM = "harness.grading.tracing"
_SAID = 500
"""Characters of its last words that are told."""


async def with_oracle(
    matrix: KillMatrix,
    task: Task,
    known: Sequence[KnownSubmission],
    rules: Mapping[str, str],
    *,
    cache_dir: Path,
    fresh: bool,
    progress: Progress,
) -> KillMatrix:
    """A refactor's matrix with its oracle's gate, when all of its set was graded; others as are.

    Runs the task's own original and generators on this machine, outside of any sandbox.

    Args:
        matrix: What the calibration set gave.
        task: Whose it is.
        known: The calibration set.
        rules: What verdicts follow from; what is reached follows from the same.
        cache_dir: What is reached is kept below it.
        fresh: Play again although it is known.
        progress: Told of it.

    Raises:
        CheckError: The generators could not be played at all.
    """
    if task.spec.interview.module is None:
        return matrix
    kept = cache_dir / "proofs" / task.name / f"oracle-{_key(rules)}.json"
    found = None if fresh else _known(kept)
    if found is None:
        progress("The generators are played on the original")
        found = await asyncio.to_thread(reached, task)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found.model_dump_json(exclude={"branch_share"}), encoding="utf-8")
    gate = oracle_gate(found, known, matrix.rows)
    problems = (*matrix.problems, *shortfalls(gate))
    return matrix.model_copy(update={"oracle": gate, "problems": problems})


def oracle_gate(
    found: Reached, known: Sequence[KnownSubmission], rows: Sequence[MatrixRow]
) -> OracleGate:
    """What was reached, and how many mutants of the original some check did not let pass."""
    of_original = {one.name for one in known if one.kind == "mutant" and one.base == ORIGINAL}
    mutants = [row for row in rows if row.name in of_original]
    alive = [row.name for row in mutants if not _killed(row)]
    return OracleGate(reached=found, mutants=len(mutants), alive=tuple(alive))


def _killed(row: MatrixRow) -> bool:
    return any(
        outcome in (CheckOutcome.FAILED, CheckOutcome.PARTIAL) for outcome in row.outcomes.values()
    )


def shortfalls(gate: OracleGate) -> Iterator[str]:
    """What keeps the comparison from meaning something, a sentence each."""
    if gate.reached.branch_share < MIN_BRANCHES:
        yield (
            f"The generators reach {gate.reached.covered} of {gate.reached.branches} branches of "
            f"the original, less than {MIN_BRANCHES:.0%}; not {', '.join(gate.reached.missing)}."
        )
    if gate.mutants < MIN_MUTANTS:
        yield f"There are {gate.mutants} mutants of the original, fewer than {MIN_MUTANTS}."
    if gate.killed_share < MIN_KILLED:
        yield (
            f"Of {gate.mutants} mutants of the original {len(gate.alive)} live: "
            f"{', '.join(gate.alive)}."
        )
    yield from (f"With the original on both sides, {said}" for said in gate.reached.broken)


def reached(task: Task) -> Reached:
    """Play every comparison of a task with its original on both sides; blocks, perhaps minutes.

    Raises:
        CheckError: There is no answer.
    """
    module = task.spec.interview.module
    assert module is not None
    with tempfile.TemporaryDirectory(prefix="harness-oracle-") as folder:
        answer = Path(folder, "answer.json")
        request = {
            "repo": str(task.repo.resolve()),
            "tests": str(task.tests.resolve()),
            "path": list(module.path),
            "packages": list(module.packages),
            "folders": [str(Path(part) / root) for part in module.path for root in roots(module)],
            "contract": dict(task.spec.interview.contract),
            "seed": "oracle",
            "answer": str(answer),
        }
        env = {**os.environ, "PYTHONHASHSEED": "0", "TZ": "UTC"}
        said = _played(json.dumps(request).encode(), folder, env)
        try:
            return Reached.model_validate_json(answer.read_bytes())
        except (OSError, ValidationError) as exc:
            raise CheckError(
                f"Task '{task.name}': its generators could not be played on its original. "
                f"It said: {said}",
                slug="oracle",
            ) from exc


def _played(request: bytes, folder: str, env: dict[str, str]) -> str:
    """The last words of the process that plays them."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", _PROGRAM],
            input=request,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=env,
            timeout=TRACE_SEC,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"nothing within {TRACE_SEC:g} s"
    return done.stdout.decode(errors="replace")[-_SAID:].strip() or f"exit code {done.returncode}"


def _key(rules: Mapping[str, str]) -> str:
    program = Path(__file__).with_name("tracing.py").read_bytes()
    return hashlib.sha256(program + json.dumps(dict(rules)).encode()).hexdigest()[:16]


def _known(path: Path) -> Reached | None:
    try:
        return Reached.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
