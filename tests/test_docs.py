"""What the documents promise is what the code has."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from harness.cli.main import app
from harness.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


def slugs_in(tree: ast.AST) -> Iterator[str]:
    """Slugs as keywords, as classes' defaults, and in the tables of causes."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="slug", value=ast.Constant(value=str(slug))) if slug:
                yield slug
            case ast.Assign(
                targets=[ast.Name(id="default_slug")], value=ast.Constant(value=str(slug))
            ):
                yield slug
            case ast.Call(func=ast.Name(id="Cause"), args=[ast.Constant(value=str(slug)), *_]):
                yield slug
            case ast.Tuple(elts=[ast.Name(id=name), ast.Constant(value=str(slug)), *_]) if (
                name.endswith("Error")
            ):
                yield slug


def slugs() -> set[str]:
    """Every slug in the package."""
    return {
        slug
        for path in sorted((ROOT / "harness").rglob("*.py"))
        for slug in slugs_in(ast.parse(path.read_text(encoding="utf-8")))
    }


def commands(command: object, name: str = "harness") -> Iterator[str]:
    """Every command as a person types it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name
        return
    for word, sub in inner.items():
        yield from commands(sub, f"{name} {word}")


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting, nested ones dotted."""
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from settings_of(info.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def sections() -> list[str]:
    """The headings of docs/messages.md that are slugs."""
    return re.findall(
        r"^## (\S+)$", (ROOT / "docs/messages.md").read_text(encoding="utf-8"), re.MULTILINE
    )


def test_every_slug_is_found_in_the_kinds_of_places_there_are():
    """The collection sees keywords, class defaults and both tables."""
    assert {"session-busy", "usage", "store-full", "engine-version", "disk-full"} <= slugs()


def test_every_slug_has_its_section():
    """Nobody is sent to a section that is not there."""
    assert sorted(slugs() - set(sections())) == []


def test_every_section_has_its_slug():
    """No section explains an error that cannot happen, and none is there twice."""
    assert sorted(set(sections()) - slugs()) == []
    assert [slug for slug, count in Counter(sections()).items() if count > 1] == []


def test_every_section_says_something():
    """A heading alone helps nobody."""
    text = (ROOT / "docs/messages.md").read_text(encoding="utf-8")
    bodies = re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]
    assert all(len(body.split("\n# ")[0].split()) >= 8 for body in bodies)


def test_every_command_is_documented():
    """A command that no page mentions does not exist for its users."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    every = list(commands(typer.main.get_command(app)))
    assert len(every) > 20
    assert [name for name in every if not re.search(rf"`?{name}\b", text)] == []


@pytest.mark.parametrize("name", list(settings_of(Settings)))
def test_every_setting_is_documented_with_its_variable(name: str):
    """The table has the setting, its environment variable and its meaning."""
    rows = (ROOT / "docs/configuration.md").read_text(encoding="utf-8").splitlines()
    variable = "HARNESS_" + name.replace(".", "__").upper()
    assert [row for row in rows if f"`{name}`" in row and f"`{variable}`" in row]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path):
    """A link to a file of this repository leads to it."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize(
    "name",
    [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "harness").rglob("*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ],
)
def test_examples_in_docstrings_hold(name: str):
    """What a docstring shows is what comes out."""
    ran = doctest.testmod(importlib.import_module(name))
    assert ran.attempted
    assert not ran.failed
