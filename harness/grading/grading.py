"""One grading, from a sealed tree to results."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import harness
from harness.grading.cleanup import sweep, task_group, uninterrupted
from harness.grading.control import (
    GoodService,
    NothingStartsError,
    NotStartingError,
    Original,
    StartControl,
)
from harness.grading.grader import GraderRun, require_checks
from harness.grading.lane import Claims, Lane
from harness.grading.steadiness import with_steadiness
from harness.grading.sut import sut_spec
from harness.grading.turns import PLACES
from harness.grading.unseal import verify
from harness.models.check import (
    CheckDeclaration,
    CheckOutcome,
    CheckResult,
    Grading,
    GradingFailure,
)
from harness.models.grader import GraderBrief
from harness.models.session import Submission
from harness.models.task import Task
from harness.sandbox.owners import process_owner
from harness.sandbox.protocol import Progress, SandboxBackend

DEFAULT_LANES = min(5, PLACES)
"""Checks side by side; they wait most of their time. Every further lane means one more
network and grader to build."""


async def grade(
    submission: Submission,
    task: Task,
    backend: SandboxBackend,
    *,
    secret: bytes,
    grading_id: str | None = None,
    environment: Path | None = None,
    only: tuple[str, ...] = (),
    confirm: bool = True,
    lanes: int = DEFAULT_LANES,
    progress: Progress | None = None,
    timeout_sec: float | None = None,
) -> Grading:
    """Run a task's hidden checks against a sealed submission.

    The checks run in a sandbox of their own and reach the submission only over a
    private network, so no candidate code has ever been in their process. Everything
    that is started belongs to the grading's id and is gone on return, on failure and
    on cancellation.

    Args:
        submission: A sealed source tree; never the live workspace.
        task: Its `tests/` folder is seen by the grader alone.
        backend: Starts systems under test and the grader.
        secret: Seeds the checks' inputs: they differ between candidates and repeat
            when the same submission is graded again.
        grading_id: Owner of everything started; by default a new one, `g-...`.
        environment: What the service's image is built from; the task's by default.
        only: Ids of the checks to run; all when empty.
        confirm: Confirm failing timing checks on fresh systems under test.
        lanes: Checks side by side, each lane with a network, a grader and systems under
            test of its own; one where the backend does not isolate.
        progress: Told of each step.
        timeout_sec: Wall-clock seconds for all checks; the task's `verifier.timeout_sec`
            by default.

    Returns:
        One result per check in declaration order. When the submission does not start
        although the original does, every check has failed and `failure` says why. When
        the grader broke or ran out of time, checks without a result are "invalid".

    Raises:
        IntegrityError: The submission is not what was sealed.
        CheckError: The hidden checks could not even be collected.
        SandboxError: Our machinery failed; nothing was scored.

    Source: control and positive-control practice, `facts/checks.md` section 0.
    """
    owner = grading_id or process_owner("g")
    say = progress or (lambda _: None)
    spec = sut_spec(task)
    entries = await asyncio.to_thread(verify, submission)
    started_at = datetime.now(UTC)
    images = await _images(task, environment, backend, say)
    brief = GraderBrief(
        task=task.name,
        contract=task.spec.interview.contract,
        upstreams=(),
        module=task.spec.interview.module,
        ready_path=spec.ready_path,
        ready_timeout_sec=spec.ready_timeout_sec,
        seed=_seed(secret, submission, task),
        only=only,
        confirm=confirm,
    )
    lane = partial(
        Lane,
        task,
        backend,
        submission,
        entries=entries,
        owner=owner,
        images=images,
        claims=Claims(),
        progress=say,
    )
    # without containers, two copies of a service would meet on one loopback
    side_by_side = min(lanes, len(only) or lanes) if backend.isolates else 1
    try:
        with GoodService(task) as good, Original(task) as original:
            control = StartControl(task, original, say)
            standing = [
                lane(control=control, good=good, original=original) for _ in range(side_by_side)
            ]
            failure = await _conduct(standing, brief, timeout_sec or task.spec.verifier.timeout_sec)
    finally:
        await uninterrupted(sweep(backend, owner, say))
    results, trouble = _results([one.run for one in standing], failure)
    checks = with_steadiness(task, results)
    return Grading(
        id=owner,
        task=task.name,
        task_version=task.spec.task.version,
        task_digest=task.digest,
        submission_sha256=submission.sha256,
        backend=backend.name,
        harness_version=harness.__version__,
        images=images,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        checks=checks,
        failure=failure or trouble,
    )


async def _conduct(
    lanes: Sequence[Lane], brief: GraderBrief, timeout_sec: float
) -> GradingFailure | None:
    """Run every lane to its end; a failure is the submission's, which does not start."""
    try:
        async with task_group() as group:
            for number, lane in enumerate(lanes):
                told = brief.model_copy(update={"lane": number})
                group.create_task(lane.conduct(told, timeout_sec=timeout_sec))
    except NotStartingError as verdict:
        return verdict.as_failure()
    except NothingStartsError as verdict:
        raise verdict.as_error() from verdict
    return None


def _seed(secret: bytes, submission: Submission, task: Task) -> str:
    message = f"{submission.sha256}\0{task.digest}".encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


async def _images(
    task: Task, environment: Path | None, backend: SandboxBackend, progress: Progress
) -> dict[str, str]:
    """By role."""
    workspace = task.image("workspace")
    if environment is not None:
        workspace = workspace.model_copy(update={"context": str(environment)})
    builds = (workspace, task.image("grader"))
    return {str(one.role): await backend.ensure_image(one, progress=progress) for one in builds}


def _results(
    runs: Sequence[GraderRun], failure: GradingFailure | None
) -> tuple[tuple[CheckResult, ...], GradingFailure | None]:
    """Every declared check's result, and why some were not measured if some were not.

    Args:
        runs: One for each lane.
        failure: Set when the submission does not start; every check has failed then.
    """
    checks = require_checks(runs)
    if failure is not None:
        return tuple(_not_started(check, failure) for check in checks), None
    found = {id_: result for run in runs for id_, result in run.results.items()}
    if all(check.id in found for check in checks):
        return tuple(found[check.id] for check in checks), None
    broken = next((run for run in runs if run.trouble), runs[0])
    why = broken.trouble or "The grader gave no result."
    results = tuple(found.get(check.id) or _not_measured(check, why) for check in checks)
    return results, GradingFailure(kind="machinery", message=why, log_tail=broken.last_words)


def _not_started(check: CheckDeclaration, failure: GradingFailure) -> CheckResult:
    return check.result(
        CheckOutcome.FAILED, score=0.0, summary=failure.message, log_tail=failure.log_tail
    )


def _not_measured(check: CheckDeclaration, why: str) -> CheckResult:
    return check.result(CheckOutcome.INVALID, score=None, summary=f"Not measured: {why}")
