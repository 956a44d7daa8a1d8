"""Reports of known scorecards, kept beside the tests; `gold/README.md` says how to renew them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from difflib import unified_diff
from itertools import islice
from pathlib import Path

import pytest

from harness.models.scorecard import Scorecard
from harness.reporting import html, json, markdown
from harness.testing.scorecards import middling_scorecard, troubled_scorecard

GOLD = Path(__file__).parent / "gold"
CARDS = {"middling": middling_scorecard, "troubled": troubled_scorecard}
DIFF_LINES = 400
REPORTERS = {"html": html, "md": markdown, "json": json}


def scrubbed(report: str) -> str:
    """Without the stylesheet and its hash, whose changes are looked at, not compared."""
    report = re.sub(r"<style>.*?</style>", "<style>…</style>", report, flags=re.DOTALL)
    return re.sub(r"sha256-[A-Za-z0-9+/=]{44}", "sha256-…", report)


@pytest.mark.parametrize("suffix", REPORTERS)
@pytest.mark.parametrize("name", CARDS)
def test_a_report_reads_as_it_did(name: str, suffix: str) -> None:
    """A change of a report is seen in review, as a change of its gold file."""
    card: Callable[[], Scorecard] = CARDS[name]
    report = scrubbed(REPORTERS[suffix](card()))
    path = GOLD / f"{name}.{suffix}"
    if os.environ.get("UPDATE_GOLD"):
        path.write_text(report, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    if report != kept:
        # Not `assert`: pytest explains with ndiff, which recurses once for each changed line and
        # takes half a minute for a page, or ends in a RecursionError.
        lines = unified_diff(kept.splitlines(), report.splitlines(), "gold", "now", lineterm="")
        pytest.fail("\n".join(islice(lines, DIFF_LINES)), pytrace=False)
