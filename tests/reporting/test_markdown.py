"""The Markdown report, read by a CommonMark parser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.reporting import markdown
from harness.reporting.escaping import block, code, inline
from harness.testing.scorecards import middling_scorecard, troubled_scorecard

from .hostile import NASTY, hostile_scorecard

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")
HARMLESS = {
    "text",
    "code_inline",
    "softbreak",
    "hardbreak",
    "strong_open",
    "strong_close",
    "inline",
    "fence",
    *(
        f"{name}_{end}"
        for name in [
            "heading",
            "paragraph",
            "bullet_list",
            "list_item",
            "blockquote",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        ]
        for end in ("open", "close")
    ),
}


def tokens(text: str) -> Iterator[Token]:
    """Every block and inline token."""
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("nasty", NASTY, ids=lambda text: ascii(text)[:20])
def test_hostile_text_makes_no_html_links_images_or_structure(nasty: str) -> None:
    """Whatever it holds, only what we write ourselves is markup."""
    report = markdown(hostile_scorecard(nasty))
    assert {token.type for token in tokens(report)} <= HARMLESS
    headings = [t for t in PARSER.parse(report) if t.type == "heading_open"]
    plain = [
        t
        for t in PARSER.parse(markdown(hostile_scorecard("x" if nasty.strip() else nasty)))
        if t.type == "heading_open"
    ]
    assert len(headings) == len(plain)


@pytest.mark.parametrize("card", [middling_scorecard(), troubled_scorecard()])
def test_every_table_row_is_whole(card) -> None:
    """As many cells in each row as in its head."""
    rows: list[int] = []
    for token in PARSER.parse(markdown(card)):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append(0)
        elif token.type in {"th_open", "td_open"}:
            rows[-1] += 1
        elif token.type == "table_close":
            assert len(set(rows)) == 1


def test_nothing_that_github_links_by_itself_survives() -> None:
    """Addresses, mail addresses and mentions are broken by a code span."""
    shown = inline("see https://evil.example, www.evil.example, @everyone, root@evil.example")
    assert shown == (
        "see https`://`evil.example, www`.`evil.example, `@`everyone, root`@`evil.example"
    )


@settings(deadline=None)
@given(st.text())
def test_a_code_span_gives_back_what_it_was_given(text: str) -> None:
    """One span, with the visible text and nothing else, whatever the text."""
    parsed = [t for t in tokens(f"a {code(text, 10**6)} b") if t.type != "inline"]
    spans = [t.content for t in parsed if t.type == "code_inline"]
    assert len(spans) == 1
    assert [t.type for t in parsed] == [
        "paragraph_open",
        "text",
        "code_inline",
        "text",
        "paragraph_close",
    ]


@settings(deadline=None)
@given(st.text())
def test_a_block_cannot_be_left(text: str) -> None:
    """One fence, whatever the text."""
    assert [t.type for t in tokens("\n".join(block(text)))] == ["fence"]


@settings(deadline=None)
@given(st.text())
def test_prose_stays_prose(text: str) -> None:
    """One paragraph of text and the code spans we put round marks that link."""
    kinds = {t.type for t in tokens(inline(text, 10**6))}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}


def test_troubles_are_in_the_summary() -> None:
    """What is our fault is told before the numbers."""
    report = markdown(troubled_scorecard())
    assert report.index("The record does not verify") < report.index("Time used")
