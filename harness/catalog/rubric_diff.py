"""What is different between two rubrics, in the order a rater would read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.models.base import Model
from harness.models.rubric import Dimension, Rubric


class Difference(Model):
    """One thing that two rubrics say differently."""

    where: str
    """Such as "verification: level 4"."""
    before: str | None
    """None where only the second has it."""
    after: str | None
    """None where only the first has it."""


def rubric_diff(before: Rubric, after: Rubric) -> list[Difference]:
    """Every difference of meaning; the change logs themselves are not compared."""
    return [
        *_between("rubric", _head(before), _head(after)),
        *_between("gate", _gates(before), _gates(after)),
        *_between("weight share", _shares(before), _shares(after)),
        *_dimensions(before, after),
    ]


def _between(
    what: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Difference]:
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old != new:
            yield Difference(where=f"{what}: {name}", before=old, after=new)


def _head(rubric: Rubric) -> dict[str, str]:
    cuts = ", ".join(f"{cut:g}" for cut in rubric.level_cuts)
    names = ("id", "version", "title", "role", "target_level", "company_stage")
    return {name: str(getattr(rubric, name)) for name in names} | {"level_cuts": cuts}


def _gates(rubric: Rubric) -> dict[str, str]:
    return {gate.id: f"{gate.title} ({gate.rule}) {gate.rationale}" for gate in rubric.gates}


def _shares(rubric: Rubric) -> dict[str, str]:
    """Shares rather than weights: 2 and 2 say the same as 1 and 1."""
    total = sum(one.weight for one in rubric.dimensions)
    return {one.id: f"{100 * one.weight / total:.1f} %" for one in rubric.dimensions}


def _dimensions(before: Rubric, after: Rubric) -> Iterator[Difference]:
    old = {one.id: one for one in before.dimensions}
    new = {one.id: one for one in after.dimensions}
    for name in [*old, *(name for name in new if name not in old)]:
        yield from _between(
            name,
            _said(old[name]) if name in old else {},
            _said(new[name]) if name in new else {},
        )


def _said(one: Dimension) -> dict[str, str]:
    return {
        "title": one.title,
        "question": one.question,
        "weight_rationale": one.weight_rationale,
        **{f"level {level.value}": f"{level.name}: {level.anchor}" for level in one.levels},
        "checks": ", ".join(one.evidence.checks),
        "signals": ", ".join(one.evidence.signals),
        "artefacts": ", ".join(one.evidence.artefacts),
    }
