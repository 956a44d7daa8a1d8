"""`harness config ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.at_desk import loaded_settings

app = typer.Typer(no_args_is_help=True, help="Settings and where they come from.")


@app.callback()
def config() -> None:
    """Settings and where they come from."""


@app.command()
def show(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Every setting, its value, and the place that set it."""
    from harness.cli.present import show_json, table

    origins = loaded_settings(context).origins
    if as_json:
        show_json([{"key": o.key, "value": o.value, "origin": o.origin} for o in origins])
        return
    table("Settings", ["key", "value", "from"], [[o.key, o.value, o.origin] for o in origins])
