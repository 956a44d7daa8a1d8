"""What a committee reads: everything on it can be followed to its source."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from harness.models.assistant_section import AssistantSection
from harness.models.base import Model
from harness.models.check import CheckResult, GradingFailure
from harness.models.identity import Blinding
from harness.models.interval import Interval
from harness.models.recording import Command, FileChange, SkippedFile
from harness.models.refactor_section import RefactorSection
from harness.models.review_section import ReviewSection
from harness.models.rubric import Dimension, Gate, Rating
from harness.models.session import SessionMode


class Signal(Model):
    """Something computed from events; shown beside a rating, never a score by itself."""

    id: str
    """Such as "verification.test-runs"."""
    title: str
    value: str
    """As a person reads it."""
    explanation: str
    """How it was computed and what it does not show."""
    events: tuple[int, ...] = ()
    """Sequence numbers of the events it rests on."""


SETTLING_RATERS = 3
"""With that many raters a disagreement is a mean of three rather than a stand-off."""


class Debrief(Model):
    """What raters who were apart made of it."""

    event: int
    dimension: str
    by: str
    present: tuple[str, ...] = ()
    text: str


Outcome = Literal["advance", "decline", "hold"]
"""What people decided: on to the next step, not, or not yet."""


class Decision(Model):
    """What named people decided, and why; the software decides and recommends nothing."""

    event: int
    at: AwareDatetime
    outcome: Outcome
    by: tuple[str, ...]
    reason: str
    open_ratings: bool = False
    """It was taken while ratings were still open."""


class DimensionScore(Model):
    """One dimension of the rubric with what is known about this session."""

    dimension: Dimension
    checks: tuple[str, ...] = ()
    """Ids of the checks that are evidence, valid or not."""
    check_score: float | None = Field(default=None, ge=0, le=1)
    """Weighted mean of the valid checks; None when there is none."""
    check_interval: Interval | None = None
    """95 %: where the mean would lie had other checks of this kind been asked (Wilson)."""
    suggested_level: int | None = Field(default=None, ge=1, le=5)
    """From checks alone; a suggestion, people rate."""
    suggested_range: tuple[int, int] | None = None
    """Levels at the two ends of `check_interval`."""
    coverage: float = Field(ge=0, le=1)
    """Weight of the valid checks over the weight of all checks mapped here; 0 without any."""
    ratings: tuple[Rating, ...] = ()
    """The latest rating of each rater."""
    final_level: float | None = Field(default=None, ge=1, le=5)
    """Mean of the raters' levels; None while nobody rated: unrated stays unrated."""
    final_range: tuple[int, int] | None = None
    """The harshest and the most generous level; None below two raters."""
    disagreement: bool = False
    """Two raters are more than one level apart: third rater or debrief."""


class GateResult(Model):
    """What checks say about a gate of the rubric; it changes no number."""

    gate: Gate
    status: Literal["held", "broken", "unknown"]
    """Unknown when nothing broke it and a check of it is missing: never held by default."""
    checks: tuple[str, ...] = ()
    """Ids of its checks in this grading, advisory ones left out."""
    broken_by: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Its checks that were invalid, or did not come to measure what decides."""
    highest: float | None = None
    """Of what its checks measured; None for a gate whose checks have to pass, or without any."""


class Contribution(Model):
    """What one dimension adds to a roll-up; the points of all of them sum to it."""

    dimension: str
    share: float = Field(ge=0, le=1)
    """Of the weight of the dimensions that are in the roll-up."""
    points: float = Field(ge=0, le=5)
    """Share times level."""


class RollUp(Model):
    """A weighted mean of levels with what it is made of."""

    value: float = Field(ge=1, le=5)
    interval: Interval | None = None
    """Every dimension at the low, or the high, end of its own range; None where one has none."""
    weight_interval: Interval
    """The least and the greatest value while each weight varies within the spread; exact."""
    parts: tuple[Contribution, ...]


class Overall(Model):
    """The weighted roll-up; missing dimensions renormalise and show as coverage, never zero."""

    suggested: float | None = Field(default=None, ge=1, le=5)
    """Weighted mean of suggested levels."""
    rated: float | None = Field(default=None, ge=1, le=5)
    """Weighted mean of final levels."""
    suggested_coverage: float = Field(ge=0, le=1)
    """Weight share of the dimensions that have a suggestion."""
    rated_coverage: float = Field(ge=0, le=1)
    """Weight share of the dimensions that people rated."""
    suggested_from: RollUp | None = None
    """What `suggested` is made of."""
    rated_from: RollUp | None = None
    """What `rated` is made of."""
    weight_spread: float = Field(default=0.5, gt=0, lt=1)
    """In `weight_interval` each weight lies between (1 - spread) and (1 + spread) times its own."""


TimelineKind = Literal[
    "edit", "command", "test", "prompt", "aside", "note", "clock", "gap", "submit"
]
"""A `prompt` is what somebody asked an assistant, an `aside` what a program asked by itself."""


class TimelineEntry(Model):
    """One thing on the drawn timeline."""

    kind: TimelineKind
    start_sec: float = Field(ge=0)
    """Seconds since the session's first event; in what readers get, a share of the session."""
    end_sec: float = Field(ge=0)
    label: str
    """Plain text; may be candidate-controlled."""
    ok: bool | None = None
    """For commands and tests: whether it succeeded."""
    event: int
    """Sequence number of the event it comes from."""
    added: int = 0
    removed: int = 0


class FileDiff(Model):
    """What the candidate changed in one file, from the given tree to the submission."""

    change: FileChange
    patch: str
    """Unified diff, capped; candidate-controlled."""
    truncated: bool = False


class EditBurst(Model):
    """Edits made close together, with what they changed."""

    event: int
    """The first snapshot's, as in the timeline."""
    diffs: tuple[FileDiff, ...]
    """From before the first of them to after the last."""
    more_files: int = 0
    """Files beyond those."""


class TerminalMoment(Model):
    """A command with the part of the terminal it printed."""

    event: int
    at_sec: float
    """As in a timeline entry; the times of the command, too."""
    command: Command
    output: str
    """Last part of its output, terminal sequences removed; candidate-controlled."""


class NoteEntry(Model):
    """An interviewer's note."""

    event: int
    at_sec: float
    by: str
    text: str


class RecordingHealth(Model):
    """Whether the record is whole; our failures, never the candidate's."""

    gaps: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing is missing through our fault."""
        return not (self.gaps or self.failures)


class GradingSummary(Model):
    """One of the gradings of this session, for provenance."""

    id: str
    submission_sha256: str
    task_version: str
    task_digest: str
    harness_version: str
    backend: str
    images: dict[str, str]
    finished_at: AwareDatetime
    passed: int
    partial: int
    failed: int
    invalid: int
    failure: GradingFailure | None = None
    shown: bool
    """Whether this scorecard's check results come from it."""


class Provenance(Model):
    """Where every number came from."""

    harness_version: str
    task: str
    task_version: str
    task_digest: str
    rubric: str
    rubric_version: str
    submission_sha256: str | None
    events: int
    chain_head: str
    """Hash of the last event read."""
    chain_verified: bool
    generated_at: AwareDatetime


class SessionFacts(Model):
    """Who, what and how long, as the committee may see it."""

    id: str
    candidate: str
    """A pseudonym."""
    task: str
    task_title: str
    mode: SessionMode
    backend: str
    opened_at: AwareDatetime
    started: bool
    submitted: bool
    used_share: float = Field(ge=0)
    """Working time as a share of the time allowed; accommodations stay invisible."""


class Scorecard(Model):
    """One session, finished reading: rubric + results + signals + ratings + sources."""

    session: SessionFacts
    rubric_title: str
    level_cuts: tuple[float, float, float, float] | None = None
    """The rubric's cuts between suggested levels, so that a suggestion can be followed."""
    dimensions: tuple[DimensionScore, ...]
    overall: Overall
    gates: tuple[GateResult, ...] = ()
    debriefs: tuple[Debrief, ...] = ()
    decisions: tuple[Decision, ...] = ()
    """Every one there was, the last one last; it counts."""
    open_raters: int = Field(default=0, ge=0)
    """Raters who have begun and not submitted; nothing they gave is on this scorecard."""
    checks: tuple[CheckResult, ...] = ()
    gradings: tuple[GradingSummary, ...] = ()
    signals: tuple[Signal, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    diffs: tuple[FileDiff, ...] = ()
    edits: tuple[EditBurst, ...] = ()
    """The way there, step by step; see `timeline` for when each was made."""
    terminal: tuple[TerminalMoment, ...] = ()
    notes: tuple[NoteEntry, ...] = ()
    assistant: AssistantSection | None = None
    """What was asked and where lines came from, for a session with an assistant."""
    recording: RecordingHealth = RecordingHealth()
    review: ReviewSection | None = None
    """What was reviewed, for a session of a review task."""
    refactor: RefactorSection | None = None
    """What was refactored, for a session of a refactor task."""
    blind: Blinding | None = None
    """What was replaced so that this does not tell who the candidate is; None with names."""
    provenance: Provenance
