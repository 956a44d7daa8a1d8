"""What came out of a call as JSON, told by exact types; runs beside the module, see `stage.py`."""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import io
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

MAX_DEPTH = 24
MAX_NODES = 50_000
MAX_TEXT = 200_000
MAX_DRAINED = 10_000

Json = Any

_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (dict, lambda value: dict(dict.items(value))),
    (list, lambda value: list(list.__iter__(value))),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (set, lambda value: set(set.__iter__(value))),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
"""What a subclass of a builtin holds, past whatever it overrides."""


class Canon:
    """Encodes one outcome; what it has seen bounds it."""

    def __init__(self) -> None:
        self._nodes = 0
        self._open: list[int] = []

    def value(self, value: Any) -> Json:  # noqa: ANN401, PLR0911 - one line a kind
        """A JSON tree with a tag for everything that JSON has no exact type for."""
        self._nodes += 1
        if self._nodes > MAX_NODES or len(self._open) > MAX_DEPTH:
            return {"$": "cut"}
        kind = type(value)
        if kind is str:
            return value[:MAX_TEXT] if len(value) > MAX_TEXT else value
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if abs(value) < 2**53 else {"$": "int", "v": hex(value)}
        if (plain := _PLAIN.get(id(kind))) is not None:
            return plain(value)
        if id(value) in self._open:
            return {"$": "cycle", "up": len(self._open) - self._open.index(id(value))}
        self._open.append(id(value))
        try:
            return self._compound(value, kind)
        finally:
            self._open.pop()

    def raised(self, exc: BaseException) -> Json:
        """An exception: type, public bases, text, and its public attributes."""
        try:
            text = str(exc)[:MAX_TEXT]
        except BaseException:  # noqa: BLE001 - an exception that cannot be told is an outcome
            text = ""
        self._open.append(id(exc))
        try:
            attrs = self._attributes(exc, without=("add_note", "args", "with_traceback"))
        finally:
            self._open.pop()
        names = mro(type(exc))
        return {"$": "raised", "class": names[0], "mro": names, "text": text, "attrs": attrs}

    def _compound(self, value: Any, kind: type) -> Json:  # noqa: ANN401, PLR0911 - one line a type
        if kind is list:
            return [self.value(item) for item in value]
        if kind is tuple:
            return {"$": "tuple", "v": [self.value(item) for item in value]}
        if kind is dict:
            items = [[self.value(key), self.value(item)] for key, item in value.items()]
            return {"$": "dict", "v": items}
        if kind in (set, frozenset):
            items = sorted((self.value(item) for item in value), key=repr)
            return {"$": kind.__name__, "v": items}
        if kind in (io.StringIO, io.BytesIO):
            if value.closed:
                return {"$": kind.__name__, "closed": True}
            return {"$": kind.__name__, "v": self.value(value.getvalue()), "at": value.tell()}
        if (late := _late(kind)) is not None:
            return late(value)
        if hasattr(kind, "__harness_fake__"):
            return {"$": "fake", "v": value.__harness_fake__()}
        if (named := _named(value, kind)) is not None:
            return named
        if isinstance(value, BaseException):
            return self.raised(value)
        if isinstance(value, Iterator):
            return {"$": "iterator"}
        return self._object(value, kind)

    def _object(self, value: Any, kind: type) -> Json:  # noqa: ANN401
        names = mro(kind)
        found: dict[str, Json] = {"$": "object", "class": names[0], "mro": names}
        for base, copied in _BASES:
            if issubclass(kind, base):
                found["base"] = self.value(copied(value))
                break
        found["attrs"] = self._attributes(value, without=())
        return found

    def _attributes(self, value: object, without: tuple[str, ...]) -> dict[str, Json]:
        """Public data: the instance's own, its slots, and properties."""
        names: list[str] = []
        names += getattr(value, "__dict__", ())
        for base in type(value).__mro__[:-1]:
            names += [name for name, item in vars(base).items() if _is_data(item)]
        wanted = {name for name in names if type(name) is str and not name.startswith("_")}
        found: dict[str, Json] = {}
        for name in sorted(wanted - set(without)):
            try:
                item = getattr(value, name)
            except BaseException as exc:  # noqa: BLE001 - a property's error is an outcome
                found[name] = {"$": "raised", "class": type(exc).__name__}
                continue
            found[name] = self.value(item)
        return found


def mro(kind: type) -> list[str]:
    """Names of the public classes among its bases, itself first."""
    names = [base.__name__ for base in kind.__mro__]
    return [names[0], *(name for name in names[1:] if not name.startswith("_"))]


def _is_data(item: object) -> bool:
    if isinstance(item, property | functools.cached_property | types.MemberDescriptorType):
        return True
    return not callable(item) and not hasattr(type(item), "__get__")


def _named(value: Any, kind: type) -> Json:  # noqa: ANN401
    """What is told by its name alone."""
    if isinstance(value, type):
        return {"$": "class", "v": value.__name__}
    if isinstance(value, types.ModuleType):
        return {"$": "module", "v": value.__name__}
    if isinstance(value, enum.Enum):
        return {"$": "enum", "class": kind.__name__, "v": value.name}
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return {"$": "callable", "v": value.__name__}
    return None


def _late(kind: type) -> Callable[[Any], Json] | None:
    """For types of modules that a stage does not import by itself: nobody has an object of them."""
    for module, name in (("fractions", "Fraction"), ("uuid", "UUID")):
        if kind is getattr(sys.modules.get(module), name, None):
            return _texts(name)
    return None


def _texts(name: str) -> Callable[[Any], Json]:
    return lambda value: {"$": name, "v": str(value)}


def _bytes(name: str) -> Callable[[Any], Json]:
    return lambda value: {"$": name, "v": bytes(value[:MAX_TEXT]).hex()}


def _moment(name: str) -> Callable[[Any], Json]:
    return lambda value: {"$": name, "v": value.isoformat()}


_PLAIN: dict[int, Callable[[Any], Json]] = {
    id(kind): told
    for kind, told in (
        (float, lambda value: {"$": "float", "v": repr(value)}),
        (complex, lambda value: {"$": "complex", "v": repr(value)}),
        (decimal.Decimal, _texts("Decimal")),
        (bytes, _bytes("bytes")),
        (bytearray, _bytes("bytearray")),
        (datetime.date, _moment("date")),
        (datetime.datetime, _moment("datetime")),
        (datetime.time, _moment("time")),
        (
            datetime.timedelta,
            lambda value: {"$": "timedelta", "v": [value.days, value.seconds, value.microseconds]},
        ),
        (range, lambda value: {"$": "range", "v": [value.start, value.stop, value.step]}),
    )
}
"""By the identity of a type, which no metaclass can claim."""
