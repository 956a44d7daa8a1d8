"""A grading as JUnit XML, beside its JSON."""

from __future__ import annotations

from harness.checks.junit import junit_xml as results_as_junit
from harness.models.check import Grading


def junit_xml(grading: Grading) -> str:
    """One test case per check, whether the grader could run it or not.

    What a candidate's service printed is escaped, and characters that XML cannot
    carry are replaced.
    """
    return results_as_junit(grading.task, grading.checks)
