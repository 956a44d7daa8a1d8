"""Results as JUnit XML."""

from xml.etree import ElementTree as ET

from harness.checks.junit import junit_xml
from harness.models.check import CheckOutcome, CheckResult, Measurement


def result(outcome: CheckOutcome, **more: object) -> CheckResult:
    """A result with what does not matter filled in."""
    base = {"id": f"retries.{outcome}", "family": "retries", "dimension": "d", "weight": 1}
    return CheckResult.model_validate({**base, "shows": "s", "outcome": outcome, **more})


def test_outcomes_become_failures_and_errors():
    """Partial and failed are failures, invalid is an error, passed is neither."""
    xml = junit_xml("task", [result(outcome) for outcome in CheckOutcome])
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
    xml = junit_xml(
        "task",
        [
            result(
                CheckOutcome.FAILED,
                summary=nasty,
                log_tail=nasty,
                measurements=[Measurement(name="a", value=1, unit="s", threshold="<= 3")],
            )
        ],
    )
    (case,) = ET.fromstring(xml)
    assert case.findtext("system-err") == "]]></testcase>\ufffd\ufffd[31m\ufffd ü"
    assert case.findtext("system-out") == "a: 1 s <= 3"
