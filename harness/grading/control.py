"""What tells our failures from the submission's: other services on the same machine.

The original is started when the submission does not start, and a good service meets the
loud checks that the submission failed.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from harness.errors import SandboxError
from harness.grading.calibration import (
    KnownSubmission,
    has_calibration,
    materialise,
    read_calibration,
)
from harness.grading.grader import Verdict
from harness.grading.readiness import Hindrance, hindrance
from harness.grading.seal import seal
from harness.grading.sut import Sut, Suts
from harness.models.check import GradingFailure
from harness.models.session import Submission
from harness.models.task import Task
from harness.sandbox.protocol import Progress, SandboxEnvironment


class NotStartingError(Verdict):
    """The submission does not come up although the original does."""

    def __init__(self, found: Hindrance) -> None:
        super().__init__(found.message)
        self._found = found

    def as_failure(self) -> GradingFailure:
        """The submission's."""
        message, log_tail = self._found.message, self._found.log_tail
        return GradingFailure(kind="submission", message=message, log_tail=log_tail)


class NothingStartsError(Verdict):
    """Not even the original comes up."""

    def __init__(self, task: Task, own: Hindrance) -> None:
        super().__init__(
            f"Task '{task.name}': neither the submission nor the task's own original starts, so "
            f"nothing follows about the submission. The original: {own.message} Its last lines:\n"
            f"{own.log_tail[-2000:]}"
        )

    def as_error(self) -> SandboxError:
        """Whose turn it is: ours, or the task author's."""
        return SandboxError(
            str(self),
            remedy="Look at the task's image and at `harness doctor`, then grade again.",
            slug="control-not-starting",
        )


class Original(AbstractContextManager["Original"]):
    """What the candidate was given, sealed when it is wanted."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._scratch = tempfile.TemporaryDirectory(prefix="harness-control-")
        self._once = asyncio.Lock()
        self._sealed: Submission | None = None

    def __exit__(self, *_: object) -> None:
        self._scratch.cleanup()

    async def sealed(self) -> Submission:
        """It, ready to be started."""
        async with self._once:
            if self._sealed is None:
                folder = Path(self._scratch.name)
                self._sealed = await asyncio.to_thread(seal, self._task.repo, folder)
        return self._sealed


class StartControl:
    """Watches the first start of a grading, whichever lane it happens in."""

    def __init__(self, task: Task, original: Original, progress: Progress) -> None:
        self._task = task
        self._original = original
        self._say = progress
        self._first = asyncio.Lock()
        self._starts = False

    async def watch(self, sut: Sut, suts: Suts, grader: SandboxEnvironment) -> None:
        """Wait until the first system under test is ready; later ones are the checks' matter.

        Raises:
            NotStartingError: It does not start, and the original does.
            NothingStartsError: The original does not start either.
            SandboxError: We could not look.
        """
        async with self._first:
            if not self._starts:
                self._say("waiting for the submission to be ready")
                found = await _hindrance(sut, suts, grader)
                if found is not None:
                    await suts.remove(sut)
                    self._say(f"{found.message} Trying the original as control")
                    await self._try_original(found, suts, grader)
                self._starts = True

    async def _try_original(self, found: Hindrance, suts: Suts, grader: SandboxEnvironment) -> None:
        original = await self._original.sealed()
        control = await suts.start(original, original.files)
        own = await _hindrance(control, suts, grader)
        if own is None:
            raise NotStartingError(found)
        raise NothingStartsError(self._task, own)


async def _hindrance(sut: Sut, suts: Suts, grader: SandboxEnvironment) -> Hindrance | None:
    """What hinders it; one that we cannot look at is no check's, so it does not stay."""
    try:
        return await hindrance(sut, suts.spec, grader)
    except Exception:
        await suts.remove(sut)
        raise


class GoodService(AbstractContextManager["GoodService"]):
    """The first reference of the task's calibration set, sealed when it is wanted."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._scratch = tempfile.TemporaryDirectory(prefix="harness-control-")
        self._once = asyncio.Lock()
        self._sealed: Submission | None = None
        self._known = _first_reference(task)

    def __exit__(self, *_: object) -> None:
        self._scratch.cleanup()

    @property
    def there(self) -> bool:
        """Whether the task has one."""
        return self._known is not None

    async def sealed(self) -> Submission:
        """It, ready to be started.

        Raises:
            SandboxError: The task has none.
        """
        if self._known is None:
            raise SandboxError(f"Task '{self._task.name}' has no reference to start.")
        async with self._once:
            if self._sealed is None:
                made = await asyncio.to_thread(
                    materialise, self._task, self._known, Path(self._scratch.name)
                )
                self._sealed = made.submission
        return self._sealed


def _first_reference(task: Task) -> KnownSubmission | None:
    """One that runs in the same image as the submission."""
    known = read_calibration(task).submission if has_calibration(task) else ()
    fits = (item for item in known if item.kind == "reference" and not item.own_requirements)
    return next(fits, None)
