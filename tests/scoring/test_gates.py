"""Gates: reported as held, broken or unknown, and never in a number."""

from __future__ import annotations

import pytest

from harness.models.check import CheckOutcome, CheckResult, Measurement
from harness.models.rubric import Gate, Limit, Rubric
from harness.scoring import gate_results, score
from harness.testing.scorecards import staff_backend_rubric

GATE = Gate(
    id="double-charge",
    title="Must not ship a double charge",
    rationale="Money moved twice cannot be averaged away.",
    checks=("idempotency.*",),
)
COUNTED = GATE.model_copy(update={"measured": Limit(name="most charges for one key", at_most=1)})
RUBRIC = staff_backend_rubric().model_copy(update={"gates": (GATE,)})


def check(id_: str, outcome: str, *, advisory: str = "") -> CheckResult:
    """A result whose score follows from its outcome."""
    scores = {"passed": 1.0, "partial": 0.5, "failed": 0.0, "invalid": None}
    return CheckResult.model_validate(
        {
            "id": id_,
            "family": id_.split(".", maxsplit=1)[0],
            "dimension": "failure-mode-instinct",
            "weight": 1,
            "shows": "it",
            "outcome": CheckOutcome(outcome),
            "score": scores[outcome],
            "advisory": advisory,
        }
    )


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["passed", "passed"], "held"),
        (["passed", "partial"], "broken"),
        (["failed", "invalid"], "broken"),
        (["passed", "invalid"], "unknown"),
        ([], "unknown"),
    ],
)
def test_a_gate_is_as_good_as_its_worst_check(outcomes: list[str], status: str):
    """One that did not fully pass breaks it; a missing one leaves it unknown, never held."""
    checks = [check(f"idempotency.n{n}", outcome) for n, outcome in enumerate(outcomes)]
    (found,) = gate_results(RUBRIC, [*checks, check("cache.ttl", "failed")])
    assert found.status == status
    assert len(found.checks) == len(outcomes)


def test_a_gate_names_what_broke_it_and_what_is_missing():
    """So that a committee can follow it."""
    checks = [
        check("idempotency.race", "failed"),
        check("idempotency.crash", "invalid"),
        check("idempotency.shown", "failed", advisory="No sentence asks for it."),
    ]
    (found,) = gate_results(RUBRIC, checks)
    assert found.broken_by == ("idempotency.race",)
    assert found.missing == ("idempotency.crash",)
    assert found.checks == ("idempotency.race", "idempotency.crash")


@pytest.mark.parametrize(
    ("outcome", "charges", "status"),
    [
        ("passed", 1, "held"),
        ("failed", 1, "held"),
        ("failed", 0, "held"),
        ("failed", 2, "broken"),
        ("passed", None, "unknown"),
        ("failed", None, "unknown"),
        ("invalid", 2, "unknown"),
    ],
)
def test_a_gate_with_a_limit_goes_by_what_was_counted(
    outcome: str, charges: int | None, status: str
):
    """A check that fails by something else breaks nothing; one that did not count is missing."""
    counted = [Measurement(name="most charges for one key", value=charges)] * (charges is not None)
    found = check("idempotency.race", outcome).model_copy(
        update={"measurements": (Measurement(name="slowest reply", value=9.5), *counted)}
    )
    (said,) = gate_results(RUBRIC.model_copy(update={"gates": (COUNTED,)}), [found])
    assert said.status == status
    assert bool(said.broken_by) is (status == "broken")
    assert bool(said.missing) is (status == "unknown")
    assert said.highest == (None if status == "unknown" else charges)


def test_a_broken_gate_changes_no_number():
    """It is reported; the scores are those of the rubric without it."""
    checks = [check("idempotency.race", "failed"), check("timeouts.hang", "passed")]
    without: Rubric = RUBRIC.model_copy(update={"gates": ()})
    assert score(RUBRIC, checks, ()) == score(without, checks, ())
