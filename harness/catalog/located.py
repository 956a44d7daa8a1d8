"""TOML and YAML files read so that every complaint can name its file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import HarnessError

Loc = tuple[int | str, ...]
"""A path of keys and list indices, as in pydantic's errors."""

MAX_BYTES = 1024 * 1024
"""A larger configuration file is a mistake."""

M = TypeVar("M", bound=BaseModel)

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*)\s*=""")
_TOML_AT = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Document:
    """A parsed file with the line at which each key stands."""

    path: Path
    data: Any
    lines: dict[Loc, int] = field(default_factory=dict)

    def line(self, loc: Loc) -> int:
        """The line of the deepest part of `loc` that the file has; 1 when none."""
        for end in range(len(loc), 0, -1):
            if loc[:end] in self.lines:
                return self.lines[loc[:end]]
        return 1


def read_toml(path: Path, error: type[HarnessError]) -> Document:
    """Parse a TOML file.

    Raises:
        error: With file, line and reason.
    """
    text = _read_text(path, error)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        found = _TOML_AT.match(str(exc))
        what, line = (found["what"], found["line"]) if found else (str(exc), None)
        where = line or len(text.splitlines())
        raise error(f"{path}:{where}: not valid TOML: {what}.") from exc
    return Document(path, data, _toml_lines(text))


def read_yaml(path: Path, error: type[HarnessError]) -> Document:
    """Parse a YAML file with the safe loader; a key given twice is an error.

    Raises:
        error: With file, line and reason.
    """
    text = _read_text(path, error)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_yaml_lines(node, (), path, error)) if node else {}
        data = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        problem = getattr(exc, "problem", None) or str(exc).splitlines()[0]
        raise error(f"{path}:{mark.line + 1 if mark else 1}: not valid YAML: {problem}.") from exc
    except RecursionError as exc:
        raise error(f"{path}:1: nested too deeply.") from exc
    return Document(path, data, lines)


def validate(document: Document, model: type[M], error: type[HarnessError]) -> M:
    """Make a model of a document.

    Raises:
        error: One line per problem: file, line, key, what is wrong, what is allowed.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as exc:
        raise error("\n".join(explain(document, model, exc))) from exc


def explain(document: Document, model: type[BaseModel], exc: ValidationError) -> list[str]:
    """A line for each problem pydantic found."""
    return [
        f"{document.path}:{document.line(detail['loc'])}: {describe(detail, model)}"
        for detail in exc.errors(include_url=False)
    ]


def describe(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One problem: the key, what is wrong with it, what is allowed."""
    key = ".".join(str(part) for part in detail["loc"]) or "the file"
    if detail["type"] == "extra_forbidden":
        allowed = ", ".join(_fields_at(model, detail["loc"][:-1]))
        return f"{key}: unknown key; allowed here: {allowed}."
    if detail["type"] == "missing":
        return f"{key}: missing; it is required."
    given = repr(detail["input"])
    shown = f" (it is {given})" if len(given) <= 80 else ""  # noqa: PLR2004 - fits on a line
    return f"{key}: {detail['msg']}{shown}."


def _read_text(path: Path, error: type[HarnessError]) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise error(f"{path}: larger than {MAX_BYTES} bytes.")
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise error(f"{path}: cannot be read: {exc.strerror or exc}.") from exc
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise error(f"{path}:{line}: not UTF-8.") from exc


def _toml_lines(text: str) -> dict[Loc, int]:
    """Lines of table headers and keys; a small scan, since tomllib keeps none."""
    lines: dict[Loc, int] = {}
    counts: dict[Loc, int] = {}
    table: Loc = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        inside, quote = bool(quote), _open_quote(line, quote)
        if inside:
            continue
        if header := _HEADER.match(line):
            table = _resolve(_split(header[2]), counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                lines.setdefault(table, number)
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            for end in range(1, len(parts := _split(key[1])) + 1):
                lines.setdefault((*table, *parts[:end]), number)
    return lines


def _resolve(parts: Loc, counts: dict[Loc, int]) -> Loc:
    """Put the present index after each array of tables on the way to `parts`."""
    loc: Loc = ()
    for position, part in enumerate(parts):
        loc = (*loc, part)
        if loc in counts and position < len(parts) - 1:
            loc = (*loc, counts[loc])
    return loc


def _split(dotted: str) -> Loc:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _open_quote(line: str, quote: str) -> str:
    """The multi-line string still open at the end of `line`."""
    for found in re.findall(r'"""|\'\'\'', line):
        quote = "" if quote == found else (quote or found)
    return quote


def _yaml_lines(
    node: yaml.Node, loc: Loc, path: Path, error: type[HarnessError]
) -> Iterator[tuple[Loc, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise error(f"{path}:{line}: key '{key.value}' is given twice.")
            seen.add(key.value)
            yield (*loc, key.value), line
            yield from _yaml_lines(value, (*loc, key.value), path, error)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*loc, index), value.start_mark.line + 1
            yield from _yaml_lines(value, (*loc, index), path, error)


def _fields_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """The field names allowed at `loc`, walking into nested models."""
    current: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, int):
            continue
        info = current.model_fields.get(part) if current else None
        current = _model_in(info.annotation) if info else None
    return list(current.model_fields) if current else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model inside `X`, `X | None` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None
