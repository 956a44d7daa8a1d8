"""An interviewer goes through a review at the terminal; what is answered is kept at once."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from harness.cli.present import console, printed
from harness.cli.review_page import show_question
from harness.errors import UsageError
from harness.loop.reviewing import Confirmation
from harness.models.matching import Judgement, PairJudgement
from harness.reviews.questions import STATES, Question, anew

LATER, STOP = "s", "q"


def ask(confirmation: Confirmation, by: str, *, comment: int | None = None) -> int:
    """Ask what waits, or about one comment anew; returns how much was answered.

    Args:
        confirmation: Keeps each answer.
        by: Who answers.
        comment: Its number, when only that one is asked about, decided or not.

    Raises:
        UsageError: There is no such comment.
    """
    there = len(confirmation.material.review.comments)
    if comment is not None and comment > there:
        raise UsageError(
            f"There is no comment {comment}; the review has {there}.",
            remedy="`harness review show` counts them.",
        )
    answered = 0
    for question, left in _asked(confirmation, comment):
        console().rule(f"{left} to decide")
        suggestion = confirmation.suggested.get((question.comment or 0, question.item or ""))
        show_question(confirmation.shown, question, suggestion if question.kind == "pair" else None)
        choice = _choice(question)
        if choice == STOP:
            break
        judgement = _judgement(confirmation, question, choice, by)
        if judgement is not None:
            confirmation.answer(judgement)
            answered += 1
    return answered


def _asked(confirmation: Confirmation, comment: int | None) -> Iterator[tuple[Question, int]]:
    """Each question once with how many are left; what an answer brings up is asked too."""
    seen: set[tuple[str, int | None, str | None]] = set()
    while True:
        material = confirmation.material
        asked = (
            confirmation.waiting()
            if comment is None
            else anew(material.gold, material.matching, comment)
        )
        waiting = [one for one in asked if (one.kind, one.comment, one.item) not in seen]
        if not waiting:
            return
        seen.add((waiting[0].kind, waiting[0].comment, waiting[0].item))
        yield waiting[0], len(waiting)


def _judgement(
    confirmation: Confirmation, question: Question, choice: str, by: str
) -> Judgement | None:
    """What is kept; None for later."""
    if choice == LATER:
        return None
    if choice != STATES:
        judgement = question.judgement(choice, by)
        suggestion = confirmation.suggested.get((question.comment or 0, question.item or ""))
        if isinstance(judgement, PairJudgement) and suggestion is not None:
            shown = {"suggested": suggestion.answer, "suggested_by": suggestion.by}
            return judgement.model_copy(update=shown)
        return judgement
    item = _item(confirmation)
    if item is None or question.comment is None:
        return None
    return PairJudgement(comment=question.comment, item=item, answer="yes", by=by)


def _choice(question: Question) -> str:
    choices = {**question.choices, LATER: "later", STOP: "stop"}
    hint = "  ".join(f"{key}: {meaning}" for key, meaning in choices.items())
    while True:
        given = _typed(hint, STOP)
        if given in choices:
            return given


def _item(confirmation: Confirmation) -> str | None:
    """Which seeded item, by its number; None when it is none of them."""
    items = confirmation.material.gold.items
    for number, item in enumerate(items, 1):
        kind = confirmation.material.gold.severity_of(item.id) or "decoy"
        console().print(f"{number:>3}  {printed(item.title)} [dim]({kind})[/dim]")
    while True:
        given = _typed(f"1-{len(items)}, {LATER}: none of them", LATER)
        if given == LATER:
            return None
        if given.isascii() and given.isdigit() and 1 <= int(given) <= len(items):
            return items[int(given) - 1].id


def _typed(hint: str, at_end: str) -> str:
    """One line; `at_end` when nothing more can be typed."""
    try:
        given: str = typer.prompt(hint, prompt_suffix=" > ", show_default=False)
    except typer.Abort:
        console().print()
        return at_end
    return given.strip().lower()
