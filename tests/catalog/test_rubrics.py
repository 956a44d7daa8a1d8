"""Rubrics are found, and a malformed one says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.catalog.rubrics import SCHEMA_FILE, RubricCatalog, rubric_digest, rubric_schema
from harness.content import TASKS, content_dir
from harness.errors import RubricError
from harness.settings import Settings

from .conftest import write

LEVELS = "".join(f"      - {{value: {n}, name: l{n}, anchor: seen {n}}}\n" for n in range(1, 6))

RUBRIC = f"""\
id: toy
version: "1"
title: Toy
role: backend
target_level: staff
company_stage: growth
dimensions:
  - id: instinct
    title: Instinct
    question: Unprompted?
    weight: 1
    weight_rationale: The only one.
    levels:
{LEVELS}"""


@pytest.fixture
def path(tmp_path: Path, settings: Settings) -> Path:
    """The toy rubric in the private folder."""
    return write(tmp_path / "private/toy.yaml", RUBRIC)


def test_finds_a_rubric(path: Path, settings: Settings) -> None:
    """A private rubric is found by its id."""
    assert RubricCatalog(settings).find_rubric("toy").dimensions[0].id == "instinct"


def test_digest_follows_meaning(path: Path, settings: Settings) -> None:
    """Comments do not change a rubric's digest, weights do."""
    before = rubric_digest(RubricCatalog(settings).find_rubric("toy"))
    path.write_text("# a comment\n" + RUBRIC)
    assert rubric_digest(RubricCatalog(settings).find_rubric("toy")) == before
    path.write_text(RUBRIC.replace("weight: 1", "weight: 2"))
    assert rubric_digest(RubricCatalog(settings).find_rubric("toy")) != before


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("weight: 1", "weight: 0", 11, ["dimensions.0.weight", "greater than 0"]),
        ("title: Toy", "titel: Toy", 3, ["titel: unknown key", "company_stage"]),
        ("company_stage: growth", "company_stage: cosy", 6, ["'startup'", "cosy"]),
        ("version: ", "title: a\nversion: ", 4, ["'title' is given twice"]),
        ("title: Toy", "title: ]", 3, ["not valid YAML"]),
        ("id: toy", "id: other", 1, ["file's name asks for 'toy'"]),
    ],
)
def test_malformed_rubric(
    path: Path, settings: Settings, *, old: str, new: str, line: int, words: list[str]
) -> None:
    """An error names file, line, key, and what is allowed."""
    path.write_text(RUBRIC.replace(old, new, 1))
    with pytest.raises(RubricError) as caught:
        RubricCatalog(settings).find_rubric("toy")
    assert f"{path}:{line}: " in caught.value.message
    for word in words:
        assert word in caught.value.message


def test_unsafe_yaml_is_refused(path: Path, settings: Settings) -> None:
    """A tag that would build a Python object is an error, and nothing runs."""
    path.write_text("id: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(RubricError, match="not valid YAML"):
        RubricCatalog(settings).find_rubric("toy")


def test_unknown_rubric(path: Path, settings: Settings) -> None:
    """A misspelt id gets the nearest ids and the folders."""
    with pytest.raises(RubricError, match="Did you mean 'toy'"):
        RubricCatalog(settings).find_rubric("toys")


def test_broken_rubric_is_listed(path: Path, settings: Settings) -> None:
    """A rubric that cannot be read stands in the list with its error."""
    write(path.parent / "broken.yaml", "id: broken\n")
    listed = {item.id: item for item in RubricCatalog(settings).rubrics()}
    assert listed["toy"].rubric is not None
    assert "broken.yaml:1: version: missing" in (listed["broken"].error or "")


def test_published_schema_is_current() -> None:
    """`rubrics/rubric.schema.json` is what the model says; rewrite it from `rubric_schema()`."""
    published = (content_dir("rubrics") / SCHEMA_FILE).read_text(encoding="utf-8")
    assert json.loads(published) == json.loads(rubric_schema())


def test_what_a_gate_counts_is_counted(settings: Settings) -> None:
    """The modules of a gate's checks take the measurement that it goes by, under that name."""
    modules = [path.read_text() for path in content_dir(TASKS).glob("*/tests/test_*.py")]
    catalog = RubricCatalog(settings)
    gates = [gate for one in catalog.rubrics() for gate in catalog.find_rubric(one.id).gates]
    pairs = [(check, gate.measured) for gate in gates if gate.measured for check in gate.checks]
    assert pairs
    for check, limit in pairs:
        declaring = [text for text in modules if f'id="{check}"' in text]
        assert declaring
        assert [check for text in declaring if f'measure("{limit.name}"' not in text] == []


def test_rubrics_that_ship_are_valid(settings: Settings) -> None:
    """Every built-in rubric can be read."""
    assert [item.error for item in RubricCatalog(settings).rubrics() if item.error] == []
