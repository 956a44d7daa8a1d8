"""Recognises test runs by the summaries that runners print.

A candidate can print any summary, which changes nothing but the signals about
their own session (how often they ran tests); hidden checks never read it.

Source: the summary lines of pytest 8, unittest, node:test, jest, vitest, mocha,
go test and cargo test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from harness.models.recording import TestRun

_Counts = dict[str, int]

_VIEWERS = frozenset(
    {"cat", "less", "more", "head", "tail", "bat", "grep", "rg", "ag", "sed", "awk", "diff"}
    | {"echo", "printf", "vim", "vi", "nano", "ls", "git"}
)
_SEPARATORS = re.compile(r"[;&|\n]+")

_PYTEST = re.compile(
    r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+|no tests ran) in \d[\d.:]*s?(?: \(\d[\d:]*\))?(?: =+)?$",
    re.MULTILINE,
)
_PYTEST_WORDS = {
    "passed": "passed",
    "xpassed": "passed",
    "failed": "failed",
    "error": "errors",
    "errors": "errors",
    "skipped": "skipped",
    "xfailed": "skipped",
}
_UNITTEST = re.compile(
    r"^Ran (\d+) tests? in [\d.]+s\n\n?(OK|FAILED|NO TESTS RAN)(?: \(([a-z0-9=, ]*)\))?$",
    re.MULTILINE,
)
_NODE = re.compile(r"^(?:#|\u2139) (tests|pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)
_JEST = re.compile(r"^ *Tests:? +((?:\d+ [a-z]+(?:, | \| )?)+)", re.MULTILINE)
_MOCHA = re.compile(r"^ {2}(\d+) (passing|failing|pending)(?: \([^)\n]*\))?$", re.MULTILINE)
_GO_CASE = re.compile(r"^ *--- (PASS|FAIL|SKIP): ", re.MULTILINE)
_GO_PACKAGE = re.compile(
    r"^(ok|FAIL|---) *\t\S+\t(?:[\d.]+s|\(cached\)|\[build failed\])", re.MULTILINE
)
_CARGO = re.compile(r"^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE)
_COUNT = re.compile(r"(\d{1,9}) ([a-z]+)")


def recognise(command: str, output: str) -> TestRun | None:
    """The test run a command was, if it was one.

    Args:
        command: As typed; commands that only show text are never test runs.
        output: The end of what it printed, terminal sequences removed.

    Returns:
        Counts summed over all summaries of the first runner that printed one.
    """
    if _only_shows_text(command):
        return None
    for runner, read in _RUNNERS:
        counts: _Counts = {}
        found = False
        for part in read(output):
            found = True
            for name, count in part.items():
                counts[name] = counts.get(name, 0) + count
        if found:
            return TestRun(runner=runner, **counts)
    return None


def _only_shows_text(command: str) -> bool:
    words = [part.split() for part in _SEPARATORS.split(command)]
    return all(part[0] in _VIEWERS for part in words if part)


def _pytest(output: str) -> Iterator[_Counts]:
    for summary in _PYTEST.finditer(output):
        counts = _words(summary[1], _PYTEST_WORDS)
        if counts or summary[1] == "no tests ran":
            yield counts


def _words(text: str, names: dict[str, str]) -> _Counts:
    counts: _Counts = {}
    for number, word in _COUNT.findall(text):
        if word in names:
            counts[names[word]] = counts.get(names[word], 0) + int(number)
    return counts


def _unittest(output: str) -> Iterator[_Counts]:
    for summary in _UNITTEST.finditer(output):
        details = dict(re.findall(r"([a-z ]+)=(\d{1,9})", (summary[3] or "").replace(", ", ",")))
        failed = int(details.get("failures", 0)) + int(details.get("unexpected successes", 0))
        errors = int(details.get("errors", 0))
        skipped = int(details.get("skipped", 0)) + int(details.get("expected failures", 0))
        ran = int(summary[1][:9])
        yield {
            "passed": max(0, ran - failed - errors - skipped),
            "failed": failed,
            "errors": errors,
            "skipped": skipped,
        }


def _node(output: str) -> Iterator[_Counts]:
    totals = {name: int(number[:9]) for name, number in _NODE.findall(output)}
    if {"tests", "pass", "fail"} <= totals.keys():
        yield {
            "passed": totals["pass"],
            "failed": totals["fail"] + totals.get("cancelled", 0),
            "skipped": totals.get("skipped", 0) + totals.get("todo", 0),
        }


def _jest(output: str) -> Iterator[_Counts]:
    names = {"passed": "passed", "failed": "failed", "skipped": "skipped", "todo": "skipped"}
    for summary in _JEST.finditer(output):
        counts = _words(summary[1], names)
        if counts:
            yield counts


def _mocha(output: str) -> Iterator[_Counts]:
    names = {"passing": "passed", "failing": "failed", "pending": "skipped"}
    for number, word in _MOCHA.findall(output):
        yield {names[word]: int(number[:9])}


def _go(output: str) -> Iterator[_Counts]:
    """Cases with `-v`; packages without, since go then prints no counts."""
    names = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped", "ok": "passed"}
    packages = _GO_PACKAGE.findall(output)
    cases = _GO_CASE.findall(output)
    for word in (cases if "PASS" in cases else packages) if packages else ():
        yield {names.get(word, "skipped"): 1}


def _cargo(output: str) -> Iterator[_Counts]:
    for passed, failed, ignored in _CARGO.findall(output):
        yield {"passed": int(passed[:9]), "failed": int(failed[:9]), "skipped": int(ignored[:9])}


_RUNNERS: tuple[tuple[str, Callable[[str], Iterator[_Counts]]], ...] = (
    ("pytest", _pytest),
    ("unittest", _unittest),
    ("cargo", _cargo),
    ("go", _go),
    ("node", _node),
    ("jest", _jest),
    ("mocha", _mocha),
)
