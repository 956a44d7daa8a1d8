"""The scorecard as Markdown, for a review thread or a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from harness.models.check import CheckOutcome
from harness.models.rubric import Rating
from harness.models.scorecard import DimensionScore, Scorecard
from harness.reporting.blindness import decided
from harness.reporting.escaping import code, inline
from harness.reporting.firmness import gate_sentence
from harness.reporting.links import Links
from harness.reporting.numbers import level, number, percent
from harness.reporting.reading import for_page
from harness.reporting.story import Column, record_sentence, told
from harness.reporting.text_assistant import assistant_lines
from harness.reporting.text_evidence import (
    change_lines,
    check_lines,
    observation_lines,
    record_lines,
    source_lines,
    terminal_lines,
    timeline_lines,
)
from harness.reporting.text_refactor import refactor_lines
from harness.reporting.text_review import review_lines
from harness.reporting.timeline import drawn
from harness.reporting.views import DimensionView, dimension_views, moment_views


def markdown(scorecard: Scorecard) -> str:
    """The scorecard as CommonMark with tables.

    What a candidate, a rater or a rubric wrote is in code, or escaped mark by mark: it can make
    neither HTML nor links nor images nor headings. Hidden characters are shown.
    """
    card, left_out = for_page(scorecard)
    links = Links(card)
    views = dimension_views(card, links)
    moments = moment_views(card)
    timeline = drawn(card.timeline, moments=[view.moment.at_sec for view in moments])
    parts = (
        _title(card),
        _summary(card, views),
        _dimensions(views),
        timeline_lines(timeline, left_out),
        assistant_lines(card, links),
        review_lines(card),
        refactor_lines(card, links),
        check_lines(card),
        change_lines(card, left_out),
        terminal_lines(moments, timeline, left_out),
        observation_lines(card, timeline),
        record_lines(card),
        source_lines(card),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _title(card: Scorecard) -> Iterator[str]:
    session = card.session
    mode = "live session" if session.mode == "live" else "take-home"
    yield f"# Scorecard: {inline(session.candidate, 80)}"
    yield ""
    yield f"{inline(session.task_title, 200)}  "
    yield f"{inline(card.rubric_title, 120)} · {mode} · {session.opened_at.date().isoformat()}"
    yield ""


def _summary(card: Scorecard, views: list[DimensionView]) -> Iterator[str]:
    story = told(card)
    yield from ("## Summary", "")
    for notice in story.notices:
        yield from (f"> **{notice.title}.** {inline(notice.text)}", "")
    yield from (story.tally, "")
    chain = "chain verified" if card.provenance.chain_verified else "chain does not verify"
    yield f"- Time used: {percent(card.session.used_share)} of the time allowed"
    suggested = level(card.overall.suggested) + " of 5" + _comma(story.suggested_between)
    rated = level(card.overall.rated) + " of 5" + _comma(story.rated_between)
    yield f"- Suggested by checks: {suggested}. {story.suggested}"
    yield f"- Rated by people: {rated}. {story.rated}"
    yield f"- Record: {record_sentence(card)}, {chain}"
    yield from (f"- Gradings: {len(card.gradings)}", "")
    yield from _decisions(card)
    yield from _gates(card)
    yield "| Dimension | 1 2 3 4 5 | Suggested | Rated | Checks measured | Raters |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield from (_profile_row(view) for view in views)
    yield ""
    yield "`◇` suggested by checks, `●` rated, `◈` both. Level 4 is the bar of the role."
    for column in (story.held, story.fell_short, story.unknown):
        yield from _column(column)
    yield ""
    if story.what_if:
        yield from (story.what_if, "")
    yield "Checks suggest, people rate, and neither decides: this page makes no recommendation."
    yield ""


def _profile_row(view: DimensionView) -> str:
    score = view.score
    rated = None if score.final_level is None else round(score.final_level)
    marks = {(True, True): "◈", (True, False): "◇", (False, True): "●", (False, False): "·"}
    scale = " ".join(marks[score.suggested_level == n, rated == n] for n in range(1, 6))
    apart = ", raters apart" if score.disagreement else ""
    cells = (
        inline(score.dimension.title, 80),
        f"`{scale}`",
        _suggested(score),
        "not rated" if score.final_level is None else level(score.final_level) + apart,
        percent(score.coverage) if score.checks else "people alone",
        str(len(score.ratings)),
    )
    return f"| {' | '.join(cells)} |"


def _suggested(score: DimensionScore) -> str:
    if score.suggested_level is None:
        return "none"
    low, high = score.suggested_range or (0, 0)
    return str(score.suggested_level) + (f" ({low} to {high})" if low != high else "")


def _comma(text: str) -> str:
    return f", {text}" if text else ""


def _decisions(card: Scorecard) -> Iterator[str]:
    if not card.decisions:
        return
    yield from ("### Decisions, the last one first", "")
    for one in reversed(card.decisions):
        yield f"- **{inline(decided(one), 300)}** {inline(one.reason, 2000)}"
    yield ""


def _gates(card: Scorecard) -> Iterator[str]:
    if not card.gates:
        return
    yield from ("### Gates of the rubric", "")
    for found in card.gates:
        ids = ", ".join(code(id_) for id_ in found.broken_by or found.missing)
        said = f"- **{inline(found.gate.title, 120)}.** {inline(gate_sentence(found))}"
        yield f"{said}{f' {ids}.' if ids else ''} {inline(found.gate.rationale)}"
    yield from ("", "A gate changes no number on this page.", "")


def _column(column: Column) -> Iterator[str]:
    if not column.checks:
        return
    yield from ("", f"### {column.title}", "")
    for check in column.checks:
        found = "" if check.outcome is CheckOutcome.PASSED else f" {inline(check.summary)}"
        yield f"- {inline(check.shows)}{found} ({code(check.id)})"
    if column.left_out:
        yield f"- And {column.left_out} more, below."


def _dimensions(views: list[DimensionView]) -> Iterator[str]:
    yield from ("## Dimensions", "")
    for view in views:
        score = view.score
        apart = " (read apart)" if view.apart else ""
        yield from (f"### {inline(score.dimension.title, 80)}{apart}", "")
        yield from (inline(score.dimension.question), "")
        yield from (_standing(view), "")
        for rating in score.ratings:
            yield from _rating(rating)
        for debrief in view.debriefs:
            yield f"- Debrief, by {inline(debrief.by, 60)}: {inline(debrief.text, 1500)}"
        for anchor in view.anchors:
            if anchor.suggested or anchor.raters:
                by = [f"rated by {inline(rater, 60)}" for rater in anchor.raters]
                by += ["suggested by checks"] if anchor.suggested else []
                name = inline(anchor.level.name, 40)
                said = f"- Level {anchor.level.value}, {name} ({', '.join(by)}):"
                yield f"{said} {inline(anchor.level.anchor)}"
        weight = percent(view.weight_share)
        adds = f" {view.adds}" if view.adds else ""
        why = inline(score.dimension.weight_rationale)
        yield f"- Weight {weight} of the rubric.{adds} {why}"
        yield ""


def _standing(view: DimensionView) -> str:
    score = view.score
    if score.suggested_level is not None:
        suggested = (
            f"Checks suggest **{score.suggested_level}**: their weighted mean is"
            f" {number(score.check_score)}, from {percent(score.coverage)} of their weight"
            f" ({', '.join(code(id_) for id_ in score.checks)}). {view.reach}"
        )
    elif view.checks:
        suggested = "Checks suggest nothing here: none was measured."
    else:
        suggested = "No check is evidence here: people alone rate it."
    if score.final_level is None:
        return f"{suggested} Nobody has rated it{'; that costs nothing' if view.apart else ' yet'}."
    apart = _comma(view.apart_sentence)
    raters = len(score.ratings)
    return f"{suggested} Rated **{level(score.final_level)}**, raters: {raters}{apart}."


def _rating(rating: Rating) -> Iterator[str]:
    evidence = ", ".join(code(text) for text in rating.evidence[:20])
    yield (
        f"- {inline(rating.rater, 60)} rated **{rating.level}**."
        f" {inline(rating.observation, 1500)}{f' Evidence: {evidence}.' if evidence else ''}"
    )
