"""`python -m bench`: run, print the table, leave with 1 when an aim is missed."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import gateway, grading, recording, refactoring, sandbox, starting, storing
from bench.measuring import Figure

_BENCHES = {
    "sandbox": sandbox.measure,
    "recording": recording.measure,
    "storing": storing.measure,
    "starting": starting.measure,
    "gateway": gateway.measure,
    "grading": grading.measure,
    "refactoring": refactoring.measure,
}


def main() -> int:
    """Run the benches named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_BENCHES)}")
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in _BENCHES]
    if unknown:
        parser.error(f"there is no bench '{unknown[0]}'")
    figures: list[Figure] = []
    for name in chosen.names or _BENCHES:
        print(f"· {name}", file=sys.stderr)
        figures += asyncio.run(_BENCHES[name]())
    _show(figures)
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([asdict(f) | {"met": f.met} for f in figures], indent=2))
    return 0 if all(figure.met for figure in figures) else 1


def _show(figures: list[Figure]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("what", "ours: median (range)", "peer", "figure", "aim", ""):
        table.add_column(column, overflow="fold")
    for figure in figures:
        table.add_row(
            figure.name,
            figure.ours,
            figure.peer,
            f"{figure.value:.2f}",
            *_judged(figure),
        )
    Console(highlight=False, width=160).print(table)


def _judged(figure: Figure) -> tuple[str, str]:
    if figure.aim is None:
        return "", ""
    met = "[green]met[/green]" if figure.met else "[red]missed[/red]"
    return f"{figure.sense} {figure.aim:g}", met


sys.exit(main())
