"""What follows from known submissions and their outcomes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.grading.calibration import KnownSubmission
from harness.grading.matrix import matrix
from harness.models.check import CheckOutcome, CheckResult, Grading
from harness.models.proof import Flips, KillMatrix

CHECKS = ("a.one", "b.two")
THREE = (*CHECKS, "c.three")
SCORES = {"p": 1.0, "f": 0.0, "~": 0.5, "?": None}
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
            score=SCORES[letter],
            duration_sec=2.0,
            summary=f"{check} says so",
        )
        for check, letter in zip(THREE, outcomes, strict=False)
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
        checks=THREE[: len(runs[0])],
        asked={"x": THREE[: len(runs[0])]},
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
        ("tamper", ("a.one",), ["pf"], False, 0.0, 1.0),
        ("tamper", (), ["ff"], True, 1.0, 1.0),
        ("nonsense", (), ["ff"], True, 1.0, 1.0),
        ("nonsense", ("a.one",), ["fp"], False, 1.0, 1.0),
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


def known(name: str, kind: str, *fails: str) -> KnownSubmission:
    """One of several submissions."""
    return KnownSubmission.model_construct(name=name, kind=kind, fails=fails, about="it is")


def drawn_together(
    *rows: tuple[KnownSubmission, str], complete: bool = True, whole_battery: bool = True
) -> KillMatrix:
    """The matrix of several submissions, each run once."""
    return matrix(
        task="t",
        task_digest="d",
        backend="fake",
        stress=False,
        whole_battery=whole_battery,
        complete=complete,
        known=[item for item, _ in rows],
        checks=THREE[: max(len(outcomes) for _, outcomes in rows)],
        asked={item.name: THREE[: len(outcomes)] for item, outcomes in rows},
        gradings={item.name: [run(outcomes)] for item, outcomes in rows},
    )


def test_tampering_must_not_pay() -> None:
    """A tampered original that scores more than the original is a problem; as much is none."""
    original = (known("original", "original", "a.one"), "fp")
    result = drawn_together(original, (known("forger", "tamper"), "pp"))
    assert result.problems == ("tamper forger scores 1.00, more than the original's 0.50.",)
    assert drawn_together(original, (known("forger", "tamper"), "pf")).proven


def test_some_of_the_checks_are_no_score() -> None:
    """A tampered original keeps what it has not touched, and may well pass two checks of many."""
    original = (known("original", "original", "a.one"), "fp")
    forger = (known("forger", "tamper"), "pp")
    assert drawn_together(original, forger, whole_battery=False).problems == ()


def test_nonsense_must_not_score() -> None:
    """What does nothing useful stays below a fifth of the score."""
    result = drawn_together((known("constant", "nonsense"), "~f"))
    assert result.problems == ("nonsense constant scores 0.25, more than allowed: 0.20.",)


def test_checks_that_are_always_failed_together() -> None:
    """They are named, unless another submission tells them apart."""
    both = (known("both", "mutant", *CHECKS), "ff")
    assert drawn_together(both).redundant == (CHECKS,)
    assert drawn_together(both, complete=False).redundant == ()
    assert drawn_together(both, (known("one", "mutant", "a.one"), "fp")).redundant == ()


def test_flips_are_counted_where_the_verdict_is_known() -> None:
    """Against references in every check, against mutants in their own; invalid runs are none."""
    result = drawn("reference", (), "pp", "pf", "p?")
    assert result.steadiness == {"a.one": Flips(runs=3, flips=0), "b.two": Flips(runs=2, flips=1)}
    result = drawn("mutant", ("a.one",), "fp", "pf")
    assert result.steadiness == {"a.one": Flips(runs=2, flips=1), "b.two": Flips(runs=0, flips=0)}


def test_a_mutant_that_fails_much_else() -> None:
    """One check beside its own is told; with two, they measure one thing, or it is two faults."""
    assert drawn("mutant", ("a.one",), "ffp").proven
    result = drawn("mutant", ("a.one",), "fff")
    assert result.problems == ("mutant x fails more than its own: b.two, c.three.",)


def test_checks_that_a_mutant_did_not_meet() -> None:
    """Nothing is said about them: they are neither passed nor left unmeasured."""
    made = drawn_together(
        (known("good", "reference"), "ppp"), (known("broken", "mutant", "a.one"), "f")
    )
    assert made.problems == ()
    assert made.checks == THREE
    assert made.rows[1].outcomes == {"a.one": CheckOutcome.FAILED}
    assert made.sensitivity == made.specificity == 1.0
