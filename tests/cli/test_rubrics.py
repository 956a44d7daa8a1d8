"""`harness rubric ...` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.catalog.conftest import write
from tests.cli.conftest import Harness, opened


def test_rubrics_are_listed_with_the_broken_ones(harness: Harness, project: Path):
    """Ours, and a private one that cannot be read with its error."""
    write(project / "rubrics/broken.yaml", "id: broken\n")
    rows = {row["id"]: row for row in json.loads(harness("rubric", "list", "--json").out)}
    assert rows["staff-review"]["level"] == "staff"
    assert "version: missing" in rows["broken"]["error"]
    assert "principal-architect" in harness("rubric", "list").out


def test_a_rubric_is_shown_for_a_stage(harness: Harness):
    """Anchors, reasons, gates and change log, in the stage's words."""
    said = harness("rubric", "show", "staff-backend@enterprise").out
    assert "Staff backend engineer, enterprise" in said
    assert "Must not ship a double charge" in said
    assert "2.1.0, 2026-11-21" in said
    document = json.loads(harness("rubric", "show", "staff-backend", "--json").out)
    assert len(document["dimensions"]) == 6


def test_lint_leaves_with_one_when_something_is_wrong(harness: Harness, project: Path):
    """Ours is well made; one that names no known family is not."""
    assert harness("rubric", "lint", "staff-backend", "--json").code == 0
    harness("rubric", "new", "mine", "--owns", "review", "--level", "mid")
    path = project / "rubrics/mine.yaml"
    evidence = "    evidence: {checks: [reviews.x]}\n"
    path.write_text(path.read_text().replace("    weight: 2\n", "    weight: 2\n" + evidence))
    answer = harness("rubric", "lint", "mine")
    assert answer.code == 1
    assert "check-family" in answer.out
    assert "changed-without-version" in answer.out


def test_a_rubric_is_begun_from_what_the_role_owns(harness: Harness, project: Path):
    """The weights are explained, the file is where the search path looks, and it lints."""
    answer = harness("rubric", "new", "payments-staff", "--owns", "on-call,direction")
    assert answer.code == 0
    assert "failure-mode-instinct weighs twice" in answer.out
    assert harness("rubric", "lint", "payments-staff").code == 0
    assert harness("rubric", "new", "payments-staff", "--owns", "").code == 2


def test_a_rubric_is_begun_by_answering(
    harness: Harness, project: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without --owns each ownership is asked for."""
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return "regressions" in question

    monkeypatch.setattr("typer.confirm", answer)
    assert "verification weighs twice" in harness("rubric", "new", "mine").out
    assert len(asked) == 9


@pytest.mark.parametrize(
    "argv",
    [
        ("new", "Bad Id", "--owns", ""),
        ("new", "x", "--owns", "pager"),
        ("new", "x", "--owns", "", "--level", "chief"),
        ("new", "x", "--owns", "", "--stage", "cosy"),
        ("show", "nothing"),
        ("show", "staff-backend@cosy"),
        ("lint", "nowhere.yaml"),
    ],
)
def test_wrong_use_says_what_there_is(harness: Harness, argv: tuple[str, ...]):
    """Exit code 2 and a way out."""
    answer = harness("rubric", *argv)
    assert answer.code == 2
    assert answer.out == ""


def test_a_sessions_rubric_stays_what_it_was(harness: Harness, project: Path):
    """The rubric frozen at opening is compared with today's of the same name."""
    session = opened(project.parent / "data")
    frozen = json.loads(harness("rubric", "show", f"session:{session}", "--json").out)
    assert (frozen["id"], frozen["version"]) == ("staff-backend", "1")
    found = json.loads(
        harness("rubric", "diff", f"session:{session}", "staff-backend", "--json").out
    )
    assert {"where": "rubric: version", "before": "1", "after": "2.2.0"} in found
    assert "differences" in harness("rubric", "diff", f"session:{session}", "staff-backend").out
