"""The grader's end of a grading: one process with the hidden checks, and its channel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from harness.errors import CheckError, HarnessError, SandboxError
from harness.grading.cleanup import task_group
from harness.models.check import CheckDeclaration, CheckResult
from harness.models.grader import (
    FROM_GRADER,
    MAX_LINE_BYTES,
    CheckFinished,
    CheckStarted,
    Declared,
    Finished,
    FromGrader,
    GraderBrief,
    Reply,
    Request,
)
from harness.sandbox.protocol import Progress, SandboxEnvironment, SandboxProcess

MAX_CHANNEL_BYTES = 64 * 1024 * 1024
"""More than that in a whole run is a broken grader."""
MAX_STDERR_BYTES = 16 * 1024
"""What is kept of what the grader tells people."""
MAX_CHECKS = 1000
GRACE_SEC = 30.0
"""How much longer than the grader's own deadline we wait for its end."""

Verbs = Callable[[Request], Awaitable[dict[str, Any]]]
"""Serves one request; raises HarnessError when our machinery fails."""


class ChannelBrokenError(SandboxError):
    """The grader said something that the channel's models do not know."""

    default_slug = "grader-channel"


@dataclass
class GraderRun:
    """What the grader has said so far."""

    declared: tuple[CheckDeclaration, ...] | None = None
    results: dict[str, CheckResult] = field(default_factory=dict)
    finished: bool = False
    trouble: str = ""
    """Why the run did not finish, in one sentence; empty when it did."""
    stderr: bytes = b""

    def take(self, said: Declared | CheckFinished | Finished) -> None:
        """Note one notice.

        Raises:
            ChannelBrokenError: It does not fit what was said before.
        """
        match said:
            case Declared():
                if self.declared is not None or len(said.checks) > MAX_CHECKS:
                    raise ChannelBrokenError("The grader declared its checks twice, or too many.")
                self.declared = said.checks
            case CheckFinished():
                known = {check.id for check in self.declared or ()}
                if said.result.id not in known or said.result.id in self.results:
                    raise ChannelBrokenError(
                        f"The grader sent a result for '{said.result.id[:80]}', which is not due."
                    )
                self.results[said.result.id] = said.result
            case Finished():
                self.finished = True

    @property
    def last_words(self) -> str:
        """The end of the grader's standard error, for the task's author."""
        return self.stderr.decode("utf-8", "replace")


class Grader:
    """Runs `python -m harness.checks` in a sandbox and talks with it.

    Args:
        environment: A started sandbox of role grader.
        argv: The program with the folder of the hidden checks.
        verbs: Serves its requests.
        progress: Told of each check.
        run: Filled as it speaks.
    """

    def __init__(
        self,
        environment: SandboxEnvironment,
        argv: list[str],
        verbs: Verbs,
        progress: Progress,
        run: GraderRun,
    ) -> None:
        self._environment = environment
        self._argv = argv
        self._verbs = verbs
        self._progress = progress
        self.run = run

    async def conduct(self, brief: GraderBrief, *, timeout_sec: float) -> GraderRun:
        """Run every check to its end, or to the deadline.

        Whatever goes wrong is in `GraderRun.trouble`, with the results that were
        there before; only an error of a verb's own making comes out as raised by it.

        Args:
            brief: What the checks are told.
            timeout_sec: Wall-clock seconds for all of it, enforced inside the sandbox.
        """
        process = await self._environment.open(
            self._argv,
            timeout_sec=timeout_sec,
            env={"PYTHONUNBUFFERED": "1"},  # its last words must not die in a buffer
            output_limit=MAX_CHANNEL_BYTES,
        )
        try:
            async with asyncio.timeout(timeout_sec + GRACE_SEC):
                await process.send(brief.model_dump_json().encode() + b"\n")
                await self._converse(process)
                await self._note_end(process, timeout_sec)
        except TimeoutError:
            self.run.trouble = f"The grader did not end within {timeout_sec:g} s."
        except ChannelBrokenError as exc:
            self.run.trouble = exc.message
        finally:
            await asyncio.shield(process.kill())
        return self.run

    async def _converse(self, process: SandboxProcess) -> None:
        sending = asyncio.Lock()
        async with contextlib.AsyncExitStack() as streams, task_group() as requests:
            lines = await streams.enter_async_context(contextlib.aclosing(self._lines(process)))
            async for line in lines:
                said = _parsed(line)
                if isinstance(said, Request):
                    requests.create_task(self._answer(said, process, sending))
                elif isinstance(said, CheckStarted):
                    again = f" (attempt {said.attempt})" if said.attempt > 1 else ""
                    self._progress(f"{said.check}{again}")
                else:
                    self.run.take(said)
                    if isinstance(said, CheckFinished):
                        self._progress(f"{said.result.id}: {said.result.outcome}")
                    elif isinstance(said, Finished):
                        break

    async def _answer(
        self, request: Request, process: SandboxProcess, sending: asyncio.Lock
    ) -> None:
        try:
            reply = Reply(id=request.id, value=await self._verbs(request))
        except Verdict:
            raise
        except HarnessError as exc:
            reply = Reply(id=request.id, error=str(exc))
        except (ValueError, TypeError) as exc:  # arguments that the verb does not take
            reply = Reply(id=request.id, error=f"{request.verb}: {exc}")
        except Exception as exc:  # noqa: BLE001 - one check is not measured; no result is lost
            reply = Reply(id=request.id, error=f"{request.verb}: {type(exc).__name__}: {exc}")
        async with sending:
            with contextlib.suppress(SandboxError):  # its end is told by its output's end
                await process.send(reply.model_dump_json().encode() + b"\n")

    async def _lines(self, process: SandboxProcess) -> AsyncGenerator[bytes, None]:
        held = bytearray()
        async for chunk in process.output():
            if chunk.stream == "stderr":
                self.run.stderr = (self.run.stderr + chunk.data)[-MAX_STDERR_BYTES:]
                continue
            held += chunk.data
            *lines, rest = held.split(b"\n")
            held = bytearray(rest)
            for line in lines:
                yield bytes(line)
            if len(held) > MAX_LINE_BYTES:
                raise ChannelBrokenError(f"The grader sent a line above {MAX_LINE_BYTES} bytes.")

    async def _note_end(self, process: SandboxProcess, timeout_sec: float) -> None:
        if self.run.finished:
            return
        result = await process.wait()
        if result.timed_out:
            self.run.trouble = f"The checks did not end within {timeout_sec:g} s."
        elif result.oom_killed:
            self.run.trouble = "The grader ran out of memory."
        elif result.truncated:
            self.run.trouble = f"The grader sent more than {MAX_CHANNEL_BYTES} bytes."
        else:
            self.run.trouble = f"The grader ended with status {result.returncode} before its time."


class Verdict(Exception):  # noqa: N818 - a finding that ends the run, not an error
    """Raised by a verb to end the run at once, with what it found."""


def _parsed(line: bytes) -> FromGrader:
    try:
        return FROM_GRADER.validate_json(line)
    except ValidationError as exc:
        shown = line[:120].decode("utf-8", "replace")
        raise ChannelBrokenError(f"The grader sent a line that is none of ours: {shown!r}") from exc


def require_checks(runs: Sequence[GraderRun]) -> tuple[CheckDeclaration, ...]:
    """What was declared, the same in every lane.

    Raises:
        CheckError: Nothing was: the hidden checks are broken, and their author acts.
    """
    for run in runs:
        if run.declared:
            return run.declared
    run = next((run for run in runs if run.trouble), runs[0])
    reason = run.trouble or "it declared no check"
    raise CheckError(
        f"The hidden checks could not be run: {reason} Its last lines:\n{run.last_words.strip()}",
        remedy="Run `harness task lint` and look at tests/.",
        slug="checks-broken",
    )
