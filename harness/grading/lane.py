"""One lane of a grading: a private network with a grader and its systems under test.

Lanes share nothing but the list of checks, from which each takes the next one that
nobody has taken.
"""

from __future__ import annotations

import os
from typing import Any

from harness.grading.cleanup import uninterrupted
from harness.grading.control import GoodService, Original, StartControl
from harness.grading.grader import Grader, GraderRun
from harness.grading.places import bindings
from harness.grading.sut import Sut, Suts
from harness.grading.turns import Turn
from harness.models.grader import GraderBrief, Request
from harness.models.sandbox import Mount, ResourceLimits, SandboxSpec
from harness.models.session import Submission
from harness.models.task import Task
from harness.sandbox.protocol import Progress, SandboxBackend, SandboxEnvironment

TESTS = "/opt/grader/tests"
"""Where the grader has the hidden checks."""

GRADER_LIMITS = ResourceLimits(
    cpus=float(min(2, os.cpu_count() or 1)), memory_mb=1024, pids=512, nofile=16384, tmp_mb=256
)
"""Room for upstreams and a load generator that must not be the bottleneck."""


class Claims:
    """Which checks are taken; each goes to the lane that asks first."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, check: str) -> bool:
        """Whether it was free."""
        free = check not in self._taken
        self._taken.add(check)
        return free


class Lane:
    """Runs checks one after the other, each on systems under test of its own.

    Args:
        task: Whose checks.
        backend: Starts what the lane needs.
        submission: Verified already.
        entries: How many files and folders it has.
        owner: Everything started belongs to it; the grading sweeps it up.
        images: By role: "workspace" and "grader".
        claims: Shared by the grading's lanes.
        control: Shared by the grading's lanes.
        good: Shared by the grading's lanes.
        original: Shared by the grading's lanes.
        progress: Told of each check.
    """

    def __init__(
        self,
        task: Task,
        backend: SandboxBackend,
        submission: Submission,
        *,
        entries: int,
        owner: str,
        images: dict[str, str],
        claims: Claims,
        control: StartControl,
        good: GoodService,
        original: Original,
        progress: Progress,
    ) -> None:
        self._task = task
        self._backend = backend
        self._submission = submission
        self._entries = entries
        self._owner = owner
        self._images = images
        self._claims = claims
        self._control = control
        self._good = good
        self._original = original
        self._say = progress
        self.run = GraderRun()
        """What its grader has said so far."""
        self._turn = Turn()
        self._upstreams = bindings(task.spec.interview.upstreams, contained=backend.isolates)

    async def conduct(self, brief: GraderBrief, *, timeout_sec: float) -> None:
        """Take checks until none is left.

        Args:
            brief: What the checks are told; the lane adds where its upstreams are.
            timeout_sec: Wall-clock seconds for all of it.

        Raises:
            Verdict: Nothing starts, so there is nothing to check.
            SandboxError: Our machinery failed.
        """
        network = await uninterrupted(self._backend.create_network(self._owner))
        suts = Suts(
            self._backend,
            self._task,
            self._upstreams,
            owner=self._owner,
            image=self._images["workspace"],
            network=network.id,
        )
        grader = await self._grader(network.id)

        async def verbs(request: Request) -> dict[str, Any]:
            match request.verb:
                case "claim":
                    return {"granted": self._claims.take(str(request.args.get("check")))}
                case "take_turn":
                    loud, alone = (bool(request.args.get(name)) for name in ("loud", "alone"))
                    await self._turn.take(loud=loud, alone=alone)
                    return {}
                case "end_turn":
                    self._turn.end()
                    return {}
                case "start":
                    return _started(await self._start(request, suts, grader))
                case _:
                    return await suts.serve(request)

        argv = ["python", "-m", "harness.checks", TESTS]
        more = {"upstreams": self._upstreams, "good_service": self._good.there}
        told = brief.model_copy(update=more)
        work = Grader(grader, argv, verbs, self._say, self.run)
        try:
            await work.conduct(told, timeout_sec=timeout_sec)
        finally:
            self._turn.end()
            await uninterrupted(suts.gone())

    async def _start(self, request: Request, suts: Suts, grader: SandboxEnvironment) -> Sut:
        """The submission, or what it is held against."""
        if request.args.get("good_service"):
            good = await self._good.sealed()
            return await suts.start(good, good.files)
        if request.args.get("original"):
            original = await self._original.sealed()
            return await suts.start(original, original.files)
        sut = await suts.start(self._submission, self._entries)
        await self._control.watch(sut, suts, grader)
        return sut

    async def _grader(self, network: str) -> SandboxEnvironment:
        # a container's image has the checks in it; without containers they are looked at in place
        tests = Mount(source=str(self._task.tests), target=TESTS, read_only=True)
        hosts = tuple(dict.fromkeys(item.host for item in self._upstreams))
        return await self._backend.start(
            SandboxSpec(
                owner=self._owner,
                role="grader",
                image=self._images["grader"],
                workdir="/tmp",  # noqa: S108 - its own, in its sandbox
                network=network,
                aliases=hosts or ("grader",),
                mounts=() if self._backend.isolates else (tests,),
                limits=GRADER_LIMITS,
            )
        )


def _started(sut: Sut) -> dict[str, Any]:
    return {"sut": sut.id, "address": sut.address, "token": sut.token}
