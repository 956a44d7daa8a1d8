"""A whole interview with a scripted candidate who really works in the sandbox.

Nothing about the result is written down anywhere: the script says what is typed and
saved, and everything else on the report is recorded and measured.
"""

from __future__ import annotations

import asyncio
import shlex
import tomllib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError, TaskFormatError
from harness.loop import working
from harness.loop.desk import Desk
from harness.loop.judging import grade_session
from harness.loop.opening import open_session
from harness.loop.reports import write_report
from harness.loop.submitting import end, submit
from harness.models.base import Model
from harness.models.check import Grading
from harness.models.rubric import Rubric
from harness.models.sandbox import TerminalSize
from harness.models.session import Session
from harness.models.task import Task
from harness.reporting import FORMATS
from harness.sandbox.protocol import Progress

DEMO_TASK = "fragile-payments"

_PROMPT = b"\x1b]133;B"  # our shell integration marks the end of each prompt with it
_STEP_PATIENCE_SEC = 120.0


class Step(Model):
    """One thing that the scripted candidate or the interviewer does."""

    type: str | None = None
    """Typed at the terminal, with Enter."""
    ask: str | None = None
    """Asked of the task's scripted assistant, at the terminal."""
    edit: str | None = None
    """A patch of the script's folder, saved as an editor would."""
    note: str | None = None
    """The interviewer's observation."""
    wait_sec: float = 0.0
    """Thinking time before it."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What is entered at the terminal."""
        asked = (f"harness-chat {shlex.quote(self.ask)}",) if self.ask else ()
        return (*asked, *((self.type,) if self.type else ()))


class Script(Model):
    """What happens in the demo, in order."""

    step: tuple[Step, ...]

    @property
    def assistant(self) -> Literal["scripted"] | None:
        """What the session needs."""
        return "scripted" if any(step.ask for step in self.step) else None


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    session_id: str
    grading: Grading
    reports: tuple[Path, ...]


async def run_demo(
    desk: Desk, task: Task, rubric: Rubric, out: Path, *, progress: Progress
) -> Demo:
    """Open, work, submit, grade, report; everything but the record is cleared away after.

    Raises:
        TaskFormatError: The task has no script for a demo.
    """
    script = read_script(task.path / "demo" / "script.toml")
    session = await open_session(
        desk,
        task,
        rubric,
        mode="live",
        trusted=True,
        assistant=script.assistant,
        progress=progress,
    )
    try:
        progress("The scripted candidate works for about two minutes")
        await _work(desk, session, task.path / "demo", script, progress)
        progress("Sealing the submission")
        await submit(desk, session.id)
        grading = await grade_session(desk, session.id, task, progress=progress)
        reports = write_report(desk, session.id, task, out, FORMATS)
    finally:
        await end(desk, session.id, by="demo", reason="the demo is over")
    return Demo(session.id, grading, tuple(reports.values()))


def read_script(path: Path) -> Script:
    """Parse a demo's script.

    Raises:
        TaskFormatError: It is missing or malformed.
    """
    try:
        return Script.model_validate(tomllib.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise TaskFormatError(
            f"The demo's script {path} cannot be read: {error}",
            remedy="Choose a task that has demo/script.toml.",
        ) from error


async def _work(
    desk: Desk, session: Session, folder: Path, script: Script, progress: Progress
) -> None:
    terminal = ScriptedTerminal()
    at_terminal = asyncio.create_task(working.enter(desk, session.id, terminal))
    try:
        await _unless_over(at_terminal, terminal.prompted())
        for step in script.step:
            await asyncio.sleep(step.wait_sec)
            if step.edit is not None:
                progress(f"  saves {step.edit.removesuffix('.patch')}")
                await _save(desk, session.id, folder / step.edit)
            if step.note is not None:
                working.note(desk, session.id, step.note, by="interviewer")
            for line in step.lines:
                progress(f"  $ {line}")
                await _unless_over(at_terminal, terminal.enter_line(line))
        terminal.hang_up()
        await asyncio.wait_for(at_terminal, _STEP_PATIENCE_SEC)
    finally:
        at_terminal.cancel()
        await asyncio.gather(at_terminal, return_exceptions=True)


async def _unless_over(terminal: asyncio.Task[object], step: Coroutine[None, None, None]) -> None:
    """Wait for a step, but not for ever, and not on a terminal that is gone."""
    waiting = asyncio.ensure_future(step)
    await asyncio.wait(
        {terminal, waiting}, timeout=_STEP_PATIENCE_SEC, return_when=asyncio.FIRST_COMPLETED
    )
    if waiting.done():
        waiting.result()
        return
    waiting.cancel()
    if terminal.done():
        terminal.result()
    raise HarnessError("The demo's terminal did not come back to its prompt.")


async def _save(desk: Desk, session_id: str, patch: Path) -> None:
    session = desk.store.session(session_id)
    assert session.container is not None
    workspace = await desk.backend_named(session.backend).attach(session.container)
    result = await workspace.exec(
        ["git", "apply", "-"], stdin=patch.read_bytes(), timeout_sec=_STEP_PATIENCE_SEC
    )
    if not result.success:
        raise TaskFormatError(
            f"The demo's {patch.name} does not apply: {result.stderr.decode(errors='replace')}",
            remedy="Make it again for the task's present repository.",
        )


class ScriptedTerminal:
    """Types lines when the prompt is there, as a person would."""

    def __init__(self) -> None:
        self._keys: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._prompt = asyncio.Event()
        self._tail = b""

    @property
    def size(self) -> TerminalSize:
        """An ordinary window."""
        return TerminalSize(cols=110, rows=32)

    async def keys(self) -> AsyncIterator[bytes | TerminalSize]:
        """What the script types."""
        while (typed := await self._keys.get()) is not None:
            yield typed

    def show(self, data: bytes) -> None:
        """Watch for the prompt."""
        seen = self._tail + data
        if _PROMPT in seen:
            self._prompt.set()
        self._tail = seen[-len(_PROMPT) + 1 :]

    async def prompted(self) -> None:
        """Wait for the next prompt."""
        await self._prompt.wait()

    async def enter_line(self, line: str) -> None:
        """Type a line and wait until the prompt is back."""
        self._prompt.clear()
        self._tail = b""
        self._keys.put_nowait(line.encode() + b"\r")
        await self.prompted()

    def hang_up(self) -> None:
        """Leave the shell."""
        self._keys.put_nowait(b"exit\r")
        self._keys.put_nowait(None)
