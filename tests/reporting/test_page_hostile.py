"""Nothing that somebody else wrote gets out of its place on the page."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from harness.reporting import html
from harness.testing.scorecards import middling_scorecard, troubled_scorecard

from .hostile import BIDI, LONG, NASTY, NUL, SURROGATE, hostile_scorecard
from .page_parts import PageParts

ALLOWED = {
    "html": {"lang"},
    "head": set(),
    "meta": {"charset", "http-equiv", "content", "name"},
    "title": set(),
    "link": {"rel", "href"},
    "style": set(),
    "body": set(),
    "svg": {"viewbox", "preserveaspectratio", "role", "aria-label", "focusable"},
    "path": {"d"},
    "rect": {"x", "y", "width", "height", "rx"},
    "circle": {"cx", "cy", "r"},
    "text": {"x", "y"},
    "a": {"href", "tabindex", "title"},
    "span": {"title"},
    "time": {"datetime"},
    "th": {"scope"},
    "td": {"data-label"},
    "details": {"open"},
    "aside": {"role"},
}
PLAIN = {
    "header",
    "div",
    "nav",
    "ol",
    "ul",
    "li",
    "main",
    "section",
    "article",
    "footer",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "b",
    "i",
    "strong",
    "small",
    "span",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "colgroup",
    "col",
    "thead",
    "tbody",
    "tr",
    "summary",
    "pre",
    "code",
    "blockquote",
}
EVERYWHERE = {"class", "id", "aria-label", "aria-labelledby", "aria-hidden"}
OUR_ID = re.compile(
    r"[a-z]+|[a-z]+-title|dim-[a-z-]+(-title)?|(nth-)?check-[a-z0-9.-]+(-title)?"
    r"|diff-\d+(-h\d+)?|event-\d+|at-\d+|signal-\d+"
)


@pytest.mark.parametrize("nasty", NASTY, ids=lambda text: ascii(text)[:20])
def test_hostile_text_adds_no_element_attribute_or_address(nasty: str) -> None:
    """Whatever it holds, the page has our elements, our attributes and `#` references only."""
    parts = PageParts.of(html(hostile_scorecard(nasty)))
    assert parts.open == []
    assert parts.comments == []
    for tag, attributes in parts.elements:
        assert set(attributes) <= ALLOWED.get(tag, set()) | EVERYWHERE, (tag, attributes)
        assert tag in ALLOWED or tag in PLAIN
    assert [tag for tag, _ in parts.elements].count("style") == 1
    assert {ref for ref in parts.references if not ref.startswith("#")} == {"data:,"}
    assert [id_ for id_ in parts.ids if not OUR_ID.fullmatch(id_)] == []


@pytest.mark.parametrize(
    "nasty",
    # More lines make more rows of a patch, and a long log says what was left out.
    [text for text in NASTY if "\n" not in text and text != LONG],
    ids=lambda text: ascii(text)[:20],
)
def test_hostile_text_changes_nothing_about_the_pages_skeleton(nasty: str) -> None:
    """A page full of it has the same elements in the same order as one full of plain words."""
    plain, attacked = (
        [(tag, attrs.get("class")) for tag, attrs in PageParts.of(html(card)).elements]
        for card in (hostile_scorecard("x" if nasty.strip() else nasty), hostile_scorecard(nasty))
    )
    shown_escapes = ("span", "hid")
    assert [element for element in attacked if element != shown_escapes] == plain


@pytest.mark.parametrize("nasty", [NUL, BIDI, SURROGATE], ids=["controls", "bidi", "surrogate"])
def test_hidden_characters_are_shown_as_escapes(nasty: str) -> None:
    """No control, format or bidirectional character reaches the page; its escape does."""
    page = html(hostile_scorecard(nasty))
    hidden = [c for c in nasty if not c.isprintable() and c != "\n"]
    assert hidden
    for char in hidden:
        assert char not in page
    assert '<span class="hid">' in page
    assert page.encode("utf-8")


def test_an_escape_is_told_from_somebody_who_typed_one() -> None:
    """Only a character that was hidden is marked; backslash, u, 2, 0, 2, e is plain text."""
    assert r'<span class="hid">\u202e</span>' in html(hostile_scorecard("a\u202eb"))
    assert '<span class="hid">' not in html(hostile_scorecard(r"a\u202eb"))


def test_a_huge_submission_makes_a_page_of_bounded_size() -> None:
    """Files of 20,000 long lines, all of it controls, and endless talk stay below 20 MB."""
    card = middling_scorecard()
    patch = "@@ -0,0 +1,20000 @@\n" + ("+" + "\x01a" * 400 + "\n") * 20_000
    big = card.diffs[0].model_copy(update={"patch": patch})
    diffs = tuple(
        big.model_copy(update={"change": big.change.model_copy(update={"path": f"f{n}"})})
        for n in range(3)
    )
    moment = card.terminal[0].model_copy(update={"output": "\x02" * 1_000_000})
    assert card.assistant is not None
    said = card.assistant.exchanges[1].model_copy(
        update={"prompt": "\x03a" * 6_000, "answer": "\x03a" * 8_000, "calls": ("\x03a" * 150,)}
    )
    talk = tuple(said.model_copy(update={"event": 10_000 + n}) for n in range(600))
    huge = card.model_copy(
        update={
            "diffs": diffs,
            "terminal": (moment,) * 2_000,
            "timeline": card.timeline * 1_000,
            "notes": card.notes * 1_000,
            "assistant": card.assistant.model_copy(update={"exchanges": talk}),
        }
    )
    page = html(huge)
    assert len(page) < 20_000_000
    assert "more commands: in the JSON" in page
    assert "more lines: in the JSON" in page
    assert "more entries: in the JSON" in page
    assert "more characters: in the JSON" in page


def test_one_long_word_is_cut_in_lines_that_are_headings() -> None:
    """A name of 20,000 letters doesn't push the page away."""
    page = html(hostile_scorecard(LONG))
    heading = re.search(r"<h1>(.*?)</h1>", page)
    assert heading is not None
    assert len(heading[1]) == 80


@pytest.mark.parametrize("card", [middling_scorecard(), troubled_scorecard()])
def test_every_reference_leads_somewhere_and_ids_are_unique(card) -> None:
    """No link is dead, and each leads to one place."""
    parts = PageParts.of(html(card))
    assert len(set(parts.ids)) == len(parts.ids)
    targets = {ref[1:] for ref in parts.references if ref.startswith("#")}
    assert targets - set(parts.ids) == set()


@pytest.mark.parametrize("card", [middling_scorecard(), troubled_scorecard()])
def test_headings_never_skip_a_level(card) -> None:
    """One first heading, and a screen reader's outline without holes."""
    headings = PageParts.of(html(card)).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(headings))
