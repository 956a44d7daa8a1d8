"""One grading, from a sealed tree to results."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import tempfile
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import harness
from harness.errors import SandboxError
from harness.grading.cleanup import sweep, uninterrupted
from harness.grading.grader import Grader, GraderRun, Verdict, require_checks
from harness.grading.places import bindings
from harness.grading.readiness import Hindrance, hindrance
from harness.grading.seal import seal
from harness.grading.sut import Sut, Suts, sut_spec
from harness.grading.turns import Turn
from harness.grading.unseal import verify
from harness.models.check import (
    CheckDeclaration,
    CheckOutcome,
    CheckResult,
    Grading,
    GradingFailure,
)
from harness.models.grader import GraderBrief, Request, UpstreamBinding
from harness.models.sandbox import ImageBuild, Mount, ResourceLimits, SandboxSpec
from harness.models.session import Submission
from harness.models.task import Task
from harness.sandbox.owners import process_owner
from harness.sandbox.protocol import Progress, SandboxBackend, SandboxEnvironment

TESTS = "/opt/grader/tests"
"""Where the grader has the hidden checks."""

GRADER_LIMITS = ResourceLimits(
    cpus=float(min(2, os.cpu_count() or 1)), memory_mb=1024, pids=512, nofile=16384, tmp_mb=256
)
"""Room for upstreams and a load generator that must not be the bottleneck."""


async def grade(
    submission: Submission,
    task: Task,
    backend: SandboxBackend,
    *,
    secret: bytes,
    grading_id: str | None = None,
    only: tuple[str, ...] = (),
    confirm: bool = True,
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
        only: Ids of the checks to run; all when empty.
        confirm: Confirm failing timing checks on fresh systems under test.
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
    entries = await asyncio.to_thread(verify, submission)
    started_at = datetime.now(UTC)
    spec = task.spec.verifier
    with _Bench(task, backend, owner, entries, say) as bench:
        try:
            grader, images = await bench.prepare()
            brief = _brief(task, bench.upstreams, _seed(secret, submission, task), only, confirm)
            run, failure = await bench.conduct(
                grader, submission, brief, timeout_sec or spec.timeout_sec
            )
        finally:
            await uninterrupted(sweep(backend, owner, say))
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
        checks=_results(run, failure),
        failure=failure,
    )


class _NotStarting(Verdict):
    """The submission does not come up although the original does."""

    def __init__(self, found: Hindrance) -> None:
        super().__init__(found.message)
        self.found = found


class _NothingStarts(Verdict):
    """Not even the original comes up."""


class _Bench(AbstractContextManager["_Bench"]):
    """What one grading has standing: network, grader, systems under test, the control."""

    def __init__(
        self, task: Task, backend: SandboxBackend, owner: str, entries: int, progress: Progress
    ) -> None:
        self._task = task
        self._backend = backend
        self._owner = owner
        self._entries = entries
        self._say = progress
        self._scratch = tempfile.TemporaryDirectory(prefix="harness-control-")
        self._first_start = asyncio.Lock()
        self._starts = False
        self.upstreams = bindings(task.spec.interview.upstreams, contained=backend.isolates)

    def __exit__(self, *_: object) -> None:
        self._scratch.cleanup()

    async def prepare(self) -> tuple[SandboxEnvironment, dict[str, str]]:
        """Images, network and the grader's sandbox."""
        task, backend = self._task, self._backend
        sut_spec(task)
        images = {
            "workspace": await self._image("workspace", task.environment),
            "grader": await self._image("grader", task.tests),
        }
        network = await uninterrupted(backend.create_network(self._owner))
        self._suts = Suts(
            backend,
            task,
            self.upstreams,
            owner=self._owner,
            image=images["workspace"],
            network=network.id,
        )
        # a container's image has the checks in it; without containers they are looked at in place
        tests = Mount(source=str(task.tests), target=TESTS, read_only=True)
        grader = await backend.start(
            SandboxSpec(
                owner=self._owner,
                role="grader",
                image=images["grader"],
                workdir="/tmp",  # noqa: S108 - its own, in its sandbox
                network=network.id,
                aliases=tuple(dict.fromkeys(item.host for item in self.upstreams)) or ("grader",),
                mounts=() if backend.isolates else (tests,),
                limits=GRADER_LIMITS,
            )
        )
        return grader, images

    async def conduct(
        self,
        grader: SandboxEnvironment,
        submission: Submission,
        brief: GraderBrief,
        timeout_sec: float,
    ) -> tuple[GraderRun, GradingFailure | None]:
        """Let the checks run to their end."""
        turn = Turn()

        async def verbs(request: Request) -> dict[str, Any]:
            if request.verb == "take_turn":
                await turn.take()
                return {}
            if request.verb == "end_turn":
                turn.end()
                return {}
            if request.verb != "start":
                return await self._suts.serve(request)
            sut = await self._suts.start(submission, self._entries)
            async with self._first_start:
                if not self._starts:
                    await self._see_it_start(sut, grader)
                    self._starts = True
            return {"sut": sut.id, "address": sut.address}

        work = Grader(grader, ["python", "-m", "harness.checks", TESTS], verbs, self._say)
        failure: GradingFailure | None = None
        try:
            await work.conduct(brief, timeout_sec=timeout_sec)
        except _NotStarting as verdict:
            found = verdict.found
            failure = GradingFailure(
                kind="submission", message=found.message, log_tail=found.log_tail
            )
        except _NothingStarts as verdict:
            raise SandboxError(
                f"Task '{self._task.name}': neither the submission nor the task's own original "
                f"starts, so nothing follows about the submission. {verdict}",
                remedy="Look at the task's image and at `harness doctor`, then grade again.",
                slug="control-not-starting",
            ) from verdict
        finally:
            turn.end()
        require_checks(work.run)
        if failure is None and work.run.trouble:
            failure = GradingFailure(
                kind="machinery", message=work.run.trouble, log_tail=work.run.last_words
            )
        return work.run, failure

    async def _see_it_start(self, sut: Sut, grader: SandboxEnvironment) -> None:
        """Before the first check counts: tell a submission that does not start from our failure."""
        spec = sut_spec(self._task)
        self._say("waiting for the submission to be ready")
        found = await hindrance(sut, spec, grader)
        if found is None:
            return
        await self._suts.remove(sut)
        self._say(f"{found.message} Trying the original as control")
        original = await asyncio.to_thread(seal, self._task.repo, Path(self._scratch.name))
        control = await self._suts.start(original, original.files)
        own = await hindrance(control, spec, grader)
        if own is None:
            raise _NotStarting(found)
        raise _NothingStarts(f"The original: {own.message} Its last lines:\n{own.log_tail[-2000:]}")

    async def _image(self, role: Any, context: Path) -> str:  # noqa: ANN401 - a literal
        build = ImageBuild(
            role=role,
            name=self._task.name,
            context=str(context),
            timeout_sec=self._task.spec.environment.build_timeout_sec,
        )
        return await self._backend.ensure_image(build, progress=self._say)


def _seed(secret: bytes, submission: Submission, task: Task) -> str:
    message = f"{submission.sha256}\0{task.digest}".encode()
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def _brief(
    task: Task,
    upstreams: tuple[UpstreamBinding, ...],
    seed: str,
    only: tuple[str, ...],
    confirm: bool,
) -> GraderBrief:
    spec = sut_spec(task)
    return GraderBrief(
        task=task.name,
        contract=task.spec.interview.contract,
        upstreams=upstreams,
        ready_path=spec.ready_path,
        ready_timeout_sec=spec.ready_timeout_sec,
        seed=seed,
        only=only,
        confirm=confirm,
    )


def _results(run: GraderRun, failure: GradingFailure | None) -> tuple[CheckResult, ...]:
    """Every declared check's result, the missing ones explained."""
    checks = require_checks(run)
    if failure is not None and failure.kind == "submission":
        return tuple(_without_run(check, failure, CheckOutcome.FAILED) for check in checks)
    return tuple(
        run.results.get(check.id) or _without_run(check, failure, CheckOutcome.INVALID)
        for check in checks
    )


def _without_run(
    check: CheckDeclaration, failure: GradingFailure | None, outcome: CheckOutcome
) -> CheckResult:
    message = failure.message if failure else "The grader gave no result."
    failed = outcome is CheckOutcome.FAILED
    return CheckResult(
        **check.model_dump(exclude={"control", "timing", "loud"}),
        outcome=outcome,
        score=0.0 if failed else None,
        summary=message if failed else f"Not measured: {message}",
        attempts=0,
        log_tail=failure.log_tail if failure and failed else "",
    )
