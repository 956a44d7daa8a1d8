"""The candidate's explicit start: what is recorded and who sees it, then the question."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.models.event import AssistantOpened
    from harness.models.session import Session

StartUnasked = Annotated[bool, typer.Option("--yes", help="Start without being asked.")]


def explicit_start(session: Session, assistant: AssistantOpened | None, *, yes: bool) -> None:
    """Tell and ask before the first thing that makes a session's clock run; later, nothing.

    Args:
        assistant: The candidate's, which they are told of.
        yes: Tell, and take the answer as given.

    Raises:
        UsageError: Nobody is there to be asked.
        typer.Abort: The answer is no.
    """
    from harness.errors import UsageError
    from harness.models.session import SessionStatus

    if session.status is not SessionStatus.OPEN:
        return
    typer.echo(
        f"You are about to start: {session.minutes:g} minutes, the clock runs from now.\n"
        "Recorded: the files below /workspace every few seconds, what this terminal prints, the\n"
        "commands and their exit codes. Not recorded: your key strokes, anything outside.\n"
        f"{_of_assistant(assistant)}"
        "Interviewers and the hiring committee see it. The brief is INSTRUCTION.md.\n"
        "More time is there for the asking: talk to your interviewer before you start.",
        err=True,
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"Session {session.id} has not been started, and nobody is there to be asked.",
            remedy=f"Let the candidate start it with `harness session enter {session.id}`; "
            "`--yes` starts the clock here and now.",
        )
    if not typer.confirm("Start now?", err=True):
        raise typer.Abort


def _of_assistant(opened: AssistantOpened | None) -> str:
    """What a candidate is told of theirs; nothing where there is none."""
    if opened is None:
        return ""
    what = "a script written for this task" if opened.kind == "scripted" else "a model"
    return (
        f"You have an AI assistant, {what}; using it or not is up to you, and it can be wrong.\n"
        "Recorded, too: every exchange with it, word for word.\n"
    )
