"""The public surface of the original and of a submission, compared at run time.

A source reader sees neither a default that changed while a function moved nor another base
class, so it is the imported modules that are asked.

Source: facts/checks.md section 5.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from harness.checks.differential.link import Played
from harness.checks.differential.program import Call, Name, Program
from harness.checks.differential.twins import Twins
from harness.checks.failure import ControlFailed

Json = Any
Surface = dict[str, dict[str, Json]]
"""Public name -> what is known about it."""

_ADDED_KINDS = ("VAR_POSITIONAL", "VAR_KEYWORD")


async def surface_changes(twins: Twins, modules: Sequence[str]) -> list[str]:
    """What callers of the original would miss in the submission, a sentence each.

    Raises:
        ControlFailed: The original cannot be asked.
    """
    steps = tuple(Call("_harness_exports:surface", Name(module)) for module in modules)
    program = Program(steps)
    ours, theirs = await asyncio.to_thread(_both, twins, program)
    if ours.end:
        raise ControlFailed(f"The original {ours.end} when it was asked for its names.")
    changes: list[str] = []
    for number, module in enumerate(modules):
        if number >= len(theirs.outcomes):
            changes.append(f"{module}: {theirs.end or 'no answer'}.")
            continue
        try:
            changes += _compared(module, _plain(ours, number), _plain(theirs, number))
        except (KeyError, TypeError, ValueError, IndexError):
            changes.append(f"{module}: the answer makes no sense.")
    return changes


def _both(twins: Twins, program: Program) -> tuple[Played, Played]:
    played = []
    for of_original in (True, False):
        stage = twins.stage(of_original=of_original)
        played.append(stage.play(program))
        stage.close()
    return played[0], played[1]


def _plain(played: Played, number: int) -> Surface:
    outcome = played.outcomes[number]
    if "raised" in outcome:
        raise ValueError(outcome["raised"])
    plain = _untagged(outcome["value"])
    if not isinstance(plain, dict):
        raise TypeError(plain)
    return plain


def _untagged(value: Json) -> Json:
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if isinstance(value, dict) and value.get("$") == "dict":
        return {str(key): _untagged(item) for key, item in value["v"]}
    return value


def _compared(module: str, ours: Surface, theirs: Surface) -> Iterator[str]:
    for name, known in ours.items():
        where = f"{module}.{name}"
        given = theirs.get(name)
        if given is None or given["kind"] == "missing":
            yield f"{where} is gone."
        elif known["kind"] != given["kind"]:
            yield f"{where} was a {known['kind']} and is a {given['kind']}."
        else:
            yield from _described(where, known, given)


def _described(where: str, known: dict[str, Json], given: dict[str, Json]) -> Iterator[str]:
    if known["kind"] == "value" and known["type"] != given["type"]:
        yield f"{where} was a {known['type']} and is a {given['type']}."
    if known["kind"] == "function":
        yield from _signature(where, known["signature"], given["signature"])
    if known["kind"] == "class":
        lost = [name for name in known["mro"] if name not in given["mro"]]
        if lost:
            yield f"{where} is no {' and no '.join(lost)} any more."
        for method, signature in known["methods"].items():
            if method not in given["methods"]:
                yield f"{where}.{method} is gone."
            else:
                yield from _signature(f"{where}.{method}", signature, given["methods"][method])
    if known.get("pickles") and not given.get("pickles"):
        yield f"{where} cannot be pickled by its name any more."


def _signature(where: str, ours: Json, theirs: Json) -> Iterator[str]:
    """Every call that was allowed is allowed; more may be."""
    if ours is None or theirs is None:
        return
    for number, (name, kind, default) in enumerate(ours):
        if number >= len(theirs):
            yield f"{where} has no parameter '{name}' any more."
            continue
        other, other_kind, other_default = theirs[number]
        if (name, kind) != (other, other_kind):
            yield f"{where}: parameter {number + 1} was '{name}' and is '{other}'."
        elif default != other_default:
            yield f"{where}: the default of '{name}' was {default} and is {other_default}."
    for name, kind, default in theirs[len(ours) :]:
        if default is None and kind not in _ADDED_KINDS:
            yield f"{where} needs a parameter '{name}' now."
