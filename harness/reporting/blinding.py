"""A scorecard that does not tell who the candidate is.

Every string that a candidate or an interviewer could have written is read for what names the
candidate, and for anybody whom it names as an author, by e-mail, by a home folder or a picture.
What was written before there was a candidate (rubric, checks' descriptions, hashes) stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel

from harness.models.check import CheckResult, Steadiness
from harness.models.identity import Blinding, Flag, Identity
from harness.models.matching import ReviewScores
from harness.models.recording import TestRun
from harness.models.review_section import ShownItem
from harness.models.rubric import Dimension, Rating
from harness.models.scorecard import (
    Contribution,
    Debrief,
    Decision,
    DimensionScore,
    FileDiff,
    GateResult,
    GradingSummary,
    NoteEntry,
    Provenance,
    Scorecard,
    Signal,
)
from harness.reporting.letters import letters
from harness.reporting.patch import hunks
from harness.reporting.tokens import Tokens, others, own
from harness.reporting.traces import NAME, names, traces

MOST_FLAGS = 100
"""Lines listed; the rest is counted."""

_OURS: dict[type[BaseModel], set[str]] = {
    Scorecard: {"session", "rubric_title"},
    Provenance: set(Provenance.model_fields),
    Dimension: set(Dimension.model_fields),
    GateResult: set(GateResult.model_fields),
    Contribution: set(Contribution.model_fields),
    DimensionScore: {"checks"},
    CheckResult: {"id", "family", "dimension", "shows", "derived_from", "advisory"},
    Steadiness: set(Steadiness.model_fields),
    GradingSummary: set(GradingSummary.model_fields) - {"failure"},
    Signal: {"id", "title", "explanation"},
    ShownItem: set(ShownItem.model_fields),
    ReviewScores: set(ReviewScores.model_fields),
    TestRun: {"runner"},
    # Who rates, notes and decides says so under their own name.
    Rating: {"rater", "dimension"},
    Debrief: {"by", "present", "dimension"},
    NoteEntry: {"by"},
    Decision: {"by"},
}
"""Fields that neither a candidate nor somebody who met them writes."""

_HUNK = re.compile(r"^(@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@)", re.MULTILINE)
"""Git's own: lines of the candidate have a sign before them."""

_COMMENT_MARKS = ("#", "//", "/*", "*", "--", "<!--", '"""', "'''", ";", "%", "rem ")

ModelT = TypeVar("ModelT", bound=BaseModel)
Change = Callable[[str], str]


class Blinder:
    """Replaces what names one candidate, in any text."""

    def __init__(self, identity: Identity, pseudonym: str, *, named: tuple[str, ...] = ()) -> None:
        """Make one.

        Args:
            identity: What is known about who they are.
            pseudonym: What is written instead.
            named: Whole names found in the evidence; of whom, nobody said.
        """
        self._tokens = [
            (tokens, instead)
            for tokens, instead in ((own(identity), pseudonym), (others(named), NAME))
            if tokens is not None
        ]
        self.replaced = 0
        """Places so far."""

    def text(self, text: str) -> str:
        """The text without them."""
        known = letters(text)
        spans: list[tuple[int, int, str]] = []
        for tokens, instead in self._tokens:
            spans += [(*known.source(*at), instead) for at in _found(tokens, known.text)]
            if known.text != text:  # what looks like an escape may be letters of a name
                spans += [(*at, instead) for at in _found(tokens, text)]
        spans += traces(text)
        return self._without(text, spans)

    def model(self, model: ModelT) -> ModelT:
        """A copy of any model, every string in it that somebody may have written without them."""
        return _changed_model(model, self.text)

    def _without(self, text: str, spans: list[tuple[int, int, str]]) -> str:
        """One replacement for each run of overlapping places: that of the surest finder."""
        pieces: list[str] = []
        done = 0
        for start, end, instead in _runs(spans):
            pieces += (text[done:start], instead)
            done = end
            self.replaced += 1
        return "".join((*pieces, text[done:]))


def blind(card: Scorecard, identity: Identity, pseudonym: str) -> Scorecard:
    """The scorecard with a pseudonym for the candidate, and what was replaced written on it.

    Moments of the clock become days: with the time allowed, they could tell of an accommodation.
    """
    candidate = card.model_copy(
        update={"session": card.session.model_copy(update={"candidate": pseudonym}), "blind": None}
    )
    blinder = Blinder(identity, pseudonym, named=named_in(candidate))
    parts, counts = {}, {}
    for part in Scorecard.model_fields:
        before = blinder.replaced
        value = getattr(candidate, part)
        parts[part] = value if part in _OURS[Scorecard] else _changed(value, blinder.text)
        if blinder.replaced > before:
            counts[part] = blinder.replaced - before
    flags = list(_flags(candidate.diffs, parts["diffs"]))
    shown = Blinding(
        replaced=counts,
        flags=tuple(flags[:MOST_FLAGS]),
        more_flags=max(0, len(flags) - MOST_FLAGS),
    )
    return _days(candidate.model_copy(update={**parts, "blind": shown}))


def named_in(*models: BaseModel) -> tuple[str, ...]:
    """Whole names of people that stand somewhere in what somebody may have written, sorted."""
    found: set[str] = set()

    def collect(text: str) -> str:
        found.update(names(text))
        return text

    for model in models:
        _changed_model(model, collect)
    return tuple(sorted(found))


def _changed(value: Any, change: Change) -> Any:  # noqa: ANN401 - any part of a model
    """The value with every string that is not ours changed."""
    match value:
        case Enum():
            return value
        case str():
            return change(value)
        case tuple():
            return tuple(_changed(one, change) for one in value)
        case dict():
            return {_changed(key, change): _changed(one, change) for key, one in value.items()}
        case BaseModel():
            return _changed_model(value, change)
        case _:
            return value


def _changed_model(model: ModelT, change: Change) -> ModelT:
    update = {}
    for name in _free(type(model)):
        value = getattr(model, name)
        update[name] = _patch(value, change) if name == "patch" else _changed(value, change)
    return model.model_copy(update=update)


def _patch(patch: str, change: Change) -> str:
    """A patch changed line by line; where its hunks lie stays, whatever anybody is called."""
    pieces = _HUNK.split(patch)
    return "".join(piece if place % 2 else change(piece) for place, piece in enumerate(pieces))


@cache
def _free(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields that somebody may have written anything into."""
    ours = _OURS.get(model, set())
    return tuple(
        name
        for name, info in model.model_fields.items()
        if name not in ours and not _fixed(info.annotation)
    )


def _fixed(annotation: object) -> bool:
    """Whether only words of ours can be there."""
    inner = get_args(annotation)
    if get_origin(annotation) is Literal:
        return True
    return any(_fixed(one) for one in inner)


def _found(tokens: Tokens, text: str) -> Iterator[tuple[int, int]]:
    low = text.lower()
    if len(low) != len(text):  # one letter (U+0130) becomes two; `letters` takes it apart before
        return
    for found in tokens.found(low):
        if found.lastgroup == "whole" or _stands_alone(text, *found.span()):
            yield found.span()


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Not a part of a longer word; in `myName`, `NameClient` and after an escape it is a word."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    escape = (
        text[start - 2 : start - 1] == "\\" and before.lower() in "abefnrtv" if start > 1 else False
    )
    left = not before.isalpha() or escape or (before.islower() and text[start].isupper())
    right = not after.isalpha() or (text[end - 1].islower() and after.isupper())
    return left and right


def _runs(spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Overlapping places as one, with what the first finder of any of them writes."""
    rank = {id(span): place for place, span in enumerate(spans)}
    run: list[tuple[int, int, str]] = []
    end = -1
    for span in sorted(spans, key=lambda one: (one[0], one[1])):
        if run and span[0] >= end:
            yield run[0][0], end, min(run, key=lambda one: rank[id(one)])[2]
            run, end = [], -1
        run.append(span)
        end = max(end, span[1])
    if run:
        yield run[0][0], end, min(run, key=lambda one: rank[id(one)])[2]


def _flags(before: tuple[FileDiff, ...], after: tuple[FileDiff, ...]) -> Iterator[Flag]:
    """Lines of the changes in which something was replaced."""
    for old, new in zip(before, after, strict=True):
        if old.patch == new.patch:
            continue
        for was, now in zip(hunks(old.patch), hunks(new.patch), strict=True):
            for line, blinded in zip(was.lines, now.lines, strict=True):
                if line.text != blinded.text:
                    number = line.new or line.old or 0
                    comment = _in_comment(line.text, blinded.text)
                    yield Flag(path=new.change.path, line=number, comment=comment)


def _in_comment(was: str, now: str) -> bool:
    """Whether a mark that begins a comment stands before the first difference."""
    same = next((n for n, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), len(was))
    before = was[:same].lower()
    return any(mark in before for mark in _COMMENT_MARKS)


def _days(card: Scorecard) -> Scorecard:
    session = card.session
    return card.model_copy(
        update={
            "session": session.model_copy(update={"opened_at": _day(session.opened_at)}),
            "gradings": tuple(
                one.model_copy(update={"finished_at": _day(one.finished_at)})
                for one in card.gradings
            ),
        }
    )


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
