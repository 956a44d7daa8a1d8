"""What a task's hidden checks declare, read from their source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DECORATOR = "check"
"""The name check authors import from `harness.checks`."""


@dataclass(frozen=True)
class Declared:
    """One `@check(...)` with the keywords that are written out in place."""

    path: Path
    line: int
    keywords: dict[str, object] = field(default_factory=dict)
    computed: tuple[str, ...] = ()
    """Keywords whose value is an expression, so that only running would tell."""

    @property
    def id(self) -> str:
        """As declared; empty when missing."""
        return str(self.keywords.get("id", ""))


def declarations(tests: Path) -> Iterator[Declared | SyntaxError]:
    """Every declaration below a `tests/` folder, in file and line order."""
    for path in sorted(tests.rglob("*.py")):
        try:
            tree = ast.parse(path.read_bytes(), filename=str(path))
        except SyntaxError as exc:
            yield exc
            continue
        constants = _constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = (item for item in node.decorator_list if isinstance(item, ast.Call))
                yield from (_declared(call, path, constants) for call in calls if _is_check(call))


def _is_check(call: ast.Call) -> bool:
    name = call.func
    return (isinstance(name, ast.Name) and name.id == DECORATOR) or (
        isinstance(name, ast.Attribute) and name.attr == DECORATOR
    )


def _declared(call: ast.Call, path: Path, constants: dict[str, object]) -> Declared:
    keywords: dict[str, object] = {}
    computed: list[str] = []
    positional = [("id", call.args[0])] if call.args else []
    for name, node in [*positional, *((item.arg or "**", item.value) for item in call.keywords)]:
        try:
            keywords[name] = _value(node, constants)
        except ValueError:
            computed.append(name)
    return Declared(path, call.lineno, keywords, tuple(computed))


def _value(node: ast.expr, constants: dict[str, object]) -> object:
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    return ast.literal_eval(node)


def _constants(tree: ast.Module) -> dict[str, object]:
    """Names given a literal once at the top of the module."""
    found: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
            try:
                found[target.id] = ast.literal_eval(node.value)
            except ValueError:
                found.pop(target.id, None)
    return found
