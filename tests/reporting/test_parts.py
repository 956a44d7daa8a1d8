"""Patches, numbers, lanes and links on their own."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.check import Measurement
from harness.models.scorecard import TimelineEntry, TimelineKind
from harness.reporting.links import Link, Links
from harness.reporting.numbers import bar, number, percent
from harness.reporting.patch import hunks
from harness.reporting.reading import as_read
from harness.reporting.timeline import HEIGHT, WIDTH, drawn
from harness.reporting.visible import marked, one_line, visible
from harness.testing.scorecards import middling_scorecard

LINKS = Links(middling_scorecard())


def test_lines_that_look_like_headers_are_lines() -> None:
    """A removed `-- a` and an added `++ b` or `@@` belong to their hunk."""
    patch = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ def f():\n--- a\n+++ b\n-@@ -9 +9 @@\n+@@\n"
    (hunk,) = hunks(patch)
    assert [(line.kind, line.text, line.old, line.new) for line in hunk.lines] == [
        ("del", "-- a", 1, None),
        ("add", "++ b", None, 1),
        ("del", "@@ -9 +9 @@", 2, None),
        ("add", "@@", None, 2),
    ]
    assert hunk.context == "def f():"


def test_a_patch_cut_short_gives_what_there_is() -> None:
    """The recorder's cap may fall anywhere."""
    whole = "@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n@@ -9 +9 @@\n-x\n\\ No newline at end of file\n+y\n"
    for end in range(len(whole)):
        for hunk in hunks(whole[:end]):
            assert len(hunk.lines) <= 4
    assert [line.kind for line in hunks(whole)[1].lines] == ["del", "note", "add"]


def test_the_builders_patches_are_as_git_writes_them() -> None:
    """Each hunk has the lines its header promises, and each file the counts it claims."""
    for diff in middling_scorecard().diffs:
        found = hunks(diff.patch)
        for hunk in found:
            assert sum(line.old is not None for line in hunk.lines) == hunk.old_count
            assert sum(line.new is not None for line in hunk.lines) == hunk.new_count
        lines = [line.kind for hunk in found for line in hunk.lines]
        assert (lines.count("add"), lines.count("del")) == (diff.change.added, diff.change.removed)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_patch_of_something(text: str) -> None:
    """Nothing a candidate writes breaks the reading of it."""
    hunks("@@ -1,9 +1,9 @@\n" + text)
    hunks(text)


@settings(deadline=None)
@given(st.text(alphabet=st.characters()))
def test_visible_text_hides_nothing_and_can_be_encoded(text: str) -> None:
    """What remains is printable but for tabs and newlines; doing it twice changes nothing."""
    shown = visible(text)
    assert all(c.isprintable() or c in "\t\n\xa0" or c.isspace() for c in shown)
    assert not {c for c in shown if "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"}
    assert shown.encode("utf-8") is not None
    assert visible(shown) == shown
    assert marked(text).striptags() == " ".join(shown.split())


def test_ordinary_text_of_the_world_stays_as_it_is() -> None:
    """Accents, other scripts and emoji are no attack."""
    for text in ("naïve café", "Žluťoučký kůň", "日本語のテスト", "مرحبا", "e\u0301", "❤\ufe0f 🎉"):
        assert visible(text) == text


def test_one_line_folds_only_what_everybody_sees() -> None:
    """A control character that counts as white space is not swallowed."""
    assert one_line("a\n\t b\x1cc", 20) == "a b\x1cc"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.114, "2.11"),
        (8, "8"),
        (1_250_000, "1,250,000"),
        (81234.5, "81,234"),
        (True, "yes"),
        (None, "not measured"),
        ("late", "late"),
        (0.0, "0"),
        (float("nan"), "not a finite number"),
        (10**400, "1000…"),
    ],
)
def test_numbers_read_as_people_write_them(value, shown: str) -> None:
    """Three digits of a fraction, thousands apart, words for the rest."""
    assert number(value) == shown or (shown.endswith("…") and len(number(value)) < 30)


def test_only_nothing_and_all_read_as_0_and_100_percent() -> None:
    """A share is never rounded to a claim."""
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1, 1.04)] == [
        "0 %",
        "1 %",
        "50 %",
        "99 %",
        "100 %",
        "104 %",
    ]


@settings(deadline=None)
@given(st.one_of(st.floats(), st.integers(), st.text(), st.booleans()), st.text())
def test_a_bar_stays_inside_its_drawing(value, threshold: str) -> None:
    """Any value against any threshold: positions in percent, or no bar."""
    for written in (threshold, "<= 5", ">= 0.7", "== 0", "<1e9"):
        found = bar(Measurement(name="x", value=value, threshold=written))
        if found is not None:
            assert 0 <= found.value <= 100
            assert 0 <= found.threshold <= 100


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            TimelineEntry,
            kind=st.sampled_from(get_args(TimelineKind)),
            start_sec=st.floats(0, 1e6),
            end_sec=st.floats(0, 1e6),
            label=st.just("x"),
            ok=st.sampled_from([None, True, False]),
            event=st.integers(1, 99),
            added=st.integers(0, 10**7),
            removed=st.integers(0, 10**7),
        ),
        max_size=20,
    )
)
def test_marks_stay_inside_their_lane(entries: list[TimelineEntry]) -> None:
    """Any times, even an end before its start, give marks that can be seen."""
    for lane in drawn(entries).lanes:
        for mark in lane.marks:
            assert 0 <= mark.x <= WIDTH
            assert mark.width > 0
            assert mark.x + mark.width <= WIDTH + 0.2
            assert mark.y >= 0
            assert mark.y + mark.height <= HEIGHT


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("check:timeouts.hang", "check-timeouts.hang"),
        ("check:nothing.here", None),
        ("event:41", "event-41"),
        ("event:133", "event-133"),
        ("event:9999", None),
        ("event:٣", None),
        ("file:payments/api.py", "diff-2"),
        ("file:payments/api.py:46", "diff-2-h1"),
        ("file:payments/api.py:9000", "diff-2"),
        ("file:elsewhere.py:3", None),
        ("javascript:alert(1)", None),
        ("https://example.org", None),
        ("a sentence", None),
    ],
)
def test_a_reference_leads_to_its_place_or_nowhere(text: str, target: str | None) -> None:
    """Only what is on the page is linked; everything else stays text."""
    assert LINKS.reference(text) == Link(text, target)


def test_the_clock_tells_no_reasons() -> None:
    """Moments of the clock are dropped, stretches lose their reason; twice is as once."""
    card = middling_scorecard()
    read = as_read(card)
    assert [e.label for e in read.timeline if e.kind == "clock"] == ["The clock stood still"]
    assert as_read(read) == read


def test_twice_the_time_reads_alike() -> None:
    """Who was given more time is not told by how long anything took."""
    card = middling_scorecard()

    def slow(found, *fields: str):
        return tuple(
            one.model_copy(update={name: 2 * getattr(one, name) for name in fields})
            for one in found
        )

    assert card.assistant is not None
    slower = card.model_copy(
        update={
            "timeline": slow(card.timeline, "start_sec", "end_sec"),
            "notes": slow(card.notes, "at_sec"),
            "assistant": card.assistant.model_copy(
                update={"exchanges": slow(card.assistant.exchanges, "at_sec")}
            ),
            "terminal": tuple(
                one.model_copy(
                    update={"command": slow([one.command], "started_sec", "ended_sec")[0]}
                )
                for one in slow(card.terminal, "at_sec")
            ),
        }
    )
    assert as_read(slower) == as_read(card)
    assert max(entry.end_sec for entry in as_read(card).timeline) == 1.0
