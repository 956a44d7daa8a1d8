"""The word beside a line: where it came from, readable without colour."""

from __future__ import annotations

import re
from typing import get_args

from harness.models.attribution import Evidence, FileLines, LineRun, Origin, Use
from harness.reporting import html, markdown
from harness.reporting.origins import (
    MEANINGS,
    REASONS,
    WORDS,
    FileOrigins,
    file_origins,
    origin_rows,
    spans_text,
)
from harness.testing.scorecards import middling_scorecard

from .page_parts import PageParts


def test_every_origin_has_a_word_a_meaning_and_every_evidence_a_reason() -> None:
    """None of them is told by colour alone, and no two by the same word."""
    assert set(WORDS) == set(MEANINGS) == set(get_args(Origin))
    assert len(set(WORDS.values())) == len(WORDS)
    assert set(REASONS) == set(get_args(Evidence))


def test_each_line_that_is_there_has_its_word() -> None:
    """Lines that are gone have none; what an assistant offered leads to the exchange."""
    page = html(middling_scorecard())
    diff = page.split('id="diff-1"')[1].split("</details>")[0]
    lines = re.findall(
        r'<tr class="(\w+)">.*?<td class="at">(\d*)</td><td class="origin">(.*?)</td>', diff
    )
    said = {new: re.sub(r"<.*?>", "", cell) for _, new, cell in lines if new}
    assert [said[new] for new in ("9", "11", "25", "31", "36", "39", "41")] == [
        "given", "typed", "typed", "reply", "edited", "reply", "given",
    ]  # fmt: skip
    assert all(not cell for kind, _, cell in lines if kind == "del")
    assert said["30"] == said["40"] == "", "a blank line is nobody's"
    edited = next(cell for _, new, cell in lines if new == "36")
    assert 'href="#event-55"' in edited
    assert "86 % alike, exchange #55" in edited


def test_lines_that_nobody_followed_have_no_word() -> None:
    """A line beyond the runs, before them, or in a file that was too large."""
    run = LineRun(first=3, last=4, written=2, origin="typed", evidence="typed-pace")
    found = FileOrigins(FileLines(path="a", runs=(run,), use=Use()), {})
    words = [mark.word if (mark := found.at(line)) else None for line in (None, 1, 2, 3, 4, 5)]
    assert words == [None, None, None, "typed", "typed", None]


def test_the_table_counts_what_was_not_given() -> None:
    """File by file, with a row for all of them; each file leads to its diff."""
    card = middling_scorecard()
    assert card.assistant is not None
    rows = origin_rows(card.assistant, {"payments/provider.py": 1})
    provider, total = rows[2], rows[-1]
    assert (provider.path, provider.target, provider.counts) == (
        "payments/provider.py",
        "diff-1",
        (0, 8, 1, 14, 0, 0),
    )
    assert total.counts == tuple(map(sum, zip(*(row.counts for row in rows[:-1]), strict=True)))
    assert rows[0].target is None


def test_a_legend_explains_the_words_that_are_used() -> None:
    """And the cut of likeness is stated with its error."""
    parts = PageParts.of(html(middling_scorecard()))
    text = " ".join(" ".join(parts.text).split())
    for meaning in MEANINGS.values():
        assert meaning in text
    assert "at least 82 % alike" in text
    assert "other lines would be taken for one" in text


def test_runs_are_told_in_words() -> None:
    """Also where there is no page: the Markdown names them with their exchanges."""
    card = middling_scorecard()
    found = file_origins(card.assistant)["payments/provider.py"]
    assert spans_text(found.spans(), 2) == "11-18 typed, 25-30 typed and 3 more"
    assert "36 edited (#55)" in markdown(card)
