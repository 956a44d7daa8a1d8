"""`harness session ...`: open, work, watch over, hand in."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from harness.cli.at_desk import at_desk, at_session, loaded_settings, task_named
from harness.cli.explicit_start import StartUnasked, explicit_start

if TYPE_CHECKING:
    from harness.loop.desk import Desk
    from harness.models.identity import Identity
    from harness.models.sandbox import ExecResult
    from harness.models.session import Session

app = typer.Typer(no_args_is_help=True, help="One candidate, one task, one clock.")

SessionId = Annotated[str, typer.Argument(help="The session's id, or enough of its beginning.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[
    list[str] | None, typer.Option("--name", help="Of the candidate; reports do not tell it.")
]
Emails = Annotated[list[str] | None, typer.Option("--email", help="Of the candidate, likewise.")]
Usernames = Annotated[
    list[str] | None, typer.Option("--username", help="Of the candidate, likewise.")
]
By = Annotated[str, typer.Option("--by", help="Who does this, for the record.")]


def _me() -> str:
    return getpass.getuser()


def _identity(
    name: list[str] | None, email: list[str] | None, username: list[str] | None
) -> Identity:
    from harness.models.identity import Identity

    return Identity(
        names=tuple(name or ()), emails=tuple(email or ()), usernames=tuple(username or ())
    )


@app.command("open")
def open_(
    context: typer.Context,
    task: Annotated[str, typer.Option("--task", "-t", help="Name of the task.")],
    rubric: Annotated[str | None, typer.Option(help="Rubric; the task's own by default.")] = None,
    mode: Annotated[str, typer.Option(help="take-home or live.")] = "take-home",
    minutes: Annotated[float | None, typer.Option(help="Time box; the task's by default.")] = None,
    candidate: Annotated[str, typer.Option(help="How you tell them apart in lists.")] = "",
    loop: Annotated[str | None, typer.Option(help="Joins the sessions of one candidate.")] = None,
    name: Names = None,
    email: Emails = None,
    username: Usernames = None,
    assistant: Annotated[
        str | None,
        typer.Option(
            help="scripted: the task author's; provider: as configured. Recorded; none by default."
        ),
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(help="An assistant's program for the workspace, such as claude-code."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a workspace; the clock starts when the candidate first enters."""
    from harness.catalog.rubrics import RubricCatalog
    from harness.cli.present import console, printed, progress, show_json
    from harness.errors import UsageError
    from harness.loop.opening import open_session
    from harness.models.exchange import AssistantKind

    if mode not in ("take-home", "live"):
        raise UsageError(f"There is no mode '{mode}'.", remedy="Use take-home or live.")
    if assistant not in (None, *get_args(AssistantKind)):
        raise UsageError(
            f"There is no assistant '{assistant}'.", remedy="Use scripted or provider."
        )
    template = task_named(context, task)
    settings = loaded_settings(context).settings
    chosen = RubricCatalog(settings).find_rubric(rubric or template.spec.interview.rubric)

    async def work(desk: Desk) -> Session:
        return await open_session(
            desk,
            template,
            chosen,
            mode="live" if mode == "live" else "take-home",
            minutes=minutes,
            candidate=candidate,
            loop=loop,
            identity=_identity(name, email, username),
            assistant=cast("AssistantKind | None", assistant),
            clients=client,
            progress=progress(),
        )

    session = at_desk(context, work)
    if as_json:
        show_json({"id": session.id, **session.model_dump(mode="json")})
        return
    out = console()
    out.print(f"Session [bold]{printed(session.id)}[/bold] is open: {session.minutes:g} minutes.")
    out.print(f"The candidate works with   harness session enter {session.id}")
    out.print(f"and hands in with          harness session submit {session.id} --no-grade")
    out.print(f"You then grade it with     harness regrade {session.id}")


@app.command()
def identity(
    context: typer.Context,
    session: SessionId,
    name: Names = None,
    email: Emails = None,
    username: Usernames = None,
    forget: Annotated[bool, typer.Option("--forget", help="Erase what was given.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say who the candidate is, so that reports can keep it to themselves; or show or erase it."""
    from harness.cli.present import console, printed, show_json
    from harness.loop.blindness import pseudonym
    from harness.models.identity import Identity

    async def work(desk: Desk) -> tuple[Identity, str]:
        found = desk.store.find_session(session)
        known = Identity() if forget else desk.store.identity(found.id)
        known = known.joined(_identity(name, email, username))
        if forget or name or email or username:
            desk.store.put_identity(found.id, known)
        return known, pseudonym(desk, found)

    known, called = at_desk(context, work, engine=False)
    if as_json:
        show_json({**known.model_dump(mode="json"), "pseudonym": called})
        return
    given = ", ".join((*known.names, *known.emails, *known.usernames))
    console().print(printed(given or "Nothing is kept about who the candidate is."))
    console().print(f"Reports say {printed(called)}.")


@app.command()
def enter(
    context: typer.Context,
    session: SessionId,
    yes: StartUnasked = False,
) -> None:
    """A terminal in the workspace; the first time is the candidate's explicit start."""
    from harness.cli.local_terminal import raw_terminal
    from harness.loop.assistant import assistant_of
    from harness.loop.working import enter as enter_workspace

    async def work(desk: Desk, found: Session) -> ExecResult:
        explicit_start(found, assistant_of(desk, found.id), yes=yes)
        with raw_terminal() as terminal:
            return await enter_workspace(desk, found.id, terminal)

    result = at_session(context, session, work)
    if result.timed_out:
        _say(
            "Time is over; the terminal was closed and everything is kept. "
            f"Hand in with: harness session submit {session} --no-grade"
        )
    raise typer.Exit(result.returncode if result.returncode < 128 else 0)  # noqa: PLR2004  # a shell ended by a signal (hang-up) is no error of ours


@app.command("exec", context_settings={"allow_interspersed_args": False})
def exec_(
    context: typer.Context,
    session: SessionId,
    command: Annotated[list[str], typer.Argument(help="After --: the command and its arguments.")],
    timeout: Annotated[float | None, typer.Option(help="Seconds; the time box otherwise.")] = None,
    yes: StartUnasked = False,
) -> None:
    """Run one command in the workspace, recorded like the rest; leaves with its exit code."""
    from harness.loop.assistant import assistant_of
    from harness.loop.working import execute

    argv = command[1:] if command[0] == "--" else command

    def sink(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    async def work(desk: Desk, found: Session) -> ExecResult:
        explicit_start(found, assistant_of(desk, found.id), yes=yes)
        return await execute(desk, found.id, argv, sink=sink, timeout_sec=timeout)

    result = at_session(context, session, work)
    if result.timed_out:
        _say("The command ran out of time and was ended with everything it had started.")
    raise typer.Exit(result.returncode)


@app.command()
def note(
    context: typer.Context,
    session: SessionId,
    text: Annotated[str, typer.Argument(help="What you saw.")],
    by: By = "",
) -> None:
    """Keep an interviewer's observation, at this moment of the session."""
    from harness.loop import working

    async def work(desk: Desk) -> None:
        working.note(desk, desk.store.find_session(session).id, text, by=by or _me())

    at_desk(context, work, engine=False)


@app.command()
def pause(
    context: typer.Context,
    session: SessionId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    by: By = "",
) -> None:
    """Stop the clock."""
    from harness.loop import clock

    async def work(desk: Desk) -> Session:
        found = desk.store.find_session(session)
        return clock.pause(desk.store, found, by=by or _me(), reason=reason)

    _say_time(at_desk(context, work, engine=False))


@app.command()
def resume(context: typer.Context, session: SessionId, by: By = "") -> None:
    """Let the clock run on."""
    from harness.loop import clock

    async def work(desk: Desk) -> Session:
        return clock.resume(desk.store, desk.store.find_session(session), by=by or _me())

    _say_time(at_desk(context, work, engine=False))


@app.command()
def extend(
    context: typer.Context,
    session: SessionId,
    minutes: Annotated[float, typer.Argument(min=0.1, help="How many more.")],
    reason: Annotated[str, typer.Option(help="Why, for the record; raters do not see it.")],
    by: By = "",
) -> None:
    """Grant more time."""
    from harness.loop import clock

    async def work(desk: Desk) -> Session:
        found = desk.store.find_session(session)
        return clock.extend(desk.store, found, minutes, by=by or _me(), reason=reason)

    _say_time(at_desk(context, work, engine=False))


@app.command()
def submit(
    context: typer.Context,
    session: SessionId,
    grade: Annotated[bool, typer.Option(help="Run the hidden checks, show what they find.")] = True,
    as_json: AsJson = False,
) -> None:
    """Seal the work and run the hidden checks on it."""
    from harness.cli.grading import tell_grading
    from harness.cli.present import progress, show_json
    from harness.loop.judging import grade_session
    from harness.loop.submitting import submit as hand_in
    from harness.models.check import Grading
    from harness.models.session import Submission

    async def work(desk: Desk, found: Session) -> tuple[Submission, Grading | None]:
        template = task_named(context, found.task) if grade else None
        submission = await hand_in(desk, found.id)
        _say(f"Sealed {submission.files} files, {submission.bytes} bytes: {submission.sha256}")
        if template is None:
            return submission, None
        return submission, await grade_session(desk, found.id, template, progress=progress())

    submission, grading = at_session(context, session, work)
    if as_json:
        show_json(
            {
                "submission": submission.model_dump(mode="json", exclude={"path"}),
                "grading": grading.model_dump(mode="json") if grading else None,
            }
        )
    elif grading is not None:
        tell_grading(grading)


@app.command()
def reopen(
    context: typer.Context,
    session: SessionId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    by: By = "",
) -> None:
    """Let work go on after a submission; the earlier one and its results stay."""
    from harness.loop import submitting

    async def work(desk: Desk, found: Session) -> Session:
        template = task_named(context, found.task)
        return await submitting.reopen(desk, found.id, template, by=by or _me(), reason=reason)

    _say_time(at_session(context, session, work))


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """All sessions, newest first."""
    from harness.cli.present import show_json, table
    from harness.loop.clock import now

    async def work(desk: Desk) -> list[Session]:
        return sorted(desk.store.sessions(), key=lambda one: one.created_at, reverse=True)

    sessions = at_desk(context, work, engine=False)
    if as_json:
        show_json([one.model_dump(mode="json") for one in sessions])
        return
    table(
        "Sessions",
        ["id", "task", "candidate", "mode", "status", "time used"],
        [
            [
                one.id,
                one.task,
                one.candidate,
                one.mode,
                one.status,
                f"{one.elapsed_sec(now()) / 60:.0f} of {one.minutes:g} min",
            ]
            for one in sessions
        ],
    )


@app.command()
def show(context: typer.Context, session: SessionId, as_json: AsJson = False) -> None:
    """Where a session stands, what happened in it, and whether its record is whole."""
    from harness.cli.present import show_json, visible
    from harness.cli.session_page import describe, show_session
    from harness.errors import PrerequisiteError, SandboxUnavailableError
    from harness.loop.recovery import reconcile

    async def work(desk: Desk) -> None:
        found = desk.store.find_session(session)
        try:
            await reconcile(desk)
        except (PrerequisiteError, SandboxUnavailableError) as error:  # the record needs no engine
            _say(f"Only what is recorded is shown: {visible(error.message)}")
        page = describe(desk, desk.store.session(found.id))
        if as_json:
            show_json(page)
        else:
            show_session(page)

    at_desk(context, work, engine=False)


@app.command()
def end(
    context: typer.Context,
    session: SessionId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    by: By = "",
) -> None:
    """Clear the workspace away; the record stays."""
    from harness.loop import submitting

    async def work(desk: Desk, found: Session) -> None:
        await submitting.end(desk, found.id, by=by or _me(), reason=reason)

    at_session(context, session, work)


@app.command()
def export(
    context: typer.Context,
    session: SessionId,
    out: Annotated[Path, typer.Option("--out", "-o", help="The archive to write.")],
) -> None:
    """One archive with the whole record; `verify` checks it without this installation."""
    from harness.loop.archives import export_session

    async def work(desk: Desk) -> Path:
        return export_session(desk, desk.store.find_session(session).id, out)

    _say(f"Wrote {at_desk(context, work, engine=False)}")


@app.command()
def verify(
    context: typer.Context,
    session: Annotated[str, typer.Argument(help="A session's id, or an exported archive.")],
    as_json: AsJson = False,
) -> None:
    """Find any edited, dropped or reordered event; exit 1 when there is one."""
    from harness.cli.present import console, printed, show_json
    from harness.store import ChainReport, verify_archive

    async def work(desk: Desk) -> ChainReport:
        return desk.store.verify(desk.store.find_session(session).id)

    archive = Path(session)
    report = verify_archive(archive) if archive.is_file() else at_desk(context, work, engine=False)
    if as_json:
        show_json(report.model_dump(mode="json"))
    else:
        out = console()
        for problem in report.problems:
            out.print(f"[red]{printed(problem.kind)}[/red] {printed(problem.message)}")
        word = "[green]whole[/green]" if report.ok else "[red]not whole[/red]"
        out.print(f"{report.events} events, the record is {word}; head {report.head}")
    raise typer.Exit(0 if report.ok else 1)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _say_time(session: Session) -> None:
    from harness.loop.clock import now

    left = session.remaining_sec(now()) / 60
    _say(f"Session {session.id} is {session.status}; {left:.1f} minutes are left.")
