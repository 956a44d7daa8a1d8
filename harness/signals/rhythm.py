"""When things happened, as shares of the time allowed."""

from __future__ import annotations

from collections.abc import Iterator

from harness.models.scorecard import Signal
from harness.signals.story import Story, longest_pause
from harness.signals.texts import count, share

_TIME = (
    "Time while the clock ran, as a share of the time allowed. It says when something was "
    "recorded, not what the candidate thought about: reading and thinking leave no trace."
)


def signals(story: Story) -> Iterator[Signal]:
    """Signals about when things happened."""
    first_edit = story.edits[0] if story.edits else None
    yield Signal(
        id="rhythm.first-edit",
        title="Time to the first edit",
        value="none" if first_edit is None else f"after {share(story.share(first_edit.at))}",
        explanation=_TIME,
        events=() if first_edit is None else (first_edit.event,),
    )
    first_run = story.runs[0].ran if story.runs else None
    yield Signal(
        id="rhythm.first-test-run",
        title="Time to the first test run",
        value="none seen" if first_run is None else f"after {share(story.share(first_run.start))}",
        explanation=_TIME,
        events=() if first_run is None else (first_run.event,),
    )
    start, end = longest_pause(story)
    yield Signal(
        id="rhythm.work",
        title="Working rhythm",
        value=f"{count(len(story.edits), 'recorded edit')}, "
        f"{count(len(story.commands), 'command')}; longest stretch without either: "
        f"{share(story.share(end) - story.share(start))}",
        explanation=f"{_TIME} An editor that saves by itself makes many edits; one that does "
        "not makes few.",
    )
