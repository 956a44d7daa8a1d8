"""`harness demo`, `doctor` and `reap`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.at_desk import Flags, at_desk, loaded_settings

if TYPE_CHECKING:
    from harness.loop.desk import Desk
    from harness.models.sandbox import SandboxObject, UnneededImage

_NO_ENGINE = ("engine-unreachable", "engine-version", "base-image")
"""What a machine lacks when it cannot run containers at all."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "out/demo"
    ),
) -> None:
    """Run one whole interview with a scripted candidate, for real, and write its report."""
    from harness.catalog.rubrics import RubricCatalog
    from harness.catalog.tasks import TaskCatalog
    from harness.cli.grading import tell_grading
    from harness.cli.present import console, printed, progress, show_error
    from harness.errors import PrerequisiteError
    from harness.loop.demo import DEMO_TASK, Demo, run_demo

    settings = loaded_settings(context).settings
    template = TaskCatalog(settings).find_task(DEMO_TASK)
    rubric = RubricCatalog(settings).find_rubric(template.spec.interview.rubric)

    async def work(desk: Desk) -> Demo:
        return await run_demo(desk, template, rubric, out.absolute(), progress=progress())

    screen = console()
    try:
        done = at_desk(context, work)
    except PrerequisiteError as error:
        if error.slug not in _NO_ENGINE:
            raise
        show_error(error)
        screen.print(
            "\n[bold]The demo goes on without isolation[/bold], on the process backend: its "
            "candidate is our own code. A real candidate's session needs Docker.\n"
        )
        flags = context.obj or Flags()
        context.obj = replace(flags, overrides={**flags.overrides, "backend": "process"})
        done = at_desk(context, work)
    tell_grading(done.grading)
    screen.print(f"\nSession [bold]{printed(done.session_id)}[/bold]; its report:")
    for path in done.reports:
        screen.print(f"  {printed(path)}", soft_wrap=True)


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what this machine offers and what is missing, with the way out; exit 3 if anything is."""
    from harness.cli.present import console, printed, show_json
    from harness.sandbox.doctor import examine

    findings = examine(loaded_settings(context).settings)
    if as_json:
        show_json([finding.model_dump(mode="json") for finding in findings])
    else:
        out = console()
        for finding in findings:
            mark = "[green]ok[/green]  " if finding.ok else "[red]no[/red]  "
            out.print(f"{mark}[bold]{printed(finding.name)}[/bold]  {printed(finding.detail)}")
            if not finding.ok and finding.remedy:
                out.print(f"      {printed(finding.remedy)}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 3)


def reap(
    context: typer.Context,
    images: Annotated[
        bool, typer.Option("--images", help="Built images that nobody needs, instead.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove containers, networks and volumes that belong to nobody alive."""
    from harness.cli.present import show_json, table
    from harness.loop.recovery import reconcile, sweep

    if images:
        _reap_images(context, dry_run=dry_run, as_json=as_json)
        return

    async def work(desk: Desk) -> list[SandboxObject]:
        return await sweep(desk, dry_run=True) if dry_run else await reconcile(desk)

    objects = at_desk(context, work, engine=False)
    if as_json:
        show_json([obj.model_dump(mode="json") for obj in objects])
        return
    table(_title(dry_run), ["kind", "id", "owner"], [[o.kind, o.id, o.owner] for o in objects])


def _reap_images(context: typer.Context, *, dry_run: bool, as_json: bool) -> None:
    from harness.catalog.tasks import TaskCatalog
    from harness.cli.present import show_json
    from harness.loop.recovery import sweep_images

    known = TaskCatalog(loaded_settings(context).settings).tasks()
    tasks = [listing.task for listing in known if listing.task is not None]

    async def work(desk: Desk) -> list[UnneededImage]:
        return await sweep_images(desk, tasks, dry_run=dry_run)

    images = at_desk(context, work, engine=not dry_run)
    if as_json:
        show_json([image.model_dump(mode="json") for image in images])
    else:
        _tell_images(_title(dry_run), images)


def _tell_images(title: str, images: list[UnneededImage]) -> None:
    """Each image, and what they come to."""
    from datetime import UTC, datetime

    from rich.filesize import decimal

    from harness.cli.present import console, table

    table(
        title,
        ["image", "built", "size"],
        [
            [
                " ".join(image.tags) or f"{image.id[:19]} (of a failed build)",
                f"{datetime.fromtimestamp(image.created_at, UTC):%Y-%m-%d %H:%M}",
                decimal(image.bytes),
            ]
            for image in images
        ],
    )
    freed = decimal(sum(image.bytes for image in images))
    console().print(f"{len(images)} images, {freed} together.")


def _title(dry_run: bool) -> str:
    return "Would be removed" if dry_run else "Removed"
