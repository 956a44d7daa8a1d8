"""A session's exchanges and the origin of its lines, as a report shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.models.assistant_section import AssistantSection, ExchangeEntry, MetPitfall
from harness.models.attribution import Attribution, FileLines, Use
from harness.models.exchange import Usage
from harness.models.transcript import Turn
from harness.signals import said
from harness.signals.attribution.cut import calibrated
from harness.signals.story import Talk
from harness.signals.texts import at_word, one_line

MOST_EXCHANGES = 600
"""Shown on a report; the record and `session replay` have all of them."""
PROMPT_CHARS = 12_000
ANSWER_CHARS = 16_000
ALL_CHARS = 1_500_000
"""Of all questions and answers together; later ones are cut to nothing."""
_CALLS = 40
_FILES = 20
_NAME_CHARS = 100
_PROBLEM_CHARS = 400


def section(
    talks: Sequence[Talk],
    turns: Mapping[str, Turn],
    *,
    scripted: bool,
    attribution: Attribution | None,
    pitfalls: tuple[MetPitfall, ...] = (),
) -> AssistantSection:
    """Put a session's exchanges together.

    Args:
        talks: All of them.
        turns: What was said, by the exchange's id; those that could not be read are missing.
        scripted: What answered was the task author's script.
        attribution: Of the final tree; None when the snapshots cannot be read.
        pitfalls: Those that were met.
    """
    ordered = sorted(talks, key=lambda talk: (talk.start, talk.event))
    usages = [talk.exchange.usage for talk in ordered]
    return AssistantSection(
        scripted=scripted,
        exchanges=tuple(_entries(ordered[:MOST_EXCHANGES], turns, attribution)),
        more_exchanges=max(0, len(ordered) - MOST_EXCHANGES),
        files=tuple(_renamed(attribution.files, ordered)) if attribution else (),
        use=attribution.use if attribution else Use(),
        cut=calibrated() if attribution else None,
        pitfalls=pitfalls,
        usage=_sum(usage for usage in usages if usage),
        unreported=sum(
            talk.exchange.usage is None and talk.exchange.reply is not None for talk in ordered
        ),
        usd=sum(talk.exchange.charged_usd for talk in ordered),
    )


def _entries(
    talks: Iterable[Talk], turns: Mapping[str, Turn], attribution: Attribution | None
) -> Iterator[ExchangeEntry]:
    uses = {each.exchange: each.use for each in attribution.exchanges} if attribution else {}
    landings = attribution.landings if attribution else ()
    room = ALL_CHARS
    for talk in talks:
        exchange = talk.exchange
        turn = turns.get(exchange.id)
        asked = said.asked(turn) or said.returned(turn) if turn else said.UNREADABLE
        turn = turn or Turn(id=exchange.id)
        prompt, more_prompt = at_word(asked, min(room, PROMPT_CHARS))
        room -= len(prompt)
        answer, more_answer = at_word(said.answered(turn), min(room, ANSWER_CHARS))
        room -= len(answer)
        calls = tuple(said.calls(turn))[: _CALLS if room else 0]
        room = max(0, room - sum(map(len, calls)))
        files = dict.fromkeys(one.path for one in landings if one.exchange == exchange.id)
        yield ExchangeEntry(
            id=_name(talk),
            event=talk.event,
            at_sec=talk.start,
            label=exchange.label,
            outcome=exchange.outcome,
            problem=one_line(exchange.problem, _PROBLEM_CHARS),
            tool=one_line(exchange.client.user_agent.partition(" ")[0], _NAME_CHARS),
            model=one_line(exchange.answered_by or exchange.model, _NAME_CHARS),
            prompt=prompt,
            more_prompt=more_prompt,
            answer=answer,
            more_answer=more_answer,
            calls=calls,
            pitfalls=exchange.script.pitfalls if exchange.script else (),
            usage=exchange.usage,
            usd=exchange.charged_usd,
            use=uses.get(exchange.id),
            landed_in=tuple(files)[:_FILES],
        )


def _name(talk: Talk) -> str:
    """What a report calls an exchange: the gateway's id tells the time of day."""
    return f"x{talk.event}"


def _renamed(files: Iterable[FileLines], talks: Iterable[Talk]) -> Iterator[FileLines]:
    names = {talk.exchange.id: _name(talk) for talk in talks}
    for file in files:
        runs = (
            run.model_copy(update={"exchange": names.get(run.exchange or "")}) for run in file.runs
        )
        yield file.model_copy(update={"runs": tuple(runs)})


def _sum(usages: Iterable[Usage]) -> Usage:
    total = Usage()
    for usage in usages:
        total = Usage(
            **{name: getattr(total, name) + getattr(usage, name) for name in Usage.model_fields}
        )
    return total
