"""What a rating can point at: checks, notes, test runs, prompts and files of the session."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.loop.blindness import blinder
from harness.loop.desk import Desk
from harness.loop.exchanges import prompts
from harness.models.check import CheckOutcome
from harness.models.event import CommandRun, Event, GradingFinished, NoteTaken, SnapshotTaken
from harness.models.rubric import Dimension, Rating, Rubric
from harness.scoring import evidence_for

KINDS = ("note", "snapshot", "command", "exchange", "grading.finished")
_MOST = 20
"""Offered of each kind."""
_LINE = re.compile(r":[0-9]{1,9}$")


@dataclass(frozen=True)
class Offer:
    """Something to point at."""

    link: str
    """As it is written into a rating."""
    text: str
    """Candidate-controlled for files and commands."""


def offers(desk: Desk, session_id: str, rubric: Rubric, dimension: Dimension) -> list[Offer]:
    """What a rater might point at for a dimension: checks, notes, test runs, prompts, files.

    Checks that fell short come first; of the rest, the latest.
    """
    events = list(desk.store.events(session_id, kinds=KINDS))
    gradings = [e.payload.grading for e in events if isinstance(e.payload, GradingFinished)]
    checks = evidence_for(rubric, gradings[-1].checks if gradings else ())[dimension.id]
    ordered = sorted(checks, key=lambda check: check.outcome is CheckOutcome.PASSED)
    found = [
        Offer(f"check:{check.id}", f"{check.outcome}: {check.shows}") for check in ordered[:_MOST]
    ]
    blind = blinder(desk, desk.store.session(session_id))
    notes, runs = [], []
    for event in events:
        match event.payload:
            case NoteTaken(by=by, text=text):
                notes.append(Offer(f"event:{event.seq}", f"note by {by}: {blind.text(text)}"))
            case CommandRun(command=command) if command.test_run is not None:
                said = f"test run: {blind.text(command.text)}"
                runs.append(Offer(f"event:{event.seq}", said))
            case _:
                pass
    asked = [
        Offer(f"event:{seq}", f"asked the assistant: {blind.text(text)}")
        for seq, text in prompts(desk.store, events).items()
    ]
    files = [Offer(f"file:{path}", "changed") for path in sorted(_files(events))]
    return [*found, *notes[-_MOST:], *runs[-_MOST:], *asked[-_MOST:], *files[:_MOST]]


def check_evidence(desk: Desk, session_id: str, ratings: Sequence[Rating]) -> None:
    """Refuse links of ratings that lead nowhere in the session.

    Links of other kinds than `check:`, `event:` and `file:` stay text and are not looked up.

    Raises:
        UsageError: Such as a misspelt check or an event that never happened.
    """
    links = [link for rating in ratings for link in rating.evidence]
    if not any(link.startswith(("check:", "event:", "file:")) for link in links):
        return
    events = list(desk.store.events(session_id))
    checks = {
        check.id
        for event in events
        if isinstance(event.payload, GradingFinished)
        for check in event.payload.grading.checks
    }
    known = {"check": checks, "event": {str(event.seq) for event in events}, "file": _files(events)}
    for link in links:
        kind, _, rest = link.partition(":")
        if kind in known and rest not in known[kind] and _LINE.sub("", rest) not in known[kind]:
            near = ", ".join(sorted(known[kind])[:8]) or "none"
            raise UsageError(
                f"Evidence '{link}' leads nowhere in session {session_id}.",
                remedy=f"It has the {kind}s {near}{' ...' if len(known[kind]) > 8 else ''}.",  # noqa: PLR2004 - fits on a line
                slug="evidence-unknown",
            )


def _files(events: Sequence[Event]) -> set[str]:
    """Paths that changed in the session."""
    return {
        change.path
        for event in events
        if isinstance(event.payload, SnapshotTaken)
        for change in event.payload.snapshot.changes
    }
