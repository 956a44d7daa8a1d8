"""One candidate, one task, one clock."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from harness.models.base import Model

SessionMode = Literal["take-home", "live"]
"""Days at the candidate's pace, or one sitting with the interviewer."""


class SessionStatus(StrEnum):
    """Where a session stands; the events say how it got there."""

    OPENING = "opening"
    """The row exists; the workspace is being made."""
    OPEN = "open"
    """The workspace is ready; the clock has not started."""
    RUNNING = "running"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    ENDED = "ended"
    """Nothing of it runs any more; its record stays."""


class Session(Model):
    """A session's row: its present state, derived things left to its events."""

    id: str
    """Short, sortable, safe in file names and labels."""
    task: str
    task_digest: str
    rubric: str
    mode: SessionMode = "take-home"
    status: SessionStatus = SessionStatus.OPENING
    candidate: str = "candidate"
    """A pseudonym; names live elsewhere."""
    loop: str | None = None
    minutes: float = Field(gt=0)
    """Time allowed, extensions included."""
    backend: str
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    running_since: AwareDatetime | None = None
    """None while the clock stands still."""
    used_sec: float = 0.0
    """Working time up to the last pause or submission."""
    container: str | None = None
    network: str | None = None
    volume: str | None = None
    image: str | None = None
    submission_sha256: str | None = None

    def elapsed_sec(self, now: datetime) -> float:
        """Working time at `now`, in seconds."""
        if self.running_since is None:
            return self.used_sec
        return self.used_sec + max(0.0, (now - self.running_since).total_seconds())

    def remaining_sec(self, now: datetime) -> float:
        """Time left at `now`, in seconds; below 0 when the box is used up."""
        return self.minutes * 60 - self.elapsed_sec(now)


class Submission(Model):
    """A sealed tree: a deterministic tar, by content hash."""

    sha256: str
    """Of the tar's bytes, hex."""
    path: str
    """Host path of the tar."""
    files: int
    bytes: int
    skipped: tuple[str, ...] = ()
    """Paths left out and why; candidate-controlled text."""
