"""`harness review ...`: what a candidate's review found, and what waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.at_desk import at_desk, at_session, task_named
from harness.cli.explicit_start import StartUnasked, explicit_start

if TYPE_CHECKING:
    from harness.loop.desk import Desk
    from harness.loop.reviewing import Confirmation
    from harness.models.matching import Suggestion
    from harness.models.review import ReadReview
    from harness.models.session import Session
    from harness.models.task import Task
    from harness.reviews.grading import ReviewMaterial

app = typer.Typer(no_args_is_help=True, help="Reviews that were handed in: look, confirm.")

SessionId = Annotated[str, typer.Argument(help="The session's id.")]


@app.command()
def show(
    context: typer.Context,
    session: SessionId,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Comments, what they were found to state, who said so, and the scores."""
    from harness.cli.present import show_json
    from harness.cli.review_page import show_review

    async def work(desk: Desk) -> ReviewMaterial:
        return _confirmation(context, desk, session).shown

    material = at_desk(context, work, engine=False)
    if as_json:
        show_json(
            {
                "reviews": {n: read.model_dump(mode="json") for n, read in material.read.items()},
                "matching": material.matching.model_dump(mode="json"),
                "scores": material.scores.model_dump(mode="json"),
            }
        )
    else:
        show_review(material)


@app.command()
def confirm(
    context: typer.Context,
    session: SessionId,
    by: Annotated[str, typer.Option(help="Your name; the login's by default.")] = "",
    comment: Annotated[
        int | None, typer.Option(min=1, help="Decide anew about this comment alone.")
    ] = None,
) -> None:
    """Go through what place and words could not decide; every answer is kept at once."""
    import getpass

    from harness.cli.present import console
    from harness.cli.review_dialogue import ask
    from harness.loop.judging import grade_session

    async def work(desk: Desk) -> int:
        confirmation = _confirmation(context, desk, session)
        if ask(confirmation, by or getpass.getuser(), comment=comment):
            found = desk.store.find_session(session)
            await grade_session(desk, found.id, task_named(context, found.task), reason="regrade")
        return len(confirmation.waiting())

    left = at_desk(context, work, engine=False)
    waits = "1 decision waits." if left == 1 else f"{left} decisions wait."
    console().print(waits if left else "Nothing waits for a decision.")


@app.command("import")
def import_(
    context: typer.Context,
    session: SessionId,
    pull: Annotated[str, typer.Argument(help="Number of the pull request.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON.")],
    comments: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its comments, in GitHub's own answer."),
    ] = None,
    by: Annotated[str, typer.Option(help="Your name; the login's by default.")] = "",
    yes: StartUnasked = False,
) -> None:
    """Put a review that was written on GitHub into an open session."""
    import getpass

    from harness.cli.present import console, printed
    from harness.loop.assistant import assistant_of
    from harness.loop.reviewing import bring_review
    from harness.reviews.github import joined

    content = joined(file.read_bytes(), comments.read_bytes() if comments else None)

    async def work(desk: Desk, found: Session) -> ReadReview:
        task = review_task(context, found)
        name = by or getpass.getuser()
        explicit_start(found, assistant_of(desk, found.id), yes=yes)
        return await bring_review(desk, found.id, task, pull, content, by=name)

    read = at_session(context, session, work)
    out = console()
    for problem in read.problems:
        out.print(f"[yellow]{printed(problem)}[/yellow]")
    out.print(
        f"{len(read.review.comments)} comments, {read.review.verdict or 'no verdict'}; "
        "`harness session submit` hands it in."
    )


@app.command()
def judge(
    context: typer.Context,
    session: SessionId,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the model that is set up about undecided pairs; it suggests, `confirm` decides."""
    import httpx

    from harness.cli.present import show_json
    from harness.cli.review_page import show_suggestions
    from harness.reviews.judge import ModelJudge

    async def work(desk: Desk) -> tuple[list[Suggestion], int]:
        async with httpx.AsyncClient(timeout=desk.settings.judge.timeout_sec) as client:
            model = ModelJudge(desk.settings.judge, client)
            confirmation = _confirmation(context, desk, session)
            given = [one async for one in confirmation.consult(model)]
        return given, len(confirmation.unsuggested())

    given, left = at_desk(context, work, engine=False)
    if as_json:
        show_json({"suggestions": [one.model_dump(mode="json") for one in given], "left": left})
    else:
        show_suggestions(given, left)
    if left:
        raise typer.Exit(3)


def _confirmation(context: typer.Context, desk: Desk, session: str) -> Confirmation:
    from harness.loop.judging import submission_of
    from harness.loop.reviewing import Confirmation

    found = desk.store.find_session(session)
    task = review_task(context, found)
    return Confirmation(desk, found, submission_of(desk, found), task)


def review_task(context: typer.Context, session: Session) -> Task:
    """The task of a session, of kind review.

    Raises:
        UsageError: It is of another kind.
    """
    from harness.errors import UsageError

    task = task_named(context, session.task)
    if task.spec.interview.kind != "review":
        raise UsageError(
            f"Session {session.id} is no review: its task '{session.task}' is of kind "
            f"'{task.spec.interview.kind}'.",
            remedy="`harness report` shows what was handed in.",
        )
    return task


@app.command()
def promote(
    context: typer.Context,
    session: SessionId,
    comment: Annotated[int, typer.Argument(min=1, help="The comment's number.")],
    item: Annotated[str, typer.Option("--id", help="Id of the new item.")],
    title: Annotated[str, typer.Option(help="A few words, for interviewers.")],
    phrase: Annotated[
        list[str], typer.Option(help="What counts as said: alternatives, separated by |.")
    ],
) -> None:
    """Put a valid comment on something that was not seeded into the task's gold set."""
    from harness.cli.present import console, printed
    from harness.errors import UsageError
    from harness.reviews.promotion import promote as put

    async def work(desk: Desk) -> Path:
        material = _confirmation(context, desk, session).shown
        remark = next((r for r in material.matching.remarks if r.comment == comment), None)
        if remark is None or remark.kind != "valid-unseeded":
            raise UsageError(
                f"Comment {comment} was not found to be valid and unseeded.",
                remedy="`harness review confirm` asks about it; `review show` counts comments.",
            )
        task = task_named(context, desk.store.find_session(session).task)
        phrases = tuple(tuple(one.split("|")) for one in phrase)
        said = material.review.comments[comment - 1]
        return put(task, said, item=item, title=title, phrases=phrases)

    path = at_desk(context, work, engine=False)
    console().print(
        f"Added '{printed(item)}' to {printed(path)}; read it, then `harness task lint`."
    )
