"""Results as JUnit XML."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from harness.grading.junit import junit_xml
from harness.models.check import CheckOutcome, CheckResult, Grading, Measurement


def result(outcome: CheckOutcome, **more: object) -> CheckResult:
    """A result with what does not matter filled in."""
    base = {"id": f"retries.{outcome}", "family": "retries", "dimension": "d", "weight": 1}
    return CheckResult.model_validate({**base, "shows": "s", "outcome": outcome, **more})


def grading(*checks: CheckResult) -> Grading:
    """A grading with these results."""
    now = datetime.now(UTC)
    names = ("id", "task", "task_version", "task_digest", "submission_sha256", "backend")
    facts = dict.fromkeys((*names, "harness_version"), "x")
    return Grading(**facts, started_at=now, finished_at=now, checks=checks)


def test_outcomes_become_failures_and_errors():
    """Partial and failed are failures, invalid is an error, passed is neither."""
    xml = junit_xml(grading(*(result(outcome) for outcome in CheckOutcome)))
    suite = ET.fromstring(xml)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")
    assert [next(child.tag for child in case) for case in suite] == [
        "system-out",
        "failure",
        "failure",
        "error",
    ]


def test_what_a_service_prints_cannot_break_it():
    """Markup is escaped and characters that XML cannot carry are replaced."""
    nasty = "]]></testcase>\x00\x1b[31m\ud800 ü"
    measured = [Measurement(name="a", value=1, unit="s", threshold="<= 3")]
    found = {"summary": nasty, "log_tail": nasty, "measurements": measured}
    xml = junit_xml(grading(result(CheckOutcome.FAILED, **found)))
    (case,) = ET.fromstring(xml)
    assert case.findtext("system-err") == "]]></testcase>\ufffd\ufffd[31m\ufffd ü"
    assert case.findtext("system-out") == "a: 1 s <= 3"
