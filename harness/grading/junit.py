"""A grading as JUnit XML, for those whose tools read that."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from harness.models.check import CheckOutcome, CheckResult, Grading

_NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""Characters that XML 1.0 cannot carry; a service can print anything."""


def junit_xml(grading: Grading) -> str:
    """One test case per check: partial and failed are failures, invalid is an error.

    What a candidate's service printed is escaped, and characters that XML cannot
    carry are replaced.
    """
    results = grading.checks
    count = dict.fromkeys(CheckOutcome, 0)
    for result in results:
        count[result.outcome] += 1
    root = ET.Element(
        "testsuite",
        name=grading.task,
        tests=str(len(results)),
        failures=str(count[CheckOutcome.FAILED] + count[CheckOutcome.PARTIAL]),
        errors=str(count[CheckOutcome.INVALID]),
        time=f"{sum(result.duration_sec for result in results):.3f}",
    )
    for result in results:
        _add(root, result)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _add(root: ET.Element, result: CheckResult) -> None:
    case = ET.SubElement(
        root,
        "testcase",
        classname=result.family,
        name=result.id,
        time=f"{result.duration_sec:.3f}",
    )
    if result.outcome is not CheckOutcome.PASSED:
        tag = "error" if result.outcome is CheckOutcome.INVALID else "failure"
        ET.SubElement(case, tag, type=result.outcome.value, message=_clean(result.summary))
    lines = [
        f"{item.name}: {item.value} {item.unit} {item.threshold}".rstrip()
        for item in result.measurements
    ]
    ET.SubElement(case, "system-out").text = _clean("\n".join(lines))
    if result.log_tail:
        ET.SubElement(case, "system-err").text = _clean(result.log_tail)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
