"""An exchange as text: nothing that was said looks like something that we say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.models.exchange import (
    Exchange,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from harness.models.transcript import Turn
from harness.signals.said import SPOKEN_CHARS, asked, spoken
from harness.signals.texts import at_word
from harness.testing.builders import A_MOMENT

EXCHANGE = Exchange(
    id="x1",
    session="s",
    at=A_MOMENT,
    format="chat",
    operation="generate",
    method="POST",
    path="/v1/chat/completions",
    label="turn",
    outcome="completed",
    status=200,
    duration_sec=1,
    usage=Usage(fresh_in=100, out=20),
    charged_usd=0.0125,
)


def a_turn(prompt: str, answer: str, *more: ToolCallPart, back: str = "") -> Turn:
    """One exchange's words."""
    said = [TextPart(text=prompt), TextPart(text="<reminder>", injected=True)]
    results = [Message(role="tool", parts=(ToolResultPart(text=back),))] if back else []
    return Turn(
        id="x1",
        model="m",
        said=(Message(role="user", parts=tuple(said)), *results),
        reply=Message(role="assistant", parts=(TextPart(text=answer), *more)),
    )


def test_a_question_and_its_answer() -> None:
    """What was typed, what tools gave back and were told, what it cost."""
    call = ToolCallPart(name="Write", arguments='{"path":\n"a.py"}')
    text, cut = spoken(EXCHANGE, a_turn("why?\nand how?", "Because.", call, back="ok"))
    assert text.split("\n\n") == [
        "> why?\n> and how?",
        "(10 characters put in by the program)",
        "| tool gave back: ok",
        "| Because.",
        '| tool: Write {"path": "a.py"}',
        "(m; completed; 120 tokens; $0.0125)",
    ]
    assert not cut


def test_a_long_answer_is_cut_and_says_so() -> None:
    """The record has the rest."""
    text, cut = spoken(EXCHANGE, a_turn("why?", "so " * SPOKEN_CHARS))
    assert cut
    assert len(text) < SPOKEN_CHARS + 1_000


def test_a_prompt_that_a_program_wrote_is_nobodys() -> None:
    """Only what was typed counts as asked."""
    turn = a_turn("", "x")
    assert asked(turn) == ""


@given(st.text(), st.text(), st.text())
def test_every_line_that_was_said_is_marked(prompt: str, answer: str, back: str) -> None:
    """Whatever anybody writes, no line of it begins like one of ours."""
    text, _ = spoken(EXCHANGE, a_turn(prompt, answer, back=back))
    ours = [line for line in text.splitlines() if line and line[:2] not in ("> ", "| ")]
    assert ours in (
        ["(10 characters put in by the program)", "(m; completed; 120 tokens; $0.0125)"],
        ["(m; completed; 120 tokens; $0.0125)"],
    )


@given(st.text(alphabet="ab \n"), st.integers(1, 40))
def test_a_cut_gives_the_beginning_and_counts_the_rest(text: str, limit: int) -> None:
    """Nothing is lost without being counted, and a cut falls between words where it can."""
    start, more = at_word(text, limit)
    assert text.startswith(start)
    assert len(start) + more == len(text)
    assert len(start) <= limit
    if more and any(space in text[limit // 2 + 1 : limit] for space in " \n"):
        assert text[len(start)] in " \n"
