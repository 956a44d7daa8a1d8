"""A session's review: what was handed in, what people decided about it, what that makes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.errors import UsageError
from harness.grading.unseal import unpack
from harness.loop.blindness import blinder
from harness.loop.desk import Desk
from harness.loop.working import at_work
from harness.loop.workspace import REPO
from harness.models.check import Grading
from harness.models.event import NoteTaken, ReviewJudged, ReviewSuggested
from harness.models.matching import Judgement, Pair, Suggestion
from harness.models.review import ReadReview
from harness.models.session import Session, Submission
from harness.models.task import Task
from harness.reporting import named_in
from harness.reviews.grading import (
    ReviewMaterial,
    assess,
    grade_review,
    reassess,
    wanted_files,
)
from harness.reviews.judge import Judge
from harness.reviews.questions import Question, questions
from harness.reviews.reading import MAX_BYTES, file_names, read_review
from harness.reviews.repository import REVIEWS, pull_numbers, read_pulls
from harness.sandbox.protocol import SandboxEnvironment

_LOOK_SEC = 30.0

GIVE_UP_AFTER = 3
"""Failures in a row of a model that is asked for suggestions."""


def judgements(desk: Desk, session: Session) -> tuple[Judgement, ...]:
    """What people decided about the present submission, in the order in which they did."""
    return tuple(
        event.payload.judgement
        for event in desk.store.events(session.id, kinds=("review.judged",))
        if isinstance(event.payload, ReviewJudged)
        and event.payload.submission_sha256 == session.submission_sha256
    )


def suggestions(desk: Desk, session: Session) -> tuple[Suggestion, ...]:
    """What a model said about pairs of the present submission, failures included."""
    return tuple(
        event.payload.suggestion
        for event in desk.store.events(session.id, kinds=("review.suggested",))
        if isinstance(event.payload, ReviewSuggested)
        and event.payload.submission_sha256 == session.submission_sha256
    )


def handed_in(submission: Submission, task: Task) -> dict[str, bytes]:
    """The files of a sealed tree in which reviews may be; links are not followed.

    Raises:
        IntegrityError: The submission is not what was sealed.
    """
    with TemporaryDirectory(prefix="harness-review-") as scratch:
        unpack(submission, Path(scratch))
        found = {}
        for name in wanted_files(pull_numbers(task)):
            path = Path(scratch) / name
            if path.is_file() and not path.is_symlink() and not path.parent.is_symlink():
                with path.open("rb") as file:
                    found[name] = file.read(MAX_BYTES + 1)
        return found


def graded_review(
    submission: Submission,
    task: Task,
    *,
    judgements: tuple[Judgement, ...],
    grading_id: str,
    backend: str,
) -> Grading:
    """Hold a sealed review against the task's gold set.

    Raises:
        IntegrityError: The submission is not what was sealed.
        TaskFormatError: The task is malformed.
    """
    return grade_review(
        submission,
        handed_in(submission, task),
        task,
        judgements=judgements,
        grading_id=grading_id,
        backend=backend,
    )


async def bring_review(
    desk: Desk, session_id: str, task: Task, number: str, content: bytes, *, by: str
) -> ReadReview:
    """Put a review that was written elsewhere into a session's workspace; the record says so.

    Args:
        desk: With the session's engine.
        session_id: Open or running.
        task: The session's.
        number: Of the pull request.
        content: JSON in one of the documented forms.
        by: Who brings it.

    Returns:
        What was read, with the places that do not exist.

    Raises:
        SubmissionError: It cannot be read.
        UsageError: The task has no such pull request, or there is a review of it already.
    """
    numbers = pull_numbers(task)
    if number not in numbers:
        raise UsageError(
            f"Task '{task.name}' has no pull request {number}.",
            remedy=f"There are {', '.join(numbers)}.",
        )
    name = f"{REVIEWS}/{number}.json"
    read = read_review({name: content}, read_pulls(task)[number])
    assert read is not None, "the one file that it was given has it"
    workspace = await at_work(desk, session_id)
    for other in file_names(number):
        if await _is_there(workspace, f"{REPO}/{other}"):
            raise UsageError(
                f"Session {session_id} has a review of {number} already: {other}.",
                remedy="One counts; let its author take that one away first.",
            )
    await workspace.write_file(f"{REPO}/{name}", content)
    digest = hashlib.sha256(content).hexdigest()
    text = f"Brought in a review of {number} that was written elsewhere (sha256 {digest})."
    desk.store.append(session_id, NoteTaken(by=by, text=text))
    return read


async def _is_there(workspace: SandboxEnvironment, path: str) -> bool:
    return (await workspace.exec(["test", "-e", path], timeout_sec=_LOOK_SEC)).success


class Confirmation:
    """One interviewer going through what waits for a person; every answer is kept at once."""

    def __init__(self, desk: Desk, session: Session, submission: Submission, task: Task) -> None:
        self._desk = desk
        self._session = session
        self._files = handed_in(submission, task)
        self._said = list(judgements(desk, session))
        self.material = assess(task, self._files, self._said)
        self._blind: dict[str, ReadReview] | None = None
        self.suggested = {
            (one.comment, one.item): one
            for one in suggestions(desk, session)
            if one.answer is not None
        }

    @property
    def shown(self) -> ReviewMaterial:
        """What people and models may read of it: it does not tell who the candidate is."""
        if self._blind is None:
            read = self.material.read
            told = blinder(self._desk, self._session, named=named_in(*read.values()))
            self._blind = {number: told.model(one) for number, one in read.items()}
        return self.material.model_copy(update={"read": self._blind})

    def waiting(self) -> list[Question]:
        """What nobody has decided yet."""
        return list(questions(self.material.gold, self.material.matching))

    def answer(self, judgement: Judgement) -> None:
        """Keep a person's answer, and see what follows from it."""
        assert self._session.submission_sha256 is not None
        self._desk.store.append(
            self._session.id,
            ReviewJudged(submission_sha256=self._session.submission_sha256, judgement=judgement),
        )
        self._said.append(judgement)
        self.material = reassess(self.material, self._said)

    def unsuggested(self) -> list[Pair]:
        """Open pairs about which no model has given an answer."""
        pairs = self.material.matching.open
        return [pair for pair in pairs if (pair.comment, pair.item) not in self.suggested]

    async def consult(self, judge: Judge) -> AsyncIterator[Suggestion]:
        """Ask a model about every open pair that it has not answered; each reply is kept.

        It gives up after `GIVE_UP_AFTER` failures in a row, so that an endpoint which is down
        costs no more than that; pairs stay open either way.
        """
        assert self._session.submission_sha256 is not None
        failed = 0
        for pair in self.unsuggested():
            item = next(item for item in self.material.gold.items if item.id == pair.item)
            comment = self.shown.review.comments[pair.comment - 1]
            suggestion = await judge.ask(pair.comment, comment, item)
            self._desk.store.append(
                self._session.id,
                ReviewSuggested(
                    submission_sha256=self._session.submission_sha256, suggestion=suggestion
                ),
            )
            if suggestion.answer is not None:
                self.suggested[pair.comment, pair.item] = suggestion
            failed = 0 if suggestion.answer is not None else failed + 1
            yield suggestion
            if failed >= GIVE_UP_AFTER:
                return
