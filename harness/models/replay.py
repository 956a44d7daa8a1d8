"""A recorded session as it is watched again: moment by moment, with what there was to see."""

from __future__ import annotations

from harness.models.base import Model
from harness.models.scorecard import TimelineEntry


class Moment(TimelineEntry):
    """One thing that happened, with what a person beside the candidate would have seen."""

    detail: str = ""
    """An edit's unified diff, what a command printed, a question and its answer, a note; mostly
    candidate-controlled."""
    truncated: bool = False
    """Whether `detail` was cut; the record itself keeps all of it."""
    pitfalls: tuple[str, ...] = ()
    """Ids of the declared pitfalls in an assistant's answer."""


class TerminalCast(Model):
    """One terminal's recording, ready to be played."""

    start_sec: float
    """When it was opened, in seconds since the session's first event."""
    recording: str
    """asciicast v2: what was printed and sizes; candidate-controlled."""
    commands: tuple[tuple[float, str], ...] = ()
    """Seconds since it was opened, and what was typed."""
    prompts: tuple[tuple[float, str], ...] = ()
    """Likewise, what an assistant was asked while it was open."""
    truncated: bool = False
