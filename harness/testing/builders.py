"""Builders of models for tests: plain ones by name, random ones of any model by Hypothesis.

`a_session(minutes=30)` is a believable value with what matters overridden;
`models(Grading)` and `payloads()` are strategies that follow the fields' own bounds,
so that a field added to a model is tried at once.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import annotated_types
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from harness.models.check import CheckResult, Grading
from harness.models.event import Payload
from harness.models.exchange import Pitfall
from harness.models.rubric import Dimension, EvidenceMap, Gate, Level, Rating, Rubric
from harness.models.session import Session

ModelT = TypeVar("ModelT", bound=BaseModel)
Strategy = st.SearchStrategy[Any]

A_DIGEST = "5f" * 32
"""A SHA-256 of nothing in particular."""
A_MOMENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""A Monday morning."""


def a_session(**changes: object) -> Session:
    """An opened, not yet started session."""
    fields: dict[str, object] = {
        "id": "s-20260302-093000-a1b2",
        "task": "fragile-payments",
        "task_digest": A_DIGEST,
        "rubric": "staff-backend",
        "status": "open",
        "minutes": 90,
        "backend": "docker",
        "created_at": A_MOMENT,
    }
    return Session.model_validate(fields | changes)


def a_dimension(**changes: object) -> Dimension:
    """A dimension with its five anchored levels."""
    fields: dict[str, object] = {
        "id": "resilience",
        "title": "Resilience",
        "question": "Does it stay up when its provider does not?",
        "weight": 2.0,
        "weight_rationale": "Most incidents start at a dependency.",
        "levels": tuple(
            Level(value=value, name=f"Level {value}", anchor=f"What level {value} looks like.")
            for value in range(1, 6)
        ),
        "evidence": EvidenceMap(checks=("timeouts.*",)),
    }
    return Dimension.model_validate(fields | changes)


def a_rubric(**changes: object) -> Rubric:
    """A rubric with one dimension."""
    fields: dict[str, object] = {
        "id": "staff-backend",
        "version": "1",
        "title": "Staff backend engineer",
        "role": "backend",
        "target_level": "staff",
        "company_stage": "growth",
        "dimensions": (a_dimension(),),
    }
    return Rubric.model_validate(fields | changes)


def a_result(**changes: object) -> CheckResult:
    """A passed check."""
    fields: dict[str, object] = {
        "id": "timeouts.provider-hangs",
        "family": "timeouts",
        "dimension": "resilience",
        "weight": 1.0,
        "shows": "A provider that hangs does not hang the service.",
        "outcome": "passed",
        "score": 1.0,
    }
    return CheckResult.model_validate(fields | changes)


def a_grading(*checks: CheckResult, **changes: object) -> Grading:
    """A finished run of hidden checks."""
    fields: dict[str, object] = {
        "id": "g-1",
        "task": "fragile-payments",
        "task_version": "1",
        "task_digest": A_DIGEST,
        "submission_sha256": A_DIGEST,
        "backend": "docker",
        "harness_version": "0",
        "started_at": A_MOMENT,
        "finished_at": A_MOMENT,
        "checks": checks or (a_result(),),
    }
    return Grading.model_validate(fields | changes)


def payloads() -> st.SearchStrategy[Payload]:
    """Any event's payload, every type alike often."""
    union = get_args(Payload)[0]
    return st.one_of([models(member) for member in get_args(union)])


def models(model: type[ModelT], **fixed: Strategy) -> st.SearchStrategy[ModelT]:
    """Any value of a model.

    Args:
        model: Any pydantic model whose validators look at one field at a time, or one that
            has an entry in `_TOGETHER`.
        fixed: Field -> strategy to use instead.
    """
    together = {name: make() for name, make in _TOGETHER.get(model, {}).items()} | fixed
    fields = {
        name: together[name] if name in together else _of(field.annotation, tuple(field.metadata))
        for name, field in model.model_fields.items()
    }
    return st.builds(model, **fields)


def _patterns() -> Strategy:
    """Regular expressions."""
    return st.lists(st.text().map(re.escape), max_size=2).map(tuple)


_TOGETHER: dict[type[BaseModel], dict[str, Callable[[], Strategy]]] = {
    Dimension: {"levels": lambda: st.just(a_dimension().levels)},
    Rubric: {
        "dimensions": lambda: st.lists(
            models(Dimension), min_size=1, max_size=2, unique_by=lambda dimension: dimension.id
        ).map(tuple),
        "gates": lambda: st.lists(models(Gate), max_size=2, unique_by=lambda gate: gate.id).map(
            tuple
        ),
        "changes": lambda: st.just(()),
        "level_cuts": lambda: st.lists(_floats(()), min_size=4, max_size=4).map(
            lambda cuts: tuple(sorted(cuts))
        ),
    },
    Rating: {"observation": lambda: st.text().map(lambda text: f"saw {text}")},
    Pitfall: {"signs": _patterns, "cures": _patterns},
}
"""Fields whose values must fit each other, or more than their bounds, by model."""


def _of(annotation: Any, metadata: tuple[Any, ...]) -> Strategy:  # noqa: ANN401  # a type form
    """The strategy for one annotation with its constraints."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of(arguments[0], metadata + arguments[1:])
    if origin in {Union, types.UnionType}:
        return st.one_of([_of(argument, metadata) for argument in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return _tuples(arguments, metadata)
    if origin is dict:
        return st.dictionaries(_of(arguments[0], ()), _of(arguments[1], ()), max_size=3)
    return _scalar(annotation, metadata)


def _tuples(arguments: tuple[Any, ...], metadata: tuple[Any, ...]) -> Strategy:
    if arguments[-1] is not Ellipsis:
        return st.tuples(*[_of(argument, ()) for argument in arguments])
    least = max((one.min_length for one in _having(metadata, "min_length")), default=0)
    return st.lists(_of(arguments[0], ()), min_size=least, max_size=least + 2).map(tuple)


def _scalar(annotation: Any, metadata: tuple[Any, ...]) -> Strategy:  # noqa: ANN401  # a type form
    if annotation is None or annotation is type(None):
        return st.none()
    if annotation is AwareDatetime:
        return _moments()
    plain: dict[type, Callable[[], Strategy]] = {
        str: lambda: _texts(metadata),
        bool: st.booleans,
        int: lambda: st.integers(*_bounds(metadata, least=-(2**63), most=2**63 - 1)),
        float: lambda: _floats(metadata),
        datetime: _moments,
    }
    if annotation in plain:
        return plain[annotation]()
    if issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if issubclass(annotation, BaseModel):
        return st.deferred(lambda: models(annotation))
    raise NotImplementedError(f"no strategy for {annotation}")


def _texts(metadata: tuple[Any, ...]) -> Strategy:
    patterns = [one.pattern for one in _having(metadata, "pattern")]
    if patterns:
        return st.from_regex(patterns[0], fullmatch=True)
    least = max((one.min_length for one in _having(metadata, "min_length")), default=0)
    return st.text(min_size=least, max_size=max(least, 20))


def _floats(metadata: tuple[Any, ...]) -> Strategy:
    least, most = _bounds(metadata, least=-1e12, most=1e12)
    open_below = any(isinstance(one, annotated_types.Gt) for one in metadata)
    return st.floats(least, most, exclude_min=open_below, allow_nan=False)


def _bounds(metadata: tuple[Any, ...], *, least: float, most: float) -> tuple[Any, Any]:
    for one in metadata:
        if isinstance(one, annotated_types.Ge):
            least = one.ge  # type: ignore[assignment]  # numbers here, whatever the protocol says
        elif isinstance(one, annotated_types.Gt):
            least = one.gt  # type: ignore[assignment]  # as above
        elif isinstance(one, annotated_types.Le):
            most = one.le  # type: ignore[assignment]  # as above
        elif isinstance(one, annotated_types.Lt):
            most = one.lt  # type: ignore[assignment]  # as above
    return least, most


def _having(metadata: tuple[Any, ...], attribute: str) -> list[Any]:
    return [one for one in metadata if getattr(one, attribute, None) is not None]


def _moments() -> Strategy:
    return st.datetimes(
        min_value=datetime(2000, 1, 1),  # the zone is given beside
        max_value=datetime(2100, 1, 1),  # the zone is given beside
        timezones=st.sampled_from([UTC]),
    )
