"""Test runs recognised by their summaries."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from harness.models.recording import TestRun
from harness.recorder.testruns import recognise


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("===== 3 failed, 2 passed, 1 skipped in 0.12s =====", ("pytest", 2, 3, 0, 1)),
        ("2 passed, 1 warning in 61.20s (0:01:01)", ("pytest", 2, 0, 0, 0)),
        ("1 failed, 1 error, 1 xfailed, 1 xpassed in 2.00s", ("pytest", 1, 1, 1, 1)),
        ("=== no tests ran in 0.01s ===", ("pytest", 0, 0, 0, 0)),
        ("Ran 5 tests in 0.001s\n\nOK (skipped=1)", ("unittest", 4, 0, 0, 1)),
        ("Ran 5 tests in 0.001s\n\nFAILED (failures=1, errors=2)", ("unittest", 2, 1, 2, 0)),
        (
            (
                "\u2139 tests 4\n\u2139 pass 2\n\u2139 fail 1\n\u2139 cancelled 0\n"
                "\u2139 skipped 1\n\u2139 todo 0\n\u2139 duration_ms 5"
            ),
            ("node", 2, 1, 0, 1),
        ),
        ("# tests 1\n# pass 1\n# fail 0", ("node", 1, 0, 0, 0)),
        ("Tests:       1 failed, 2 passed, 3 total\nTime: 1 s", ("jest", 2, 1, 0, 0)),
        ("      Tests  1 failed | 2 passed | 1 skipped (4)", ("jest", 2, 1, 0, 1)),
        ("  2 passing (10ms)\n  1 failing\n  3 pending", ("mocha", 2, 1, 0, 3)),
        ("ok  \texample.com/a\t0.012s\nFAIL\texample.com/b\t0.010s\nFAIL", ("go", 1, 1, 0, 0)),
        (
            (
                "--- PASS: TestA (0.00s)\n    --- PASS: TestA/x (0.00s)\n--- FAIL: TestB (0.00s)\n"
                "FAIL\nFAIL\texample.com/a\t0.010s"
            ),
            ("go", 2, 1, 0, 0),
        ),
        (
            (
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n"
                "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out"
            ),
            ("cargo", 4, 2, 0, 1),
        ),
    ],
)
def test_summaries(output, expected):
    """Each runner's summary gives its counts."""
    runner, passed, failed, errors, skipped = expected
    assert recognise("make test", output) == TestRun(
        runner=runner, passed=passed, failed=failed, errors=errors, skipped=skipped
    )


@pytest.mark.parametrize(
    "output", ["", "all good", "3 passed the exam in 2020", "Ran away", "passed in 0.1s", "ok\n"]
)
def test_other_output_is_no_test_run(output):
    """Text that only resembles a summary is not one."""
    assert recognise("./run", output) is None


def test_showing_an_old_log_is_no_test_run():
    """Commands that only show text are never test runs, whatever they show."""
    assert recognise("cat test.log | grep passed", "2 passed in 0.1s") is None
    assert recognise("git stash; pytest -q", "2 passed in 0.1s") is not None


@pytest.mark.parametrize("options", [[], ["-q"], ["-q", "--color=yes"], ["-v", "--tb=no"]])
def test_real_pytest(tmp_path, options):
    """The installed pytest's own output is recognised, quiet and coloured too."""
    from harness.recorder.sequences import strip_sequences

    (tmp_path / "test_x.py").write_text(
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): assert 0\n"
        "@pytest.mark.skip\n"
        "def test_c(): pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio", *options],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert recognise("pytest", strip_sequences(done.stdout)) == TestRun(
        runner="pytest", passed=1, failed=1, skipped=1
    )


def test_real_unittest(tmp_path):
    """The standard library's runner is recognised."""
    (tmp_path / "test_x.py").write_text(
        "import unittest\n"
        "class T(unittest.TestCase):\n"
        "    def test_a(self): pass\n"
        "    def test_b(self): self.fail()\n"
        "    @unittest.skip('x')\n"
        "    def test_c(self): pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "unittest"], cwd=tmp_path, capture_output=True, check=False
    )
    assert recognise("python -m unittest", done.stderr.decode()) == TestRun(
        runner="unittest", passed=1, failed=1, skipped=1
    )


@pytest.mark.parametrize(
    "output",
    ["1 a, " * 50_000, "=" * 500_000, " " * 500_000, "1" * 200_000, "Tests: 1 a | " * 20_000],
)
def test_hostile_output_costs_little(output):
    """Output made to be expensive to match is not."""
    started = time.monotonic()
    recognise("pytest", output)
    assert time.monotonic() - started < 5
