"""A rubric on the screen."""

from __future__ import annotations

from harness.cli.present import console, printed, show_levels
from harness.models.rubric import Dimension, Rubric


def show_rubric(rubric: Rubric) -> None:
    """Everything a rater or a committee would ask about a rubric."""
    out = console()
    out.print(f"[bold]{printed(rubric.title)}[/bold] ({rubric.id} {printed(rubric.version)})")
    cuts = ", ".join(f"{cut:g}" for cut in rubric.level_cuts)
    out.print(f"Level 4 is the bar of {rubric.target_level}, {rubric.company_stage}.")
    out.print(f"Checks suggest levels 2 to 5 from {cuts}.")
    for gate in rubric.gates:
        out.print(f"\n[bold]Gate:[/bold] {printed(gate.title)}. {printed(gate.rationale)}")
        out.print(f"  checks: {printed(gate.rule)}", style="dim")
    total = sum(one.weight for one in rubric.dimensions)
    for one in rubric.dimensions:
        _show_dimension(one, one.weight / total)
    if rubric.changes:
        out.print("\n[bold]Changes[/bold]")
    for change in rubric.changes:
        out.print(f"{printed(change.version)}, {change.date}: {printed(change.what)}")


def _show_dimension(one: Dimension, share: float) -> None:
    out = console()
    out.print(f"\n[bold]{printed(one.title)}[/bold] ({one.id}, {share:.0%} of the weight)")
    out.print(f"{printed(one.question)}")
    out.print(f"Weight: {printed(one.weight_rationale)}", style="dim")
    show_levels(one.levels)
    for kind, named in one.evidence:
        if named:
            out.print(f"  {kind}: {printed(', '.join(named))}", style="dim")
