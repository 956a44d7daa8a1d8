"""The section of an assistant in Markdown: pitfalls, exchanges, where lines came from."""

from __future__ import annotations

from collections.abc import Iterator

from harness.models.scorecard import Scorecard
from harness.reporting.assistant import AssistantView, assistant_view, lines_of
from harness.reporting.escaping import block, code, inline
from harness.reporting.links import Links
from harness.reporting.numbers import percent
from harness.reporting.origins import COUNTED, WORDS, file_origins, spans_text
from harness.reporting.talk import ENDINGS, TITLES, TalkView, talk_views
from harness.reporting.visible import head

_FILES = 100
_SPANS = 60
_PROMPT_CHARS = 2_000
_ANSWER_CHARS = 4_000
_ALL_CHARS = 120_000


def assistant_lines(card: Scorecard, links: Links) -> Iterator[str]:
    """The section; nothing for a session without an assistant."""
    if card.assistant is None:
        return
    talk = talk_views(card.assistant)
    view = assistant_view(card.assistant, talk, links.files)
    yield from ("## Assistant", "", view.said, "")
    use = view.section.use
    number = len(view.section.exchanges) + view.section.more_exchanges
    yield f"- Prompts: {view.prompts}; exchanges with those of programs: {number}"
    yield f"- Cost: {view.cost}"
    yield f"- Lines: {use.suggested} suggested, {use.landed} landed, {use.survived} still there"
    yield f"  ({use.survived_verbatim} as suggested, {use.survived_edited} edited)"
    yield ""
    yield from _pitfalls(view)
    yield from _exchanges(view)
    yield from _origins(view, card)
    yield from _said(talk)


def _pitfalls(view: AssistantView) -> Iterator[str]:
    if not view.section.pitfalls:
        return
    yield from ("### Declared pitfalls", "")
    for met in view.section.pitfalls:
        said = f"- {code(met.id)} (event {met.event}), **{met.fate}**: {inline(met.says)}"
        yield f"{said} Better: {inline(met.better)}"
    yield ""


def _exchanges(view: AssistantView) -> Iterator[str]:
    yield from ("### Exchanges, those that matter first", "")
    if not view.rows:
        yield from ("Nobody asked anything.", "")
        return
    yield "| Event | Asked | Suggested | Landed | There as suggested | There edited | Cost |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in view.rows:
        entry = row.entry
        asked = code(row.prompt, 120) if entry.by_person else TITLES[entry.label]
        counts = " | ".join(map(str, lines_of(entry)))
        yield f"| {entry.event} | {asked} | {counts} | {row.cost} |"
    yield ""


def _origins(view: AssistantView, card: Scorecard) -> Iterator[str]:
    yield from ("### Where lines came from", "")
    if view.origins:
        words = [WORDS[origin] for origin in COUNTED]
        heads = ["File", *words, "suggested", "landed", "still there"]
        yield f"| {' | '.join(heads)} |"
        yield f"|{' --- |' * len(heads)}"
        for row in (*view.origins[:-1][:_FILES], view.origins[-1]):
            name = code(row.path) if row.path else "All files"
            use = (row.use.suggested, row.use.landed, row.use.survived)
            yield f"| {name} | {' | '.join(map(str, (*row.counts, *use)))} |"
        yield ""
        yield from (f"- {word}: {meaning}" for word, meaning in view.legend)
        yield ""
        for path, found in list(file_origins(card.assistant).items())[:_FILES]:
            if spans := found.spans():
                yield f"- Lines of {code(path)}: {spans_text(spans, _SPANS)}"
        yield ""
    yield from (view.cut, "")


def _said(talk: list[TalkView]) -> Iterator[str]:
    """Every prompt with its answer, as long as there is room."""
    yield from ("### Asked and answered", "")
    room = _ALL_CHARS
    for one in talk:
        entry = one.entry
        ended = "" if entry.outcome == "completed" else f", {ENDINGS[entry.outcome]}"
        at = percent(entry.at_sec)
        yield from (f"{TITLES[entry.label]} (at {at}, event {entry.event}{ended}):", "")
        asked, _ = head(one.prompt, min(room, _PROMPT_CHARS))
        answer, _ = head(one.answer, min(room, _ANSWER_CHARS))
        room = max(0, room - len(asked) - len(answer))
        if asked:
            yield from (*block(asked), "")
        if answer:
            yield from ("Answered:", "", *block(answer), "")
        yield from (f"- Tool: {code(call, 200)}" for call in one.calls)
        if one.calls:
            yield ""
