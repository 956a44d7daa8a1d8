"""What follows from known submissions and their outcomes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.grading.calibration import KnownSubmission
from harness.grading.matrix import KillMatrix, matrix
from harness.models.check import CheckOutcome, CheckResult, Grading

CHECKS = ("a.one", "b.two")
LETTERS = {"p": "passed", "f": "failed", "~": "partial", "?": "invalid"}


def run(outcomes: str) -> Grading:
    """A grading from letters, one for each check."""
    now = datetime.now(UTC)
    results = tuple(
        CheckResult(
            id=check,
            family="behaviour",
            dimension="d",
            weight=1,
            shows="",
            outcome=CheckOutcome(LETTERS[letter]),
            duration_sec=2.0,
            summary=f"{check} says so",
        )
        for check, letter in zip(CHECKS, outcomes, strict=True)
    )
    return Grading(
        id="g-1",
        task="t",
        task_version="1",
        task_digest="d",
        submission_sha256="s",
        backend="fake",
        harness_version="0",
        started_at=now,
        finished_at=now,
        checks=results,
    )


def drawn(kind: str, fails: tuple[str, ...], *runs: str) -> KillMatrix:
    """The matrix of one submission."""
    item = KnownSubmission.model_construct(name="x", kind=kind, fails=fails, about="it is")
    return matrix(
        task="t",
        task_digest="d",
        backend="fake",
        stress=False,
        whole_battery=True,
        complete=True,
        known=[item],
        gradings={"x": [run(outcomes) for outcomes in runs]},
    )


@pytest.mark.parametrize(
    ("kind", "fails", "runs", "proven", "sensitivity", "specificity"),
    [
        ("reference", (), ["pp"], True, 1.0, 1.0),
        ("reference", (), ["pf"], False, 1.0, 0.5),
        ("reference", (), ["p~"], False, 1.0, 0.5),
        ("reference", (), ["p?"], False, 1.0, 1.0),
        ("reference", (), ["pp", "pf"], False, 1.0, 0.75),
        ("original", ("a.one",), ["fp"], True, 1.0, 1.0),
        ("original", ("a.one",), ["ff"], False, 1.0, 1.0),
        ("original", ("a.one",), ["pp"], False, 0.0, 1.0),
        ("mutant", ("a.one",), ["fp"], True, 1.0, 1.0),
        ("mutant", ("a.one",), ["~p"], True, 1.0, 1.0),
        ("mutant", ("a.one",), ["ff"], True, 1.0, 1.0),
        ("mutant", ("a.one",), ["pf"], False, 0.0, 1.0),
        ("mutant", ("a.one", "b.two"), ["fp"], False, 0.5, 1.0),
        ("mutant", ("a.one",), ["?p"], False, 0.0, 1.0),
        ("mutant", ("a.one",), ["fp", "pp"], False, 0.5, 1.0),
        ("tamper", ("a.one",), ["fp"], True, 1.0, 1.0),
        ("tamper", ("a.one",), ["ff"], False, 1.0, 1.0),
        ("nonsense", (), ["ff"], True, 1.0, 1.0),
        ("nonsense", (), ["fp"], False, 0.5, 1.0),
    ],
)
def test_figures(  # noqa: PLR0917 - one row of a table
    kind: str,
    fails: tuple[str, ...],
    runs: list[str],
    proven: bool,
    sensitivity: float,
    specificity: float,
) -> None:
    """Kills of what must fail are sensitivity, passes of references are specificity."""
    result = drawn(kind, fails, *runs)
    assert (result.sensitivity, result.specificity) == (sensitivity, specificity)
    assert result.proven is proven
    assert result.rows[0].as_expected is proven


def test_surviving_mutant_and_off_target() -> None:
    """A mutant that its check lets live is named, and so is who killed it instead."""
    result = drawn("mutant", ("a.one",), "pf")
    assert result.surviving == ("x",)
    assert result.rows[0].off_target == ("b.two",)
    assert result.problems == ("mutant x passes a.one, which it must fail.",)
    assert result.rows[0].summaries == {"a.one": "a.one says so", "b.two": "b.two says so"}


def test_flip_is_a_problem_even_where_anything_goes() -> None:
    """Runs that disagree show a check that cannot be relied on."""
    result = drawn("mutant", ("a.one",), "fp", "ff")
    assert result.rows[0].flips == ("b.two",)
    assert result.problems == ("mutant x: runs disagree about b.two.",)


def test_idle_check() -> None:
    """A check that no known submission fails is named: nothing shows that it can."""
    assert drawn("original", ("a.one",), "fp").idle_checks == ("b.two",)


def test_misspelt_check() -> None:
    """A submission that must fail a check that does not exist proves nothing."""
    result = drawn("mutant", ("a.oen",), "fp")
    assert "no check has that id" in result.problems[0]


def test_the_worst_of_several_runs_is_shown() -> None:
    """The row shows the outcome furthest from what must be."""
    assert drawn("reference", (), "pp", "~p", "pf").rows[0].outcomes == {
        "a.one": CheckOutcome.PARTIAL,
        "b.two": CheckOutcome.FAILED,
    }
    assert drawn("mutant", ("a.one",), "fp", "pp").rows[0].outcomes["a.one"] is CheckOutcome.PASSED


def test_json_says_whether_it_is_proven() -> None:
    """The JSON holds the conclusion and the median durations."""
    data = drawn("reference", (), "pp").model_dump(mode="json")
    assert data["proven"] is True
    assert data["durations"] == {"a.one": 2.0, "b.two": 2.0}
