"""From attempts to one result: confirmation, majority, and what is nobody's fault."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks import ControlFailed, SutNotReady
from harness.checks.failure import ChannelError
from harness.checks.verdict import Attempt, Verdict, another, settle, wants_control
from harness.errors import CheckError
from harness.models.check import CheckDeclaration, CheckOutcome, CheckResult

PASSED = Verdict(CheckOutcome.PASSED, 1.0, "passed")
PARTIAL = Verdict(CheckOutcome.PARTIAL, 0.5, "partial")
FAILED = Verdict(CheckOutcome.FAILED, 0.0, "failed", log_tail="log")
LATE = Verdict(CheckOutcome.FAILED, 0.0, "not ready within 30 s", late=True)
INVALID = Verdict(CheckOutcome.INVALID, None, "invalid")
OURS = Verdict(CheckOutcome.INVALID, None, "late", ours=True)
LAGGED = Verdict(CheckOutcome.INVALID, None, "the grader stood still", lagged=True)


def declaration(*, timing: bool) -> CheckDeclaration:
    """A check that rests on time, or not."""
    return CheckDeclaration(
        id="retries.toy",
        family="retries",
        dimension="d",
        shows="s",
        derived_from="b",
        control="c",
        timing=timing,
    )


def conclude(found: list[Verdict], *, timing: bool, confirm: bool = True) -> CheckResult:
    """Run attempts that find these, as the plugin does."""
    declared, verdicts, left = declaration(timing=timing), [], iter(found)
    while not verdicts or another(declared, verdicts, confirm=confirm):
        verdicts.append(next(left))
    return settle(declared, verdicts, confirm=confirm, duration_sec=1)


@pytest.mark.parametrize(
    ("found", "outcome", "attempts"),
    [
        ([LATE, LATE], "failed", 2),
        ([LATE, PASSED, PASSED], "passed", 3),
        ([LATE, FAILED], "failed", 2),
        ([FAILED], "failed", 1),
    ],
)
def test_a_service_that_is_late_gets_another_try(found: list[Verdict], outcome: str, attempts: int):
    """Whatever the check: how long a start takes is a matter of time."""
    result = conclude(found, timing=False)
    assert (result.outcome, result.attempts) == (outcome, attempts)


@pytest.mark.parametrize(
    ("verdicts", "wanted"),
    [([LATE, LATE], True), ([LATE, PASSED, PASSED], False), ([FAILED], False), ([PASSED], False)],
)
def test_a_service_that_stays_late_is_held_against_a_good_one(
    verdicts: list[Verdict], wanted: bool
):
    """Where a good one is late, too, the machine is too busy and nothing is scored."""
    declared = declaration(timing=False)
    assert wants_control(declared, verdicts, confirm=True) is wanted
    busy = settle(declared, [LATE, LATE], LATE, confirm=True, duration_sec=1)
    assert (busy.outcome, busy.score) == ("invalid", None)
    calm = settle(declared, [LATE, LATE], PASSED, confirm=True, duration_sec=1)
    assert (calm.outcome, calm.score) == ("failed", 0.0)


@pytest.mark.parametrize(
    ("found", "outcome", "attempts"),
    [
        ([PASSED], "passed", 1),
        ([FAILED, FAILED], "failed", 2),
        ([FAILED, PASSED, PASSED], "passed", 3),
        ([FAILED, PASSED, FAILED], "failed", 3),
        ([PARTIAL, PARTIAL], "partial", 2),
        ([PARTIAL, FAILED, FAILED], "failed", 3),
        ([PARTIAL, PASSED, FAILED], "partial", 3),
        ([INVALID, PASSED], "passed", 2),
        ([INVALID, INVALID], "invalid", 2),
        ([LAGGED, INVALID, PASSED], "passed", 3),
        ([LAGGED, LAGGED, LAGGED], "invalid", 3),
        ([INVALID, FAILED, FAILED], "failed", 3),
        ([FAILED, INVALID, FAILED], "failed", 3),
        ([FAILED, INVALID, INVALID], "invalid", 3),
        ([FAILED, LAGGED, LAGGED, LAGGED], "invalid", 4),
        ([FAILED, PASSED, INVALID, PASSED], "passed", 4),
        ([FAILED, PASSED, INVALID, INVALID], "invalid", 4),
        ([FAILED, PASSED, LAGGED, LAGGED, LAGGED], "invalid", 5),
    ],
)
def test_timing_checks_are_confirmed(found: list[Verdict], outcome: str, attempts: int):
    """A fail counts when a second one agrees or a third decides; invalid is made good."""
    result = conclude(found, timing=True)
    assert (result.outcome, result.attempts) == (outcome, attempts)
    assert (result.score is None) == (outcome == "invalid")


@pytest.mark.parametrize(
    ("found", "outcome"),
    [([FAILED], "failed"), ([INVALID, FAILED], "failed"), ([INVALID, INVALID], "invalid")],
)
def test_exact_checks_are_not(found: list[Verdict], outcome: str):
    """A count does not get another chance."""
    assert conclude(found, timing=False).outcome == outcome
    assert conclude(found, timing=True, confirm=False).outcome == outcome


def test_a_vote_says_so():
    """A person sees that the runs did not agree."""
    result = conclude([FAILED, PASSED, FAILED], timing=True)
    assert "Not unanimous: failed, passed, failed" in result.summary
    assert result.log_tail == "log"
    assert "Not unanimous" not in conclude([FAILED, FAILED], timing=True).summary


@given(
    st.lists(st.sampled_from([PASSED, PARTIAL, FAILED, INVALID, LAGGED]), min_size=6, max_size=6)
)
def test_every_check_ends_with_one_result(found: list[Verdict]):
    """After at most five attempts, and never with a score that no attempt had."""
    for timing, confirm in itertools.product([True, False], repeat=2):
        result = conclude(found, timing=timing, confirm=confirm)
        assert result.attempts <= 5
        scores = [verdict.score for verdict in found[: result.attempts]]
        assert result.score in scores


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AssertionError("the card was charged twice"), "failed"),
        (SutNotReady("ended with exit code 1"), "failed"),
        (ControlFailed("late"), "invalid"),
        (KeyError("id"), "invalid"),
        (TimeoutError(), "invalid"),
    ],
)
def test_whose_failure_an_exception_is(error: Exception, outcome: str):
    """The submission's when the check says so, ours in any other case."""
    attempt = Attempt(declaration(timing=True), 1, error=error)
    verdict = attempt.judge()
    assert verdict.outcome == outcome
    assert str(error) in verdict.summary


def test_nothing_measured_is_invalid():
    """A check without a threshold has shown nothing."""
    assert Attempt(declaration(timing=False), 1).judge().outcome == "invalid"


@pytest.mark.parametrize(
    ("error", "swamped_sec", "ours"),
    [
        (ControlFailed("the generator was late"), 0.0, True),
        (ControlFailed("the generator was late"), 0.5, False),
        (ChannelError("the engine is gone"), 0.5, True),
        (CheckError("no payment was under way"), 0.0, False),
    ],
)
def test_a_failed_control_of_a_busy_grader_may_be_the_services_doing(
    error: Exception, swamped_sec: float, ours: bool
):
    """What it is busy with comes from the service, so a good one has to be asked."""
    attempt = Attempt(declaration(timing=True), 1, error=error, swamped_sec=swamped_sec)
    verdict = attempt.judge()
    assert (verdict.outcome, verdict.ours) == (CheckOutcome.INVALID, ours)
    assert wants_control(attempt.declaration, [verdict, verdict], confirm=True) is not ours


@pytest.mark.parametrize(("timing", "outcome"), [(True, "invalid"), (False, "failed")])
def test_a_grader_that_stood_still_fails_nobody(timing: bool, outcome: str):
    """A missed time while our own loop did not turn is not the submission's."""
    attempt = Attempt(declaration(timing=timing), 1, lag_sec=0.4)
    attempt.measure("reply", 9, at_most=3)
    assert attempt.judge().outcome == outcome
    attempt.measure = type(attempt.measure)()
    attempt.measure("reply", 1, at_most=3)
    assert attempt.judge().outcome == "passed"


def test_a_dead_service_is_mentioned():
    """Its end and its last words go with a check that did not pass."""
    attempt = Attempt(declaration(timing=False), 1, ending="ended with exit code 3", log_tail="x")
    attempt.measure("reply", 9, at_most=3)
    verdict = attempt.judge()
    assert verdict.summary.endswith("The service ended with exit code 3.")
    assert verdict.log_tail == "x"


def test_summaries_are_short_and_flat():
    """A hostile reply quoted in an assertion cannot fill the report."""
    attempt = Attempt(declaration(timing=False), 1, error=AssertionError("a\n b " * 1000))
    assert len(attempt.judge().summary) == 700
    assert "\n" not in attempt.judge().summary


@pytest.mark.parametrize(
    ("loud", "found", "wanted"),
    [
        (True, [FAILED, FAILED], True),
        (True, [PARTIAL, FAILED, PASSED], True),
        (True, [FAILED, PASSED, PASSED], False),
        (True, [PASSED], False),
        (True, [OURS, OURS], False),
        (False, [OURS, INVALID], False),
        (False, [INVALID, INVALID], True),
        (False, [LAGGED, LAGGED, LAGGED], True),
        (False, [FAILED, LAGGED, LAGGED, LAGGED], True),
        (False, [FAILED, PASSED, LAGGED, LAGGED, LAGGED], False),
        (False, [LAGGED, OURS, LAGGED], False),
        (False, [INVALID, PASSED], False),
        (False, [FAILED, FAILED], False),
    ],
)
def test_what_meets_a_good_service(loud: bool, found: list[Verdict], wanted: bool):
    """Loud fails, what broke in the check's own course, and where the grader stood still."""
    declared = declaration(timing=True).model_copy(update={"loud": loud})
    assert wants_control(declared, found, confirm=True) is wanted


@pytest.mark.parametrize("found", [[LAGGED] * 3, [FAILED, LAGGED, LAGGED, LAGGED]])
@pytest.mark.parametrize(
    ("control", "outcome"),
    [
        (PASSED, "failed"),
        (replace(PASSED, lagged=True), "invalid"),
        (LAGGED, "invalid"),
        (FAILED, "invalid"),
        (None, "invalid"),
    ],
)
def test_who_made_the_grader_stand_still(
    found: list[Verdict], control: Verdict | None, outcome: str
):
    """The service, if it does beside that one alone; if beside a good one, too, the machine."""
    result = settle(declaration(timing=True), found, control, confirm=True, duration_sec=1)
    assert result.outcome == outcome
    assert (result.score is None) == (outcome == "invalid")


@pytest.mark.parametrize("control", [FAILED, PARTIAL, INVALID])
def test_a_machine_on_which_the_good_service_fails_measures_nothing(control: Verdict):
    """The fail is told and not counted."""
    result = settle(
        declaration(timing=True), [FAILED, FAILED], control, confirm=True, duration_sec=1
    )
    assert (result.outcome, result.score) == (CheckOutcome.INVALID, None)
    assert "too busy" in result.summary
    assert "Found: failed" in result.summary


def test_a_fail_that_a_good_service_does_not_share_counts():
    """The machine was fit for the check."""
    result = settle(
        declaration(timing=True), [FAILED, FAILED], PASSED, confirm=True, duration_sec=1
    )
    assert (result.outcome, result.score, result.summary) == ("failed", 0.0, "failed")


def test_a_service_that_keeps_us_from_measuring_fails():
    """Where a good service can be measured, one that cannot does not gain by it."""
    result = settle(
        declaration(timing=False), [INVALID, INVALID], PASSED, confirm=True, duration_sec=1
    )
    assert (result.outcome, result.score) == (CheckOutcome.FAILED, 0.0)
    assert "cannot be measured" in result.summary
    result = settle(
        declaration(timing=False), [INVALID, INVALID], INVALID, confirm=True, duration_sec=1
    )
    assert result.outcome is CheckOutcome.INVALID


def test_a_summary_can_always_be_written():
    """Half of a surrogate pair, which JSON can carry, is replaced."""
    attempt = Attempt(declaration(timing=False), 1, error=AssertionError("paid \ud83d"))
    assert attempt.judge().summary == "paid ?"
