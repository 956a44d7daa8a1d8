"""What a scorecard tells of a session's assistant: signals, exchanges, origins of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.errors import RecordingError, StoreError
from harness.loop.attributing import Attributed, attribution_of
from harness.loop.desk import Desk
from harness.loop.exchanges import turn_of
from harness.models.assistant_section import AssistantSection
from harness.models.event import AssistantOpened, Event, ExchangeRecorded
from harness.models.scorecard import FileDiff, Signal
from harness.models.task import Task
from harness.models.transcript import Turn
from harness.signals.assisted import section
from harness.signals.collaboration import fates, signals
from harness.signals.paths import is_document, is_test
from harness.signals.story import talks
from harness.signals.together import Collaboration


@dataclass(frozen=True)
class Assisted:
    """The assistant's part of a scorecard; empty for a session without one."""

    signals: tuple[Signal, ...] = ()
    section: AssistantSection | None = None


def assisted(
    desk: Desk, session_id: str, task: Task, events: Sequence[Event], diffs: Sequence[FileDiff]
) -> Assisted:
    """Read a session's exchanges and say where its lines came from.

    What cannot be read is left out: that the recording has a hole is said elsewhere, and is
    nobody's habit.

    Args:
        desk: Where the record is.
        session_id: Whose.
        task: Its contract's numbers are looked for in prompts.
        events: All of the session's.
        diffs: From what was given to the last snapshot.
    """
    kinds = (AssistantOpened, ExchangeRecorded)
    if not any(isinstance(event.payload, kinds) for event in events):
        return Assisted()
    made = _attributed(desk, session_id)
    contract, added = task.spec.interview.contract, list(_added(diffs))
    together = Collaboration.of(events, made.turns, made.attribution) if made else None
    return Assisted(
        signals=tuple(signals(together, contract=contract, added=added)) if together else (),
        section=section(
            tuple(talks(events)),
            {turn.id: turn for turn in _readable(desk, events)},
            scripted=any(
                isinstance(event.payload, AssistantOpened) and event.payload.kind == "scripted"
                for event in events
            ),
            attribution=made.attribution if made else None,
            pitfalls=fates(together, added) if together else (),
        ),
    )


def _attributed(desk: Desk, session_id: str) -> Attributed | None:
    try:
        git_dir = desk.session_dir(session_id) / "shadow.git"
        return attribution_of(desk.store, session_id, git_dir)
    except (RecordingError, StoreError):
        return None


def _readable(desk: Desk, events: Sequence[Event]) -> Iterator[Turn]:
    for talk in talks(events):
        try:
            yield turn_of(desk.store, talk.exchange)
        except StoreError:
            continue


def _added(diffs: Iterable[FileDiff]) -> Iterator[str]:
    """Added lines of code, without their plus: what tests and documents say ships nothing."""
    for diff in diffs:
        if is_test(diff.change.path) or is_document(diff.change.path):
            continue
        _, _, hunks = diff.patch.partition("\n@@")
        yield from (line[1:] for line in hunks.split("\n") if line.startswith("+"))
