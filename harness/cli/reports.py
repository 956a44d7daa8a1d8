"""`harness rate` and `harness report`: what people say, and the scorecard."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.at_desk import at_desk, task_named

if TYPE_CHECKING:
    from harness.loop.desk import Desk
    from harness.models.rubric import Dimension, Rubric

Answer = tuple[str, int, str, tuple[str, ...]]
"""Dimension, level, observation, evidence links."""

SessionId = Annotated[str, typer.Argument(help="The session's id, or enough of its beginning.")]


def rate(
    context: typer.Context,
    session: SessionId,
    rater: Annotated[str, typer.Option(help="Who rates.")] = "",
    dimension: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    level: Annotated[int | None, typer.Option(min=1, max=5, help="1 to 5.")] = None,
    observation: Annotated[str, typer.Option(help="What you saw.")] = "",
    evidence: Annotated[
        list[str] | None, typer.Option(help="Such as check:timeouts.hang or event:42.")
    ] = None,
) -> None:
    """Rate dimensions against their anchors; with --level for one, else asked one by one."""
    from harness.cli.present import console
    from harness.errors import UsageError
    from harness.loop import judging
    from harness.models.rubric import Rating

    who = rater or getpass.getuser()
    if level is not None and dimension is None:
        raise UsageError("--level needs to know what it is for.", remedy="Give --dimension ID.")

    async def work(desk: Desk) -> int:
        found = desk.store.find_session(session)
        rubric = judging.frozen_rubric(desk, found.id)
        if dimension is not None and level is not None:
            _need_ground(observation, evidence)
            given: list[Answer] = [(dimension, level, observation, tuple(evidence or ()))]
        else:
            given = _ask(rubric, dimension)
        for name, value, text, links in given:
            judging.rate(
                desk,
                found.id,
                Rating(rater=who, dimension=name, level=value, observation=text, evidence=links),
            )
        return len(given)

    console().print(f"{at_desk(context, work, engine=False)} ratings kept for {who}.")


def report(
    context: typer.Context,
    session: SessionId,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the files.")] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", "-f", help="html, md or json; all by default.")
    ] = None,
) -> None:
    """Write the scorecard: HTML, Markdown and JSON."""
    from harness.cli.present import console, printed
    from harness.errors import UsageError
    from harness.loop.scorecards import write_report
    from harness.reporting import FORMATS

    unknown = [name for name in formats or () if name not in FORMATS]
    if unknown:
        raise UsageError(
            f"There is no report format '{unknown[0]}'.",
            remedy=f"Use {', '.join(FORMATS)}.",
            slug="report-format",
        )

    async def work(desk: Desk) -> list[Path]:
        found = desk.store.find_session(session)
        dest = out or desk.session_dir(found.id) / "report"
        chosen = [name for name in FORMATS if not formats or name in formats]
        template = task_named(context, found.task)
        return list(write_report(desk, found.id, template, dest, chosen).values())

    for path in at_desk(context, work, engine=False):
        console().print(printed(path), soft_wrap=True)


def _need_ground(observation: str, evidence: list[str] | None) -> None:
    from harness.errors import UsageError

    if not observation.strip() and not evidence:
        raise UsageError(
            "A rating needs an evidence link or a written observation.",
            remedy="Give --observation TEXT or --evidence LINK.",
        )


def _ask(rubric: Rubric, only: str | None) -> list[Answer]:
    given: list[Answer] = []
    for dimension in rubric.dimensions:
        if only in (None, dimension.id):
            answer = _ask_one(dimension)
            if answer is not None:
                given.append((dimension.id, answer[0], answer[1], ()))
    return given


def _ask_one(dimension: Dimension) -> tuple[int, str] | None:
    from harness.cli.present import console, printed

    out = console()
    out.print(f"\n[bold]{printed(dimension.title)}[/bold]  {printed(dimension.question)}")
    for level in dimension.levels:
        out.print(f"  {level.value} [bold]{printed(level.name)}[/bold]  {printed(level.anchor)}")
    while True:
        answer = typer.prompt("Level 1-5, or - to leave it unrated", default="-")
        if answer == "-":
            return None
        if answer in {"1", "2", "3", "4", "5"}:
            break
        typer.echo(f"'{answer}' is not a level.")
    observation = ""
    while not observation.strip():
        observation = typer.prompt("What did you see that says so")
    return int(answer), observation
