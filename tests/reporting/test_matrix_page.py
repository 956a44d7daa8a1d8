"""The kill matrix as a page."""

from __future__ import annotations

from html.parser import HTMLParser

from harness.models.check import CheckOutcome
from harness.models.proof import Flips, KillMatrix, MatrixRow
from harness.reporting import matrix_page

NASTY = "<script>alert(1)</script>\u202e"


def row(name: str, kind: str, outcomes: dict[str, str], **more: object) -> MatrixRow:
    """One known submission."""
    facts = {"about": "it is", "submission_sha256": "s", "must_fail": (), "as_expected": True}
    found = {check: CheckOutcome(value) for check, value in outcomes.items()}
    known = {"name": name, "kind": kind, "outcomes": found, "score": 0.5}
    return MatrixRow.model_validate({**facts, **known, **more})


def proof(*rows: MatrixRow, **more: object) -> KillMatrix:
    """A proof of two checks."""
    facts = {
        "task": "t",
        "task_digest": "d" * 64,
        "backend": "docker",
        "repeat": 2,
        "stress": False,
        "complete": True,
        "checks": ("a.one", "b.two"),
        "sensitivity": 0.5,
        "specificity": 1.0,
        "expected_kills": 2,
        "reference_cells": 4,
        "durations": {"a.one": 2.5},
        "steadiness": {"a.one": Flips(runs=40, flips=1)},
    }
    return KillMatrix.model_validate({**facts, "rows": rows, **more})


class Page(HTMLParser):
    """Tags and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_says_what_follows() -> None:
    """The verdict, the figures, each submission and check, in words."""
    original = row("original", "original", {"a.one": "failed", "b.two": "passed"})
    mutant = row("late", "mutant", {"a.one": "passed", "b.two": "invalid"}, missed=("a.one",))
    page = matrix_page(proof(mutant, original, problems=("mutant late passes a.one.",)))
    said = " ".join(Page(page).text.split())
    assert "The checks fall short" in said
    assert "mutant late passes a.one." in said
    assert "1 of 40" in said
    assert said.index("What candidates are given") < said.index("Good solutions with one fault")


def test_a_proof_that_holds() -> None:
    """Its heading says so, and nothing falls short."""
    page = matrix_page(proof(row("good", "reference", {"a.one": "passed", "b.two": "passed"})))
    assert "The checks got every verdict right" in page
    assert "What falls short" not in page


def test_who_fails_a_check() -> None:
    """Those that must are named and lead to what they are; others are counted."""
    outcomes = {"a.one": "failed", "b.two": "passed"}
    rows = (
        row("late", "mutant", outcomes, must_fail=("a.one",)),
        row(
            "empty", "nonsense", outcomes, off_target=("a.one",), summaries={"a.one": "No answer."}
        ),
        row("says-yes", "nonsense", outcomes, off_target=("a.one",)),
    )
    page = " ".join(matrix_page(proof(*rows)).split())
    assert '<td><a href="#submission-1">late</a></td> <td class="num">2</td>' in page
    assert '<dt id="submission-1">late' in page
    assert "<details><summary>What a.one said</summary>" in page


def test_a_surprise_is_open() -> None:
    """What falls short is read first, so it is not folded away."""
    passing = {"a.one": "passed", "b.two": "passed"}
    late = row("late", "mutant", passing, missed=("a.one",), must_fail=("a.one",))
    surprise = late.model_copy(update={"as_expected": False, "summaries": {"a.one": "In time."}})
    assert "<details open>" in matrix_page(proof(surprise))


def test_what_submissions_print_is_escaped() -> None:
    """Names, summaries and failures are text; no script, no outside address."""
    hostile = row(
        NASTY, "tamper", {"a.one": "failed"}, about=NASTY, failure=NASTY, summaries={"a.one": NASTY}
    )
    page = matrix_page(proof(hostile, task=NASTY, problems=(NASTY,), redundant=((NASTY, NASTY),)))
    assert "script" not in Page(page).tags
    assert "\u202e" not in page
    assert "http" not in page.replace("http-equiv", "")
