"""How a check's author declares it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from harness.models.check import CheckDeclaration, Family

if TYPE_CHECKING:
    from harness.checks.bench import Bench

Body = Callable[..., Coroutine[Any, Any, None]]
"""A check as written: an async function that asks for fixtures by name."""
_DECLARED = "__harness_check__"


def check(
    *,
    id: str,  # noqa: A002 - the declaration's own word
    family: Family,
    dimension: str,
    shows: str,
    derived_from: str,
    control: str,
    weight: float = 1.0,
    timing: bool = False,
    loud: bool = False,
    long: bool = False,
    advisory: str = "",
    limit_sec: float = 120.0,
) -> Callable[[Body], Callable[..., None]]:
    """Make an async function a hidden check.

    It may ask for the fixtures `sut` (fresh, started and ready), `original`, `upstreams` (by
    host name), `contract`, `measure`, `rng`, `seed`, and for what the task's own
    `conftest.py` adds. It runs on one event loop with its upstreams and its load,
    measures with `measure(...)`, asserts with a sentence a person can read, and
    raises `ControlFailed` when it could not measure. What the service does wrong is
    never an exception of the kit; any other exception makes the check invalid.

    Write the keywords out in place: `harness task lint` reads them without running
    anything. See `CheckDeclaration` for what they mean.
    """
    declaration = CheckDeclaration(
        id=id,
        family=family,
        dimension=dimension,
        weight=weight,
        shows=shows,
        derived_from=derived_from,
        control=control,
        timing=timing,
        loud=loud,
        long=long,
        advisory=advisory,
        limit_sec=limit_sec,
    )

    def declare(body: Body) -> Callable[..., None]:
        signature = inspect.signature(body)

        @functools.wraps(body)
        def run(*, bench: Bench, **fixtures: object) -> None:
            wanted = {name: fixtures[name] for name in signature.parameters if name in fixtures}
            if "bench" in signature.parameters:
                wanted["bench"] = bench
            bench.run(body(**wanted), limit_sec=limit_sec)

        names = [name for name in signature.parameters if name != "bench"]
        keyword = inspect.Parameter.KEYWORD_ONLY
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]  # pytest reads it
            parameters=[inspect.Parameter(name, keyword) for name in ["bench", *names]]
        )
        setattr(run, _DECLARED, declaration)
        return run

    return declare


def declaration_of(function: object) -> CheckDeclaration | None:
    """What a test function declares, or None when it is no check."""
    found = getattr(function, _DECLARED, None)
    return found if isinstance(found, CheckDeclaration) else None
