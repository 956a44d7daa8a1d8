"""A turn's question and answer as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator

from harness.models.exchange import Exchange, TextPart, ToolCallPart, ToolResultPart
from harness.models.transcript import Turn
from harness.signals.texts import at_word, count, one_line

CALL_CHARS = 300
"""Of what one tool was told; longer ones are cut."""
SPOKEN_CHARS = 200_000
"""Of a question and of an answer."""
BACK_CHARS = 30_000
"""Of what tools gave back: whole files mostly, which the snapshots have."""


UNREADABLE = "(cannot be read any more)"
"""Instead of a message that is damaged or gone; that the record has a hole is said elsewhere."""


def asked(turn: Turn) -> str:
    """What the person typed; empty for a tool's round."""
    said = (message.text for message in turn.said if message.role == "user")
    return "\n".join(text for text in said if text.strip())


def injected(turn: Turn) -> int:
    """How many characters a program put into the person's messages."""
    return sum(
        len(part.text)
        for message in turn.said
        if message.role == "user"
        for part in message.parts
        if isinstance(part, TextPart) and part.injected
    )


def returned(turn: Turn) -> str:
    """What came of the tools that the turn before had used."""
    results = (
        part.text for message in turn.said for part in message.parts
        if isinstance(part, ToolResultPart)
    )  # fmt: skip
    return "\n".join(results)


def answered(turn: Turn) -> str:
    """What the assistant wrote, without its reasoning and its tools."""
    return turn.reply.text if turn.reply else ""


def calls(turn: Turn) -> Iterator[str]:
    """What the assistant's tools were told to do, each on one line."""
    for part in turn.reply.parts if turn.reply else ():
        if isinstance(part, ToolCallPart):
            yield one_line(f"{part.name} {part.arguments}", CALL_CHARS)


def spoken(exchange: Exchange, turn: Turn) -> tuple[str, bool]:
    """An exchange as text, and whether it was cut.

    Lines of the person begin with "> ", lines of the assistant and of tools with "| "; only ours
    begin with anything else, so nothing that was said looks like something that we say.
    """
    asked_, more_asked = at_word(asked(turn), SPOKEN_CHARS)
    back, more_back = at_word(returned(turn), BACK_CHARS)
    answer, more_answer = at_word(answered(turn), SPOKEN_CHARS)
    blocks = [
        _marked("> ", asked_),
        _noted(injected(turn)),
        _marked("| tool gave back: ", back),
        _marked("| ", answer),
        *(_marked("| tool: ", call) for call in calls(turn)),
        _ended(exchange, turn),
    ]
    text = "\n\n".join(block for block in blocks if block)
    return text, bool(more_asked or more_back or more_answer)


def _marked(mark: str, text: str) -> str:
    return "\n".join(f"{mark}{line}" for line in text.splitlines())


def _noted(characters: int) -> str:
    return f"({count(characters, 'character')} put in by the program)" if characters else ""


def _ended(exchange: Exchange, turn: Turn) -> str:
    """Who answered, how it ended and what it cost, on one line."""
    said = [one_line(turn.model, CALL_CHARS) or "no model", exchange.outcome]
    if exchange.usage is not None:
        said.append(count(exchange.usage.total, "token"))
    if exchange.charged_usd:
        said.append(f"${exchange.charged_usd:.4f}")
    if exchange.script and exchange.script.pitfalls:
        said.append(f"declared pitfalls: {', '.join(exchange.script.pitfalls)}")
    if exchange.problem:
        said.append(one_line(exchange.problem, CALL_CHARS))
    return f"({'; '.join(said)})"
