"""The append-only record of a session: a union of payloads told apart by `event`.

Each event carries the hash of its predecessor, so a change, gap or reorder shows.
Source: discriminated union after inspect_ai `event/_event.py`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from harness.models.base import Model
from harness.models.check import Grading
from harness.models.exchange import AssistantKind, Exchange, Pitfall, WireFormat
from harness.models.matching import Judgement, Suggestion
from harness.models.recording import Command, Snapshot
from harness.models.rubric import Rating, Rubric
from harness.models.session import SessionMode
from harness.models.spending import ANY_MODEL, Budget

GENESIS = "0" * 64
"""The predecessor hash of a session's first event."""


class SessionOpened(Model):
    """The workspace is ready; task and rubric are frozen here."""

    event: Literal["session.opened"] = "session.opened"
    task: str
    task_version: str
    task_digest: str
    rubric: Rubric
    mode: SessionMode
    minutes: float
    candidate: str
    backend: str
    image: str
    harness_version: str
    base_tree: str
    """The shadow repository's first tree: what the candidate was given."""


class SessionStarted(Model):
    """The candidate's explicit start; the clock runs."""

    event: Literal["session.started"] = "session.started"


class SessionPaused(Model):
    """The clock stands still."""

    event: Literal["session.paused"] = "session.paused"
    by: str
    reason: str


class SessionResumed(Model):
    """The clock runs again."""

    event: Literal["session.resumed"] = "session.resumed"
    by: str
    reason: str = ""


class SessionExtended(Model):
    """More time was granted."""

    event: Literal["session.extended"] = "session.extended"
    minutes: float = Field(gt=0)
    by: str
    reason: str


class SessionSubmitted(Model):
    """The tree is sealed."""

    event: Literal["session.submitted"] = "session.submitted"
    submission_sha256: str
    tree: str
    files: int
    bytes: int
    used_sec: float
    skipped: tuple[str, ...] = ()


class SessionReopened(Model):
    """Work goes on after a submission; the earlier one stays."""

    event: Literal["session.reopened"] = "session.reopened"
    by: str
    reason: str


class SessionEnded(Model):
    """The workspace is gone; the record stays."""

    event: Literal["session.ended"] = "session.ended"
    by: str
    reason: str = ""


class NoteTaken(Model):
    """An interviewer's observation."""

    event: Literal["note"] = "note"
    by: str
    text: str


class SnapshotTaken(Model):
    """The tree changed."""

    event: Literal["snapshot"] = "snapshot"
    snapshot: Snapshot
    cause: Literal["open", "tick", "command", "submit"] = "tick"


class TerminalOpened(Model):
    """Somebody entered the workspace."""

    event: Literal["terminal.opened"] = "terminal.opened"
    terminal: str
    kind: Literal["shell", "exec"]
    cols: int
    rows: int


class TerminalClosed(Model):
    """The terminal ended; its recording is a blob."""

    event: Literal["terminal.closed"] = "terminal.closed"
    terminal: str
    exit_code: int | None
    duration_sec: float
    cast_sha256: str | None
    """asciicast v2, by content hash; None when it could not be kept."""
    truncated: bool = False


class CommandRun(Model):
    """A command ended."""

    event: Literal["command"] = "command"
    command: Command


class AssistantOpened(Model):
    """The workspace has an assistant; all it says goes through the gateway."""

    event: Literal["assistant.opened"] = "assistant.opened"
    kind: AssistantKind
    """What answers; a scripted one is no model."""
    container: str
    volume: str
    """The gateway's own, with its record on it; no workspace has it."""
    url: str
    """Under which the workspace reaches it."""
    script_sha256: str | None = None
    """The task author's script, a blob; None where a provider answers."""
    pitfalls: tuple[Pitfall, ...] = ()
    providers: dict[WireFormat, str] = Field(default_factory=dict)
    """Host and port of the provider by wire format; never a key."""
    models: tuple[str, ...] = ANY_MODEL
    """Names or patterns of the models that may be asked."""
    budget: Budget = Budget()
    clients: dict[str, str] = Field(default_factory=dict)
    """Assistants' programs that we put into the workspace, with their versions."""
    asks_for: dict[WireFormat, str] = Field(default_factory=dict)
    """The model that they ask for, by what they speak."""


class ExchangeRecorded(Model):
    """A request to the assistant is over; its messages are blobs."""

    event: Literal["exchange"] = "exchange"
    exchange: Exchange


class RecordingGap(Model):
    """Nothing was recorded for a while, through our fault; never the candidate's."""

    event: Literal["recording.gap"] = "recording.gap"
    seconds: float
    reason: str


class RecordingFailed(Model):
    """A part of the recording failed; the scorecard shows it."""

    event: Literal["recording.failed"] = "recording.failed"
    part: Literal["snapshots", "terminal", "store", "assistant"]
    message: str


class GradingStarted(Model):
    """Hidden checks begin on a sealed submission."""

    event: Literal["grading.started"] = "grading.started"
    grading: str
    submission_sha256: str
    reason: Literal["submit", "regrade"] = "submit"


class GradingFinished(Model):
    """Hidden checks are done; all results of all gradings are kept."""

    event: Literal["grading.finished"] = "grading.finished"
    grading: Grading


class GradingFailed(Model):
    """Our machinery failed; nothing was scored."""

    event: Literal["grading.failed"] = "grading.failed"
    grading: str
    message: str


class RatingGiven(Model):
    """A person rated a dimension; a later one by the same rater replaces it, both stay."""

    event: Literal["rating"] = "rating"
    rating: Rating
    draft: bool = False
    """Nobody else sees or counts it until its rater submits."""
    reason: str = ""
    """Why a submitted rating was changed."""


class RatingsSubmitted(Model):
    """A rater is done: their drafts count from here on, and they may read what others gave."""

    event: Literal["ratings.submitted"] = "ratings.submitted"
    rater: str


class DebriefRecorded(Model):
    """Raters more than one level apart talked, and this is what came of it."""

    event: Literal["ratings.debrief"] = "ratings.debrief"
    dimension: str
    by: str
    present: tuple[str, ...] = ()
    text: str = Field(min_length=1)


class ReviewJudged(Model):
    """A person decided something about a handed-in review; later ones on the same thing count."""

    event: Literal["review.judged"] = "review.judged"
    submission_sha256: str
    """What was looked at; a later submission is judged anew."""
    judgement: Judgement


class ReviewSuggested(Model):
    """A model was asked about a pair of a handed-in review; what it said decides nothing."""

    event: Literal["review.suggested"] = "review.suggested"
    submission_sha256: str
    suggestion: Suggestion


class DecisionRecorded(Model):
    """Named people decided about the candidate; a later decision counts, both stay."""

    event: Literal["decision"] = "decision"
    outcome: Literal["advance", "decline", "hold"]
    by: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=1)
    open_ratings: bool = False
    """Ratings were still open at that moment."""


class ReportWritten(Model):
    """A scorecard was written."""

    event: Literal["report.written"] = "report.written"
    formats: tuple[str, ...]
    scorecard_sha256: str
    names: bool = False
    """It tells who the candidate is."""


Payload = Annotated[
    SessionOpened
    | SessionStarted
    | SessionPaused
    | SessionResumed
    | SessionExtended
    | SessionSubmitted
    | SessionReopened
    | SessionEnded
    | NoteTaken
    | SnapshotTaken
    | TerminalOpened
    | TerminalClosed
    | CommandRun
    | AssistantOpened
    | ExchangeRecorded
    | RecordingGap
    | RecordingFailed
    | GradingStarted
    | GradingFinished
    | GradingFailed
    | RatingGiven
    | RatingsSubmitted
    | DebriefRecorded
    | ReviewJudged
    | ReviewSuggested
    | DecisionRecorded
    | ReportWritten,
    Field(discriminator="event"),
]
"""Everything that can happen in a session."""


class Event(Model):
    """One thing that happened, chained to the one before it."""

    session: str
    seq: int = Field(ge=1)
    """1, 2, 3, ... without gaps."""
    at: AwareDatetime
    """UTC."""
    offset_sec: float = Field(ge=0)
    """Monotonic seconds since the session's first event; never goes back."""
    payload: Payload
    prev: str
    """Hash of the event before, `GENESIS` for the first."""
    hash: str
    """SHA-256, hex, of everything above; see `event_hash`."""


def event_hash(
    *, session: str, seq: int, at: str, offset_sec: float, payload_json: str, prev: str
) -> str:
    """The hash that chains events: SHA-256 over a canonical JSON list of the fields.

    Args:
        at: The time as stored, ISO 8601 in UTC.
        payload_json: The payload's JSON exactly as stored, so that re-reading never re-encodes.

    Returns:
        64 hex digits.
    """
    record = (
        f"[{_quoted(session)},{seq},{_quoted(at)},{_quoted(repr(offset_sec))},"
        f"{_quoted(payload_json)},{_quoted(prev)}]"
    )
    digest = _SHA256.copy()
    digest.update(record.encode())
    return digest.hexdigest()


# Both made once: appending is hot, and making them costs more than using them.
_quoted = json.JSONEncoder(ensure_ascii=True).encode
_SHA256 = hashlib.sha256()
