"""What a check asks a module to do: a list of calls on values, kept objects and fakes.

    Program((
        Call("pricing.engine:PriceBook", articles, keep="book"),
        Call("pricing.engine:price_order", order, customers, Ref("book"), audit=Fake("audit")),
        Call("base_price", "SOAP-5L", of=Ref("book")),
    ))

Source: facts/checks.md section 5.1.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Json = Any


@dataclass(frozen=True)
class Ref:
    """What an earlier call returned and was told to keep, or an item in it."""

    name: str
    path: tuple[object, ...] = ()
    """Keys and indexes that lead to an item, or `Attr`."""


@dataclass(frozen=True)
class Attr:
    """A part of a `Ref`'s path that is an attribute."""

    name: str


@dataclass(frozen=True)
class Name:
    """A public object, `package.module:name`; without a name, the module."""

    path: str


@dataclass(frozen=True)
class New:
    """An object made for this argument alone."""

    path: str
    args: tuple[object, ...] = ()


@dataclass(frozen=True)
class OneShot:
    """An iterator over these; the trace tells when each is taken."""

    items: tuple[object, ...]


@dataclass(frozen=True)
class Text:
    """An open text stream (`io.StringIO`) with this content; told again after the call."""

    content: str = ""


@dataclass(frozen=True)
class Returns:
    """A line of a fake's script."""

    value: object = None


@dataclass(frozen=True)
class Raises:
    """A line of a fake's script: an exception of this name."""

    path: str
    args: tuple[object, ...] = ()


@dataclass(frozen=True)
class Counts:
    """A line of a fake's script: this text, `{}` replaced by the number of the call."""

    text: str


Line = Returns | Raises | Counts


@dataclass(frozen=True)
class Fake:
    """Stands in for an object that the module is given, or with `call` for a function.

    Each call is in the trace. Each takes the next line of its script, the last line again
    and again. A fake is one object in its program, wherever its name stands.
    """

    name: str
    methods: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    call: Sequence[Line] | None = None

    def __hash__(self) -> int:
        return hash(self.name)


class Call:
    """One step: call a function by name, or a method of an object with `of`.

    Args:
        target: `package.module:name`, or a method's name.
        args: The positional arguments; plain values, and the classes of this module.
        of: The object whose method it is.
        keep: Keep the result under this name; an iterator is then not drained.
        drain: How many items of a returned iterator are taken.
        repeat: How often the call is made; the last one's result counts.
        kwargs: The keyword arguments.
    """

    def __init__(
        self,
        target: str,
        *args: object,
        of: object = None,
        keep: str = "",
        drain: int = 10_000,
        repeat: int = 1,
        **kwargs: object,
    ) -> None:
        self.target = target
        self.args = args
        self.of = of
        self.keep = keep
        self.drain = drain
        self.repeat = repeat
        self.kwargs = kwargs

    def encoded(self) -> dict[str, Json]:
        """As it goes over the wire."""
        return {
            "call": self.target,
            "args": [encoded(item) for item in self.args],
            "kwargs": {name: encoded(item) for name, item in self.kwargs.items()},
            "of": None if self.of is None else encoded(self.of),
            "keep": self.keep,
            "drain": self.drain,
            "repeat": self.repeat,
        }

    def __str__(self) -> str:
        """As somebody would write it in Python."""
        name = self.target.rpartition(":")[2]
        given = [shown(item) for item in self.args]
        given += [f"{key}={shown(item)}" for key, item in self.kwargs.items()]
        kept = f"{self.keep} = " if self.keep else ""
        of = f"{shown(self.of)}." if self.of is not None else ""
        return f"{kept}{of}{name}({', '.join(given)})"

    __repr__ = __str__


@dataclass(frozen=True)
class Program:
    """Calls in their order; what comes of them from a fresh import is what counts."""

    steps: tuple[Call, ...]
    files: Mapping[str, str] | None = None
    """Text files in the working folder, which is then told afterwards; None without any."""

    @cached_property
    def wire(self) -> bytes:
        """As it goes over the wire, and what tells it from others; made once."""
        return json.dumps(self.encoded(), separators=(",", ":")).encode("ascii")

    def encoded(self) -> dict[str, Json]:
        """As tagged JSON."""
        steps = [step.encoded() for step in self.steps]
        return {"steps": steps} | ({"files": dict(self.files)} if self.files is not None else {})


def encoded(value: object) -> Json:  # noqa: PLR0911 - one line a type
    """A value as tagged JSON; exact types only.

    Raises:
        TypeError: No way to say it is known.
    """
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if isinstance(value, int) and kind is int:
        return value if abs(value) < 2**53 else {"$": "int", "v": hex(value)}
    if isinstance(value, list):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {"$": "dict", "v": [[encoded(key), encoded(item)] for key, item in value.items()]}
    if isinstance(value, tuple | set | frozenset):
        return {"$": kind.__name__, "v": [encoded(item) for item in value]}
    if kind in _PLAIN:
        return {"$": kind.__name__, "v": _PLAIN[kind](value)}
    return _special(value)


_PLAIN: dict[type, Any] = {
    float: repr,
    decimal.Decimal: str,
    fractions.Fraction: str,
    uuid.UUID: str,
    bytes: bytes.hex,
    datetime.date: datetime.date.isoformat,
    datetime.datetime: datetime.datetime.isoformat,
    datetime.time: datetime.time.isoformat,
    datetime.timedelta: lambda value: [value.days, value.seconds, value.microseconds],
}


def _special(value: object) -> Json:  # noqa: PLR0911 - one line a type
    match value:
        case Ref():
            return {"$": "ref", "v": value.name, "path": [encoded(part) for part in value.path]}
        case Attr():
            return {"$": "attr", "v": value.name}
        case Name():
            return {"$": "name" if ":" in value.path else "module", "v": value.path}
        case New():
            return {"$": "new", "v": value.path, "args": [encoded(item) for item in value.args]}
        case OneShot():
            return {"$": "iterator", "v": [encoded(item) for item in value.items]}
        case Text():
            return {"$": "StringIO", "v": value.content}
        case Fake():
            methods = {name: list(map(_line, lines)) for name, lines in value.methods.items()}
            call = None if value.call is None else list(map(_line, value.call))
            return {"$": "fake", "v": value.name, "methods": methods, "call": call}
    raise TypeError(f"a program cannot hold {type(value).__name__}: {value!r}")


def _line(line: Line) -> Json:
    match line:
        case Returns():
            return {"returns": encoded(line.value)}
        case Raises():
            return {"raises": line.path, "args": [encoded(item) for item in line.args]}
        case Counts():
            return {"counts": line.text}


def _part(part: object) -> str:
    return f".{part.name}" if isinstance(part, Attr) else f"[{part!r}]"


def shown(value: object) -> str:  # noqa: PLR0911 - one line a type
    """A value as somebody would write it in Python."""
    match value:
        case Ref():
            return value.name + "".join(map(_part, value.path))
        case Name():
            return value.path.replace(":", ".")
        case New():
            inner = ", ".join(map(shown, value.args))
            return f"{value.path.rpartition(':')[2]}({inner})"
        case OneShot():
            return f"iter({shown(list(value.items))})"
        case Text():
            return f"StringIO({value.content!r})"
        case Fake():
            return f"<{value.name}>"
        case dict():
            inner = ", ".join(f"{shown(key)}: {shown(item)}" for key, item in value.items())
            return f"{{{inner}}}"
        case list():
            return f"[{', '.join(map(shown, value))}]"
    return repr(value)
