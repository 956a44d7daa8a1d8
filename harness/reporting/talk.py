"""The exchanges with an assistant as a page shows them, each beside the edits that came after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.models.assistant_section import AssistantSection, ExchangeEntry, MetPitfall
from harness.models.attribution import Use
from harness.models.exchange import Label, Outcome, Usage
from harness.reporting.views import EditView
from harness.reporting.visible import head

PROMPT_CHARS = 5_000
ANSWER_CHARS = 8_000
MOST_CALLS = 12
ALL_CHARS = 240_000
FOLD_LINES = 12
"""An answer longer than this is folded."""
FOLD_CHARS = 1_200

TITLES: dict[Label, str] = {
    "turn": "Prompt",
    "tool-round": "A tool's result",
    "aux:title": "A title for the conversation",
    "aux:commit": "A commit message",
    "aux:count": "Tokens counted",
    "aux:models": "List of models",
    "other": "Another call",
}
"""What an exchange was about; all but the first came from a program, not from a person."""

ENDINGS: dict[Outcome, str] = {
    "completed": "answered",
    "failed": "the assistant failed",
    "cut": "the answer broke off",
    "aborted": "left before its end",
    "refused": "refused",
    "lost": "not recorded to its end",
}
"""How it ended."""


@dataclass(frozen=True)
class TalkView:
    """An exchange with the part of it that a page can hold."""

    entry: ExchangeEntry
    prompt: str
    prompt_left: int
    """Characters after it that are not on the page."""
    answer: str
    answer_left: int
    folded: bool
    calls: tuple[str, ...]
    calls_left: int
    cost: str
    pitfalls: tuple[MetPitfall, ...]


@dataclass
class Passage:
    """What somebody asked, and what was edited until they asked again."""

    talk: TalkView | None = None
    """None before the first prompt."""
    asides: list[TalkView] = field(default_factory=list)
    """What programs asked by themselves meanwhile."""
    edits: list[EditView] = field(default_factory=list)


def talk_views(section: AssistantSection | None) -> list[TalkView]:
    """Every exchange by time; once the page's budget is spent, without its words."""
    room = ALL_CHARS
    met = {one.id: one for one in section.pitfalls} if section else {}
    views = []
    for entry in section.exchanges if section else ():
        prompt, prompt_left = head(entry.prompt, min(room, PROMPT_CHARS))
        room -= len(prompt)
        answer, answer_left = head(entry.answer, min(room, ANSWER_CHARS))
        room -= len(answer)
        calls = entry.calls[: MOST_CALLS if room > 0 else 0]
        room = max(0, room - sum(map(len, calls)))
        views.append(
            TalkView(
                entry=entry,
                prompt=prompt,
                prompt_left=prompt_left + entry.more_prompt,
                answer=answer,
                answer_left=answer_left + entry.more_answer,
                folded=answer.count("\n") >= FOLD_LINES or len(answer) > FOLD_CHARS,
                calls=calls,
                calls_left=len(entry.calls) - len(calls),
                cost=cost(entry.usage, entry.usd),
                pitfalls=tuple(met[name] for name in entry.pitfalls if name in met),
            )
        )
    return views


def passages(talk: Iterable[TalkView], edits: Iterable[EditView]) -> list[Passage]:
    """Prompts and edits by time, each prompt with what came after it."""
    steps: list[tuple[float, int, TalkView | EditView]] = [
        *((one.entry.at_sec, one.entry.event, one) for one in talk),
        *((one.entry.start_sec, one.entry.event, one) for one in edits),
    ]
    found = [Passage()]
    for _, _, step in sorted(steps, key=lambda one: one[:2]):
        if isinstance(step, EditView):
            found[-1].edits.append(step)
        elif step.entry.by_person:
            found.append(Passage(talk=step))
        else:
            found[-1].asides.append(step)
    return [one for one in found if one.talk or one.asides or one.edits]


def matter_first(talk: Sequence[TalkView]) -> list[TalkView]:
    """Exchanges in which something is to be read: pitfalls first, then by the lines there are."""
    asked = [one for one in talk if one.entry.by_person or one.entry.use]
    return sorted(asked, key=_weight, reverse=True)


def _weight(one: TalkView) -> tuple[int, int, int, int]:
    use = one.entry.use or Use()
    pitfalls = sum(2 if met.fate == "shipped" else 1 for met in one.pitfalls)
    return pitfalls, use.survived, use.landed, use.suggested


def cost(usage: Usage | None, usd: float) -> str:
    """Tokens and money as a person reads them."""
    tokens = "usage not reported" if usage is None else f"{usage.total:,} tokens"
    return f"{tokens}, {money(usd)}" if usd else tokens


def money(usd: float) -> str:
    """Dollars; small sums to the hundredth of a cent, so that they are not nothing."""
    return f"${usd:.2f}" if usd >= 1 else f"${usd:.4f}"
