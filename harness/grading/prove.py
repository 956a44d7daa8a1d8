"""Proves that hidden checks are right: known submissions are graded, and must get their verdicts.

Each check's result is kept with what it follows from: a proof that was interrupted
goes on where it stopped, and after a change to one check only that one is run again.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.grading.calibration import (
    KnownSubmission,
    Materialised,
    materialise,
    read_calibration,
)
from harness.grading.cleanup import task_group
from harness.grading.findings import Findings
from harness.grading.grading import grade
from harness.grading.matrix import matrix
from harness.grading.oracle import with_oracle
from harness.grading.rules import rules
from harness.grading.stress import busy_machine
from harness.models.check import CheckOutcome, Grading
from harness.models.proof import KillMatrix
from harness.models.session import Submission
from harness.models.task import Task
from harness.sandbox.protocol import Progress, SandboxBackend

RETRIES = 2
"""How often what was not measured, through no fault of the submission, is tried again."""


async def prove(
    task: Task,
    backend: SandboxBackend,
    *,
    cache_dir: Path,
    lanes: int = 1,
    repeat: int = 1,
    only: tuple[str, ...] = (),
    checks: tuple[str, ...] = (),
    sample: int | None = None,
    own: bool = False,
    stress: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> KillMatrix:
    """Grade the task's calibration set and draw the kill matrix.

    For a refactor, a complete proof also plays the task's generators on its original, here and
    outside of any sandbox: the task's author is trusted, no candidate's code is run.

    Args:
        task: With `calibration/calibration.toml`.
        backend: Where to grade.
        cache_dir: Results are kept in `proofs/` below it.
        lanes: Gradings side by side; timing checks want one for each two cores.
        repeat: Runs of each submission, each with other inputs.
        only: Names of submissions; all when empty.
        checks: Ids of checks; all when empty.
        sample: At most that many mutants, spread over the list, for a quick look.
        own: Mutants meet only the checks that they must fail; nothing is known of others then.
        stress: Keep every core busy meanwhile.
        fresh: Grade again what is in the cache.
        progress: Told of each grading.

    Raises:
        TaskFormatError: The calibration set is malformed.
        UsageError: `only` names no submission of the set, or `checks` no check of the task.
        SandboxError: Our machinery failed; what was graded before is kept.
        CheckError: The generators of a refactor could not be played on its original.
    """
    say = progress or (lambda _: None)
    everything = read_calibration(task).submission
    known = _chosen(everything, only, sample)
    with (
        tempfile.TemporaryDirectory(prefix="harness-prove-") as scratch,
        busy_machine() if stress else nullcontext(),
    ):
        known_rules = rules(task)
        findings = Findings(cache_dir / "proofs" / task.name, known_rules)
        wanted = _wanted(tuple(sorted(known_rules)), checks)
        asked = {item.name: _asked(item, wanted, own=own) for item in known}
        known = [item for item in known if asked[item.name]]
        if not known:
            raise UsageError(
                f"None of these submissions has to fail {', '.join(wanted)}.",
                remedy="Leave out --own, or choose other submissions or checks.",
                slug="calibration",
            )
        lab = _Lab(task, backend, findings, asked, stress, fresh, say)
        sealed = {item.name: materialise(task, item, Path(scratch)) for item in known}
        gradings = await _in_lanes(lab, known, sealed, lanes, repeat)
    whole = not checks and len(known) == len(everything)
    found = matrix(
        task=task.name,
        task_digest=task.digest,
        backend=backend.name,
        stress=stress,
        whole_battery=not checks,
        complete=whole and not own,
        known=known,
        checks=tuple(check for check in wanted if any(check in one for one in asked.values())),
        asked=asked,
        gradings=gradings,
    )
    if not whole:
        return found
    return await with_oracle(
        found, task, known, known_rules, cache_dir=cache_dir, fresh=fresh, progress=say
    )


@dataclass(frozen=True)
class _Lab:
    """Grades known submissions, or finds that it has done so before."""

    task: Task
    backend: SandboxBackend
    findings: Findings
    asked: Mapping[str, tuple[str, ...]]
    """By submission's name, ids of checks."""
    stress: bool
    fresh: bool
    say: Progress

    async def grading(self, name: str, known: Materialised, run: int) -> Grading:
        key = self._key(known.submission, run)
        kept = None if self.fresh else self.findings.find(key)
        there = {one.id for one in kept.checks} if kept else set()
        asked = self.asked[name]
        missing = tuple(check for check in asked if check not in there)
        if kept is not None and not missing:
            self.say(f"{name}, run {run}: known from before")
            return _only(kept, asked)
        self.say(f"{name}, run {run}: starts")
        grading = await self._graded(name, known, run, missing)
        for _ in range(RETRIES):
            if not (missing := _invalid(grading)):
                break
            self.say(f"{name}, run {run}: again, for {', '.join(missing)}")
            again = await self._graded(name, known, run, missing)
            grading = _completed(grading, again)
        return _only(self.findings.add(key, grading), asked)

    async def _graded(
        self, name: str, known: Materialised, run: int, checks: tuple[str, ...]
    ) -> Grading:
        return await grade(
            known.submission,
            self.task,
            self.backend,
            secret=f"proof {run}".encode(),
            environment=known.environment,
            only=checks,
            lanes=1,  # gradings are side by side already
            progress=lambda line: self.say(f"{name}, run {run}: {line}"),
        )

    def _key(self, submission: Submission, run: int) -> str:
        conditions = f"{self.backend.name}-stress" if self.stress else self.backend.name
        return f"{submission.sha256[:32]}-{conditions}-{run}"


async def _in_lanes(
    lab: _Lab,
    known: Sequence[KnownSubmission],
    sealed: dict[str, Materialised],
    lanes: int,
    repeat: int,
) -> dict[str, list[Grading]]:
    """Every run of every submission, at most `lanes` at a time; the first error ends all."""
    gate = asyncio.Semaphore(lanes)
    done: dict[str, dict[int, Grading]] = {item.name: {} for item in known}

    async def one(name: str, run: int) -> None:
        async with gate:
            done[name][run] = await lab.grading(name, sealed[name], run)

    async with task_group() as group:
        for run in range(1, repeat + 1):
            for item in known:
                group.create_task(one(item.name, run))
    return {name: [runs[run] for run in sorted(runs)] for name, runs in done.items()}


def _chosen(
    everything: Sequence[KnownSubmission], only: tuple[str, ...], sample: int | None
) -> list[KnownSubmission]:
    names = [item.name for item in everything]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise UsageError(
            f"The calibration set has no submission {', '.join(unknown)}.",
            remedy=f"It has: {', '.join(names)}.",
            slug="calibration",
        )
    known = [item for item in everything if not only or item.name in only]
    mutants = [item for item in known if item.kind == "mutant"]
    if sample is not None and sample < len(mutants):
        step = len(mutants) / max(sample, 1)
        kept = {mutants[int(number * step)].name for number in range(sample)}
        known = [item for item in known if item.kind != "mutant" or item.name in kept]
    return known


def _wanted(there: tuple[str, ...], checks: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := sorted(set(checks) - set(there)):
        raise UsageError(
            f"The task has no check {', '.join(unknown)}.",
            remedy=f"It has: {', '.join(there)}.",
            slug="calibration",
        )
    return tuple(check for check in there if not checks or check in checks)


def _asked(known: KnownSubmission, wanted: tuple[str, ...], *, own: bool) -> tuple[str, ...]:
    if own and known.kind == "mutant":
        return tuple(check for check in wanted if check in known.fails)
    return wanted


def _invalid(grading: Grading) -> tuple[str, ...]:
    return tuple(check.id for check in grading.checks if check.outcome is CheckOutcome.INVALID)


def _completed(grading: Grading, again: Grading) -> Grading:
    """The first grading with what a later one measured."""
    measured = {check.id: check for check in again.checks}
    checks = tuple(measured.get(check.id, check) for check in grading.checks)
    return grading.model_copy(update={"checks": checks, "failure": again.failure})


def _only(grading: Grading, checks: tuple[str, ...]) -> Grading:
    """Without the results that were not asked for."""
    asked = tuple(one for one in grading.checks if one.id in checks)
    return grading.model_copy(update={"checks": asked})
