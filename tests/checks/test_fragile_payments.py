"""The hidden checks of fragile-payments: the original fails what it must, good designs pass."""

from pathlib import Path

import pytest

from harness.catalog.tasks import read_task
from harness.grading.calibration import read_calibration
from harness.models.check import CheckOutcome
from harness.models.proof import KILLS
from tests.checks.standin import ROOT, StandIn, interview_of

TASK = ROOT / "tasks" / "fragile-payments"
GOOD = Path(__file__).parent / "good_payments"
QUICK = ("idempotency.concurrent", "retries.permanent", "regression.payments")


def grade(source: Path, **options: object) -> dict[str, CheckOutcome]:
    """Check id -> outcome; advisory ones say nothing about what is good."""
    standin = StandIn(interview_of(TASK), TASK / "tests", source, **options)  # type: ignore[arg-type]
    results = standin.run()
    assert sorted(results) == sorted(standin.declared), standin.stderr
    return {id_: result.outcome for id_, result in results.items() if not result.advisory}


@pytest.mark.proof
def test_the_original_fails_what_it_must_and_nothing_else():
    """The positive control of every check."""
    known = {one.name: one for one in read_calibration(read_task(TASK)).submission}
    outcomes = grade(TASK / "environment" / "repo")
    wanting = {id_ for id_, outcome in outcomes.items() if outcome in KILLS}
    assert wanting == set(known["original"].fails) & outcomes.keys()
    assert set(outcomes.values()) == {*KILLS, CheckOutcome.PASSED}


@pytest.mark.proof
@pytest.mark.parametrize("design", ["waiting", "joining", "queued"])
def test_every_design_that_keeps_the_contract_passes(design: str):
    """201 or 202, 409 or waiting for the first: all the same to the checks."""
    outcomes = grade(GOOD, env={"DESIGN": design})
    wanting = {id_ for id_, outcome in outcomes.items() if outcome != CheckOutcome.PASSED}
    assert wanting == {"regression.stored-data"}, outcomes  # the toy has books of its own


def test_three_quick_checks_tell_them_apart():
    """A look at both on every run of the tests."""
    good = grade(GOOD, only=QUICK)
    assert set(good.values()) == {CheckOutcome.PASSED}, good
    original = grade(TASK / "environment" / "repo", only=QUICK)
    assert original == {
        "idempotency.concurrent": "failed",
        "retries.permanent": "failed",
        "regression.payments": "passed",
    }


def test_a_short_line_is_not_overrun_without_a_peak():
    """Who promises at once and takes on 25 at most is not sent more than that to look at blips."""
    outcomes = grade(GOOD, only=("retries.transient",), env={"DESIGN": "queued"})
    assert outcomes == {"retries.transient": "passed"}


def test_a_service_that_leaves_when_calls_fail_does_not_keep_them_from_being_counted():
    """It is gone, so there is nothing to count: that is its own doing, not this machine's."""
    outcomes = grade(GOOD, only=("bounded-resources.leaks",), env={"FRAIL": "1"})
    assert outcomes == {"bounded-resources.leaks": "failed"}
