"""Exchanges on the page: beside the edits that came after them, those that matter first."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.models.assistant_section import AssistantSection, ExchangeEntry
from harness.models.attribution import Use
from harness.models.exchange import Usage
from harness.models.scorecard import Scorecard
from harness.reporting import html, markdown
from harness.reporting.assistant import total_cost
from harness.reporting.talk import ALL_CHARS, matter_first, passages, talk_views
from harness.reporting.templates import environment
from harness.reporting.views import edit_views
from harness.testing.scorecards import middling_scorecard

from .page_parts import PageParts

HOSTILE = "</pre></article><script>alert(1)</script><!-- \u202e {{ card }} <a href=//evil.example>"


def card_of() -> tuple[Scorecard, AssistantSection]:
    """The believable one, and its section."""
    card = middling_scorecard()
    assert card.assistant is not None
    return card, card.assistant


def words(card: Scorecard) -> str:
    """The page's text with white space folded."""
    return " ".join(" ".join(PageParts.of(html(card)).text).split())


def test_each_prompt_stands_beside_what_was_edited_after_it() -> None:
    """Until the next prompt; calls of programs stand folded with the prompt before them."""
    card, section = card_of()
    found = passages(talk_views(section), edit_views(card))
    told = [
        (
            one.talk.entry.id if one.talk else None,
            [aside.entry.id for aside in one.asides],
            [edit.burst.event for edit in one.edits],
        )
        for one in found
    ]
    assert told == [
        (None, ["x1"], []),
        ("x2", [], [33]),
        ("x3", [], [68]),
        ("x4", ["x5"], []),
        ("x6", [], [133]),
        ("x7", [], []),
    ]


def test_what_matters_comes_first() -> None:
    """A pitfall that was shipped, one that was caught, then what has the most lines there."""
    _, section = card_of()
    order = [one.entry.id for one in matter_first(talk_views(section))]
    assert order == ["x6", "x2", "x4", "x3", "x7"]


def test_a_refused_prompt_is_told_with_its_reason() -> None:
    """It is on the timeline like any other, and nothing was answered."""
    card, _ = card_of()
    text = words(card)
    assert "Prompt refused Anything else that I missed?" in text
    assert "budget of requests is used up" in text


def test_pitfalls_say_what_became_of_them() -> None:
    """One caught, one shipped, each leading to the exchange that offered it."""
    card, _ = card_of()
    page = html(card)
    table = page.split('class="stack pitfalls"')[1].split("</table>")[0]
    rows = re.findall(r'<a href="#(event-\d+)".*?</svg> (\w+)</td>', table, re.DOTALL)
    assert rows == [("event-28", "caught"), ("event-116", "shipped")]
    assert "`cursor-of-the-clock` (event 116), **shipped**" in markdown(card)


def test_nobody_takes_the_script_for_a_model() -> None:
    """It is said where the section begins, and nothing in it is a score."""
    card, section = card_of()
    said = "The task author's script answered, the same for every candidate; it is no model."
    assert said in words(card)
    other = section.model_copy(update={"scripted": False})
    assert said not in words(card.model_copy(update={"assistant": other}))
    assert "Nothing here is a score" in words(card)


def test_a_session_without_an_assistant_reads_as_before() -> None:
    """No section, no lane, no word beside a line."""
    card, _ = card_of()
    timeline = tuple(e for e in card.timeline if e.kind not in ("prompt", "aside"))
    page = html(card.model_copy(update={"assistant": None, "timeline": timeline}))
    for sign in ('id="assistant"', 'class="talk"', 'class="origin"', "<b>Assistant</b>"):
        assert sign not in page
    assert "Step by step" in page


@pytest.mark.parametrize(
    ("usage", "unreported", "usd", "said"),
    [
        (Usage(fresh_in=1000, out=234), 0, 0.0, "1,234 tokens"),
        (Usage(fresh_in=1000, out=234), 2, 1.5, "1,234 tokens, $1.50, 2 not reported"),
        (Usage(), 3, 0.0, "usage not reported"),
        (Usage(), 0, 0.0, "0 tokens"),
    ],
)
def test_what_it_cost(usage: Usage, unreported: int, usd: float, said: str) -> None:
    """Tokens, money where there are prices, and what nobody reported."""
    more = {"usage": usage, "unreported": unreported, "usd": usd}
    assert total_cost(AssistantSection(scripted=False, exchanges=(), **more)) == said


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 60_000)), max_size=12))
def test_a_page_has_room_for_so_many_words(sizes: list[tuple[int, int]]) -> None:
    """Every exchange is shown; of their words as many as fit, and it is said what is not."""
    exchanges = tuple(
        ExchangeEntry(
            id=f"x{n}",
            event=n + 1,
            at_sec=n,
            label="turn",
            outcome="completed",
            prompt="p" * asked,
            answer="a" * answered,
            use=Use(suggested=n),
        )
        for n, (asked, answered) in enumerate(sizes)
    )
    views = talk_views(AssistantSection(scripted=False, exchanges=exchanges))
    assert [one.entry for one in views] == list(exchanges)
    assert sum(len(one.prompt) + len(one.answer) for one in views) <= ALL_CHARS
    for one, (asked, answered) in zip(views, sizes, strict=True):
        assert len(one.prompt) + one.prompt_left == asked
        assert len(one.answer) + one.answer_left == answered


def drawn(text: str) -> PageParts:
    """One exchange in which everything that others wrote is this."""
    entry = ExchangeEntry(
        id="x1",
        event=1,
        at_sec=0,
        label="turn",
        outcome="failed",
        problem=text,
        tool=text,
        model=text,
        prompt=text,
        answer=text,
        calls=(text,),
        use=Use(suggested=1),
        landed_in=(text,),
    )
    (view,) = talk_views(AssistantSection(scripted=False, exchanges=(entry,)))
    macros = environment().get_template("talk.html.j2").module
    return PageParts.of(str(macros.exchange(view)))  # type: ignore[attr-defined]


@given(st.text(min_size=1, max_size=400))
@example(HOSTILE)
@settings(deadline=None)
def test_nothing_that_was_said_gets_out_of_its_place(text: str) -> None:
    """Whatever a question, an answer or a tool's call holds, the elements are ours alone."""
    plain = [tag for tag, _ in drawn("x").elements]
    parts = drawn(text)
    assert parts.open == []
    assert parts.comments == []
    told = [tag for tag, found in parts.elements if found.get("class") != "hid"]
    assert [tag for tag in told if tag not in ("details", "summary")] == plain
    assert parts.references == []
