"""Everything known about a session, joined into one scorecard."""

from __future__ import annotations

from collections.abc import Sequence

from harness import __version__
from harness.errors import SubmissionError, UsageError
from harness.loop.assisting import assisted
from harness.loop.clock import now
from harness.loop.deciding import decisions
from harness.loop.desk import Desk
from harness.loop.exchanges import prompts
from harness.loop.judging import submission_of
from harness.loop.ratings import rating_book
from harness.loop.recordings import Casts, recorded_trees
from harness.loop.refactoring import refactor_section
from harness.loop.reviewing import Confirmation
from harness.models.check import CheckOutcome, Grading
from harness.models.event import (
    CommandRun,
    Event,
    GradingFailed,
    GradingFinished,
    NoteTaken,
    RecordingFailed,
    RecordingGap,
    SessionOpened,
    SessionSubmitted,
    SnapshotTaken,
    TerminalClosed,
    TerminalOpened,
)
from harness.models.review_section import ReviewSection
from harness.models.scorecard import (
    EditBurst,
    FileDiff,
    GradingSummary,
    NoteEntry,
    Provenance,
    RecordingHealth,
    Scorecard,
    SessionFacts,
    TerminalMoment,
)
from harness.models.session import Session
from harness.models.task import Task
from harness.reviews.section import section
from harness.scoring import gate_results, score
from harness.signals import bursts, compute, reading, timeline

_PATCH_BYTES = 200_000
_BURST_PATCH_BYTES = 16_000
_BURST_FILES = 20
_BURSTS = 300
"""Steps shown on a report; `session replay` has all of them."""
_MOMENTS = 400
"""Commands shown on a report; the record keeps all of them."""


def build_scorecard(desk: Desk, session_id: str, task: Task) -> Scorecard:
    """Join a session's events, gradings and ratings.

    Raises:
        UsageError: The session was never opened to its end.
    """
    session = desk.store.session(session_id)
    events = list(desk.store.events(session_id))
    opened = _opened(session_id, events)
    gradings = [e.payload.grading for e in events if isinstance(e.payload, GradingFinished)]
    shown = _shown(gradings, session)
    checks = shown.checks if shown is not None else ()
    ratings = rating_book(events)
    dimensions, overall = score(opened.rubric, checks, ratings.submitted)
    chain = desk.store.verify(session_id)
    review = _review(desk, session, task, events)
    diffs = _diffs(desk, session_id, opened.base_tree, events)
    helped = assisted(desk, session_id, task, events, diffs)
    handed_in = submission_of(desk, session) if session.submission_sha256 else None
    return Scorecard(
        session=_facts(session, task, events),
        rubric_title=opened.rubric.title,
        level_cuts=opened.rubric.level_cuts,
        dimensions=dimensions,
        overall=overall,
        gates=gate_results(opened.rubric, checks),
        debriefs=ratings.debriefs,
        decisions=decisions(events),
        open_raters=len(ratings.drafts),
        checks=checks,
        gradings=tuple(_summary(grading, shown) for grading in gradings),
        signals=(
            *compute(events),
            *reading.signals(review.reading if review else ()),
            *helped.signals,
        ),
        timeline=timeline(events, asked=prompts(desk.store, events)),
        diffs=diffs,
        edits=_edits(desk, session_id, events),
        terminal=_moments(desk, events),
        notes=tuple(
            NoteEntry(event=e.seq, at_sec=e.offset_sec, by=e.payload.by, text=e.payload.text)
            for e in events
            if isinstance(e.payload, NoteTaken)
        ),
        assistant=helped.section,
        recording=_health(events),
        review=review,
        refactor=refactor_section(task, handed_in, shown, events, diffs),
        provenance=Provenance(
            harness_version=__version__,
            task=opened.task,
            task_version=opened.task_version,
            task_digest=opened.task_digest,
            rubric=opened.rubric.id,
            rubric_version=opened.rubric.version,
            submission_sha256=session.submission_sha256,
            events=len(events),
            chain_head=events[-1].hash,
            chain_verified=chain.ok,
            generated_at=now(),
        ),
    )


def _review(
    desk: Desk, session: Session, task: Task, events: Sequence[Event]
) -> ReviewSection | None:
    """The review that was handed in; None without one, or when it cannot be read."""
    if task.spec.interview.kind != "review" or session.submission_sha256 is None:
        return None
    try:
        material = Confirmation(desk, session, submission_of(desk, session), task).material
    except SubmissionError:
        return None  # the grading's failure says why
    seeded_first = sorted(material.pulls.values(), key=lambda p: p.number != material.gold.pull)
    read = reading.read_along(seeded_first, Casts(desk, events).screens(), events)
    return section(material).model_copy(update={"reading": read})


def _opened(session_id: str, events: Sequence[Event]) -> SessionOpened:
    for event in events:
        if isinstance(event.payload, SessionOpened):
            return event.payload
    raise UsageError(
        f"Session {session_id} was never opened to its end, so there is nothing to report.",
        remedy=f"`harness session show {session_id}` says what went wrong.",
        slug="session-state",
    )


def _shown(gradings: Sequence[Grading], session: Session) -> Grading | None:
    """The latest grading of what was submitted last; earlier ones stay listed."""
    current = [g for g in gradings if g.submission_sha256 == session.submission_sha256]
    return current[-1] if current else None


def _facts(session: Session, task: Task, events: Sequence[Event]) -> SessionFacts:
    return SessionFacts(
        id=session.id,
        candidate=session.candidate,
        task=session.task,
        task_title=task.spec.interview.title,
        mode=session.mode,
        backend=session.backend,
        opened_at=session.created_at,
        started=session.started_at is not None,
        submitted=any(isinstance(e.payload, SessionSubmitted) for e in events),
        used_share=session.elapsed_sec(now()) / (session.minutes * 60),
    )


def _summary(grading: Grading, shown: Grading | None) -> GradingSummary:
    def count(outcome: CheckOutcome) -> int:
        return sum(check.outcome is outcome for check in grading.checks)

    return GradingSummary(
        id=grading.id,
        submission_sha256=grading.submission_sha256,
        task_version=grading.task_version,
        task_digest=grading.task_digest,
        harness_version=grading.harness_version,
        backend=grading.backend,
        images=grading.images,
        finished_at=grading.finished_at,
        passed=count(CheckOutcome.PASSED),
        partial=count(CheckOutcome.PARTIAL),
        failed=count(CheckOutcome.FAILED),
        invalid=count(CheckOutcome.INVALID),
        failure=grading.failure,
        shown=grading is shown,
    )


def _diffs(
    desk: Desk, session_id: str, base_tree: str, events: Sequence[Event]
) -> tuple[FileDiff, ...]:
    trees = [e.payload.snapshot.tree for e in events if isinstance(e.payload, SnapshotTaken)]
    if not trees:
        return ()
    with recorded_trees(desk, session_id) as trees_kept:
        return tuple(trees_kept.file_diffs(base_tree, trees[-1], max_bytes=_PATCH_BYTES))


def _edits(desk: Desk, session_id: str, events: Sequence[Event]) -> tuple[EditBurst, ...]:
    shown = list(bursts(events))[:_BURSTS]
    if not shown:
        return ()
    snapshots = {e.seq: e.payload.snapshot for e in events if isinstance(e.payload, SnapshotTaken)}
    found = []
    with recorded_trees(desk, session_id) as trees:
        for burst in shown:
            first, last = snapshots[burst[0].event], snapshots[burst[-1].event]
            assert first.parent is not None, "edits begin after what was given"
            diffs = trees.file_diffs(
                first.parent, last.tree, max_bytes=_BURST_PATCH_BYTES, max_files=_BURST_FILES
            )
            paths = {change.path for edit in burst for change in edit.changes}
            more = max(0, len(paths) - _BURST_FILES)
            found.append(EditBurst(event=burst[0].event, diffs=tuple(diffs), more_files=more))
    return tuple(found)


def _moments(desk: Desk, events: Sequence[Event]) -> tuple[TerminalMoment, ...]:
    opened_at = {
        e.payload.terminal: e.offset_sec for e in events if isinstance(e.payload, TerminalOpened)
    }
    casts = Casts(desk, events)
    moments = []
    for event in events:
        if not isinstance(event.payload, CommandRun):
            continue
        command = event.payload.command
        moments.append(
            TerminalMoment(
                event=event.seq,
                at_sec=opened_at.get(command.terminal, event.offset_sec) + command.started_sec,
                command=command,
                output=casts.output(command),
            )
        )
    return tuple(moments[:_MOMENTS])


def _health(events: Sequence[Event]) -> RecordingHealth:
    snapshots = [e.payload.snapshot for e in events if isinstance(e.payload, SnapshotTaken)]
    failures = []
    for event in events:
        match event.payload:
            case RecordingFailed(part=part, message=message):
                failures.append(f"{part}: {message}")
            case TerminalClosed(cast_sha256=None, terminal=terminal):
                failures.append(f"terminal: the recording of {terminal} could not be kept")
            case GradingFailed(grading=grading, message=message):
                failures.append(f"grading {grading}: {message} (ours; nothing was scored)")
            case _:
                pass
    return RecordingHealth(
        gaps=tuple(
            f"{e.payload.seconds:.0f} s: {e.payload.reason}"
            for e in events
            if isinstance(e.payload, RecordingGap)
        ),
        failures=tuple(failures),
        skipped=snapshots[-1].skipped if snapshots else (),
    )
