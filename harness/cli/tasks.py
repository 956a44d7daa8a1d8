"""`harness task ...`: what there is, whether it is well made, whether its checks are right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli.at_desk import at_desk, loaded_settings, task_named

if TYPE_CHECKING:
    from harness.loop.desk import Desk
    from harness.models.agreement import CheckItem, ItemReport
    from harness.models.proof import KillMatrix
    from harness.models.review_proof import ReviewProof
    from harness.models.task import Task

app = typer.Typer(no_args_is_help=True, help="Templates: list, read, check.")

TaskName = Annotated[str, typer.Argument(help="Name of the task.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_OF_ANY_PROOF = {"task", "out", "as_json"}
"""What `prove` takes for a review task, too."""


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Every task on the search path."""
    from harness.catalog.tasks import TaskCatalog
    from harness.cli.present import show_json, table

    entries = TaskCatalog(loaded_settings(context).settings).tasks()
    rows = [
        {
            "name": entry.name,
            "kind": entry.task.spec.interview.kind if entry.task else None,
            "title": entry.task.spec.interview.title if entry.task else None,
            "minutes": entry.task.spec.interview.minutes if entry.task else None,
            "path": str(entry.path),
            "error": entry.error,
        }
        for entry in entries
    ]
    if as_json:
        show_json(rows)
        return
    columns = ["name", "kind", "minutes", "title", "error"]
    table("Tasks", columns, [[row[key] or "" for key in columns] for row in rows])


@app.command()
def show(context: typer.Context, task: TaskName, as_json: AsJson = False) -> None:
    """The brief, the contract and where the files lie."""
    from harness.cli.present import console, show_json, table

    found = task_named(context, task)
    if as_json:
        show_json(found.model_dump(mode="json"))
        return
    interview = found.spec.interview
    out = console()
    out.print(f"[bold]{interview.title}[/bold] ({found.name} {found.spec.task.version})")
    out.print(f"{interview.kind}, {interview.minutes} minutes, {interview.level}; {found.path}")
    table("Contract", ["number", "value"], list(interview.contract.items()))
    out.print(found.instruction.read_text(), markup=False)


@app.command()
def repository(
    context: typer.Context,
    task: TaskName,
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
) -> None:
    """Write a review task's repository, as candidates get it, to push where your team reviews."""
    from harness.cli.present import console, printed
    from harness.errors import UsageError
    from harness.reviews.repository import branch, lay_out, pull_numbers

    found = task_named(context, task)
    if found.spec.interview.kind != "review":
        raise UsageError(f"Task '{found.name}' is no review, so it has no repository to push.")
    if folder.exists():
        raise UsageError(f"{folder} is there already.", remedy="Name a folder that is not.")
    lay_out(found, folder)
    branches = ", ".join(branch(number) for number in pull_numbers(found))
    console().print(
        f"{printed(folder)} has main and {printed(branches)}; pulls/ has the descriptions. Push "
        "them and open a pull request for each; `harness review import` brings a review back."
    )


@app.command()
def lint(context: typer.Context, task: TaskName, as_json: AsJson = False) -> None:
    """Say what is wrong with a template; exit 1 when something is."""
    from harness.catalog.evidence_lint import lint_evidence
    from harness.catalog.lint import lint as lint_task
    from harness.catalog.rubrics import RubricCatalog
    from harness.cli.present import show_findings, show_json
    from harness.reviews.lint import lint_review

    found = task_named(context, task)
    findings = lint_task(found)
    catalog = RubricCatalog(loaded_settings(context).settings)
    findings += lint_evidence(found, catalog.find_rubric(found.spec.interview.rubric))
    if found.spec.interview.kind == "review":
        findings += lint_review(found)
    if as_json:
        show_json([finding.model_dump(mode="json") for finding in findings])
    else:
        show_findings(findings)
    raise typer.Exit(1 if any(finding.severity == "error" for finding in findings) else 0)


@app.command()
def prove(
    context: typer.Context,
    task: TaskName,
    repeat: Annotated[int, typer.Option(min=1, help="Gradings per submission.")] = 1,
    lanes: Annotated[int, typer.Option(min=1, help="Gradings side by side.")] = 4,
    only: Annotated[list[str] | None, typer.Option(help="Submissions to run.")] = None,
    sample: Annotated[int | None, typer.Option(help="That many mutants, for a quick look.")] = None,
    own: Annotated[
        bool, typer.Option("--own", help="Mutants meet only the checks that they must fail.")
    ] = False,
    stress: Annotated[bool, typer.Option(help="Keep every core busy meanwhile.")] = False,
    fresh: Annotated[bool, typer.Option(help="Run again what is cached.")] = False,
    check: Annotated[list[str] | None, typer.Option(help="Checks to run.")] = None,
    record: Annotated[bool, typer.Option(help="Keep the flips seen with the task.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Keep the matrix: .json, or a page.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the hidden checks on submissions whose truth is known; exit 1 when they fall short."""
    from harness.cli.present import progress, show_json
    from harness.cli.prove_page import show_matrix
    from harness.grading.prove import prove as run_proof
    from harness.grading.steadiness import campaign, keep
    from harness.reporting import matrix_page

    found = task_named(context, task)
    if found.spec.interview.kind == "review":
        prove_review_task(context, found, out, as_json=as_json)

    async def work(desk: Desk) -> KillMatrix:
        return await run_proof(
            found,
            desk.backend,
            cache_dir=desk.settings.cache_dir,
            lanes=lanes,
            repeat=repeat,
            only=tuple(only or ()),
            checks=tuple(check or ()),
            sample=sample,
            own=own,
            stress=stress,
            fresh=fresh,
            progress=progress(),
        )

    matrix = at_desk(context, work)
    if out is not None:
        page = out.suffix != ".json"
        out.write_text(matrix_page(matrix) if page else matrix.model_dump_json(indent=2))
    if record:
        keep(found, "busy" if stress else "idle", campaign(found, matrix))
    if as_json:
        show_json(matrix.model_dump(mode="json"))
    else:
        show_matrix(matrix)
    raise typer.Exit(0 if matrix.proven else 1)


@app.command()
def items(context: typer.Context, task: TaskName, as_json: AsJson = False) -> None:
    """How hard each hidden check is, over the sessions of this store, and what sets it apart."""
    from harness.cli.present import console, show_json, table
    from harness.loop.items import check_items

    found = task_named(context, task)

    async def work(desk: Desk) -> ItemReport:
        return check_items(desk, found.name)

    report = at_desk(context, work, engine=False)
    if as_json:
        show_json(report.model_dump(mode="json"))
        return
    columns = ["check", "sessions", "invalid", "mean score", "discrimination"]
    rows = [
        [item.check, item.sessions, item.invalid, _two(item.mean_score), _discrimination(item)]
        for item in report.checks
    ]
    table(f"Checks over {report.sessions} sessions", columns, rows)
    if report.warning:
        console().print(report.warning)


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _discrimination(item: CheckItem) -> str:
    return _two(item.discrimination) or f"undefined: {item.reason}"


def prove_review_task(
    context: typer.Context, task: Task, out: Path | None, *, as_json: bool
) -> NoReturn:
    """Prove a review task: seeded defects, matcher, scores. Leaves with the exit code.

    Raises:
        UsageError: Something was asked for that only a proof of hidden checks has.
    """
    from harness.cli.present import progress, show_json
    from harness.cli.prove_page import show_review_proof
    from harness.errors import UsageError
    from harness.reviews.proving import prove_review

    idle = [
        f"--{name}"
        for name in context.params
        if name not in _OF_ANY_PROOF
        and getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    if idle or (out is not None and out.suffix != ".json"):
        what = ", ".join(idle) or f"--out {out}"
        raise UsageError(
            f"'{task.name}' is a review task, and its proof has no use for {what}.",
            remedy="It is run whole: give --json or --out FILE.json, or neither.",
        )

    async def work(desk: Desk) -> ReviewProof:
        return await prove_review(task, desk.backend, progress=progress())

    proof = at_desk(context, work)
    if out is not None:
        out.write_text(proof.model_dump_json(indent=2))
    if as_json:
        show_json(proof.model_dump(mode="json"))
    else:
        show_review_proof(proof)
    raise typer.Exit(0 if proof.proven else 1)
