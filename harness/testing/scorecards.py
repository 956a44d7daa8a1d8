"""A believable scorecard: a middling candidate on a fragile payments service.

For tests of reports and comparisons, and for looking at a report without running a session. Its
scores are computed by `harness.scoring` from the checks and ratings below; nothing is set by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.catalog.rubrics import read_rubric
from harness.content import RUBRICS, content_dir
from harness.models.check import GradingFailure
from harness.models.recording import Command, FileChange, SkippedFile, TestRun
from harness.models.rubric import Rubric
from harness.models.scorecard import (
    EditBurst,
    FileDiff,
    GradingSummary,
    NoteEntry,
    Provenance,
    RecordingHealth,
    Scorecard,
    SessionFacts,
    Signal,
    TerminalMoment,
    TimelineEntry,
)
from harness.scoring import gate_results, score
from harness.testing.scorecard_checks import middling_checks, middling_ratings
from harness.testing.scorecard_patches import (
    API_PATCH,
    DECISIONS_PATCH,
    PROVIDER_PATCH,
    TEST_PATCH,
)
from harness.testing.scorecard_talk import middling_talk, talk_entries

OPENED = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
SUBMISSION = "6b1f0c3e9d7a45528e0f6a1c2b3d4e5f60718293a4b5c6d7e8f9012345678abc"
TASK_DIGEST = "1d4f9a60c2b7e83551fe0a6d9b8c7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d"
EARLIER_SUBMISSION = "c0ffee" + SUBMISSION[6:]


def staff_backend_rubric() -> Rubric:
    """The `staff-backend` rubric as it ships."""
    return read_rubric(content_dir(RUBRICS) / "staff-backend.yaml")


def middling_scorecard() -> Scorecard:
    """A whole scorecard: strong on single faults, weak on concurrency, one silent regression."""
    rubric = staff_backend_rubric()
    checks = middling_checks()
    dimensions, overall = score(rubric, checks, middling_ratings())
    return Scorecard(
        session=SessionFacts(
            id="s-20261118-7q4m",
            candidate="Alder-17",
            task="fragile-payments",
            task_title="Make a payments service ready for production",
            mode="live",
            backend="docker",
            opened_at=OPENED,
            started=True,
            submitted=True,
            used_share=0.94,
        ),
        rubric_title=rubric.title,
        level_cuts=rubric.level_cuts,
        dimensions=dimensions,
        overall=overall,
        gates=gate_results(rubric, checks),
        checks=checks,
        gradings=_gradings(),
        signals=_signals(),
        timeline=_timeline(),
        diffs=_diffs(),
        edits=_edits(),
        terminal=_terminal(),
        notes=_notes(),
        assistant=middling_talk(),
        recording=RecordingHealth(
            skipped=(SkippedFile(path="data/payments.db-wal", reason="too-large", size=6_291_456),)
        ),
        provenance=Provenance(
            harness_version="0.1.0",
            task="fragile-payments",
            task_version="0.1.0",
            task_digest=TASK_DIGEST,
            rubric=rubric.id,
            rubric_version=rubric.version,
            submission_sha256=SUBMISSION,
            events=143,
            chain_head="9f2d7b1c0a8e4f6355aa10d3c4e2b7f8e1d0c9b8a7f6e5d4c3b2a190817263f5",
            chain_verified=True,
            generated_at=OPENED + timedelta(hours=3),
        ),
    )


def troubled_scorecard() -> Scorecard:
    """The same session with everything wrong on our side: a gap, a broken chain, no results."""
    whole = middling_scorecard()
    rubric = staff_backend_rubric()
    dimensions, overall = score(rubric, (), ())
    failure = GradingFailure(kind="machinery", message="The grader's container did not start.")
    none = {"passed": 0, "partial": 0, "failed": 0, "invalid": 0, "failure": failure}
    return whole.model_copy(
        update={
            "dimensions": dimensions,
            "overall": overall,
            "gates": gate_results(rubric, ()),
            "checks": (),
            "gradings": (whole.gradings[-1].model_copy(update=none),),
            "recording": RecordingHealth(
                gaps=("31 s: the harness was restarted",),
                failures=("terminal: the recording of t-2 could not be kept",),
            ),
            "timeline": (
                *whole.timeline,
                _entry("gap", 57.5, 99, "31 s: the harness was restarted", end_sec=58 * 60),
            ),
            "provenance": whole.provenance.model_copy(update={"chain_verified": False}),
        }
    )


def _gradings() -> tuple[GradingSummary, ...]:
    earlier = GradingSummary(
        id="g-1",
        submission_sha256=EARLIER_SUBMISSION,
        task_version="0.1.0",
        task_digest=TASK_DIGEST,
        harness_version="0.1.0",
        backend="docker",
        images={"sut": "sha256:41c8", "grader": "sha256:9be2"},
        finished_at=OPENED + timedelta(minutes=71),
        passed=6,
        partial=2,
        failed=4,
        invalid=1,
        shown=False,
    )
    shown = earlier.model_copy(
        update={
            "id": "g-2",
            "submission_sha256": SUBMISSION,
            "finished_at": OPENED + timedelta(minutes=104),
            "passed": 7,
            "partial": 3,
            "failed": 2,
            "shown": True,
        }
    )
    return (earlier, shown)


def _signals() -> tuple[Signal, ...]:
    return (
        Signal(
            id="verification.test-runs",
            title="Test runs",
            value="9, of which 3 red",
            explanation="Recognised in the terminal's output. Says nothing about what the tests"
            " assert.",
            events=(52, 61, 88),
        ),
        Signal(
            id="verification.last-run",
            title="Last test run before submitting",
            value="4 min before, green, 2 edits after it",
            explanation="Edits after the last run were not seen by any test the recorder knows of.",
            events=(117, 131),
        ),
    )


def _entry(kind: str, minute: float, event: int, label: str, **more: object) -> TimelineEntry:
    start = minute * 60
    seconds = {"command": 4.0, "test": 9.0}.get(kind, 0.0)
    entry = {"kind": kind, "start_sec": start, "end_sec": start + seconds, "label": label}
    return TimelineEntry.model_validate({**entry, "event": event, **more})


def _timeline() -> tuple[TimelineEntry, ...]:
    edits = (
        (9, 24, "payments/settings.py", 14, 2),
        (14, 33, "payments/provider.py", 58, 11),
        (19, 44, "tests/test_provider.py", 41, 0),
        (27, 57, "payments/provider.py", 12, 9),
        (34, 68, "payments/api.py", 63, 20),
        (41, 76, "payments/store.py", 37, 5),
        (47, 84, "tests/test_idempotency.py", 52, 0),
        (55, 96, "payments/rates.py", 31, 18),
        (63, 108, "payments/__main__.py", 22, 3),
        (74, 121, "payments/api.py", 18, 26),
        (80, 129, "DECISIONS.md", 34, 0),
        (82, 133, "payments/api.py", 6, 4),
    )
    commands = (
        (2, 5, "less docs/api.md", True),
        (4, 8, "less docs/runbook.md", True),
        (6, 13, "rg -n 'httpx|timeout' payments", True),
        (16, 41, "python -m payments", False),
        (31, 63, "curl -i localhost:8000/payments -d @pay.json", True),
        (52, 92, "sqlite3 data/payments.db .schema", True),
        (66, 112, "kill -TERM %1", True),
    )
    tests = (
        (7, 17, "12 passed", True),
        (20, 46, "11 passed, 3 failed", False),
        (24, 52, "13 passed, 1 failed", False),
        (29, 61, "14 passed", True),
        (43, 79, "14 passed", True),
        (49, 88, "15 passed, 2 failed", False),
        (53, 94, "17 passed", True),
        (69, 114, "17 passed", True),
        (79, 126, "17 passed", True),
    )
    return (
        *(_entry("edit", m, e, label, added=a, removed=r) for m, e, label, a, r in edits),
        *(_entry("command", m, e, label, ok=ok) for m, e, label, ok in commands),
        *(_entry("test", m, e, f"pytest: {label}", ok=ok) for m, e, label, ok in tests),
        *talk_entries(),
        _entry("note", 22, 49, "rater-1"),
        _entry("note", 72, 118, "rater-2"),
        _entry("clock", 37, 71, "paused: door bell", end_sec=39 * 60),
        _entry("submit", 84, 139, "sealed"),
    )


def _diffs() -> tuple[FileDiff, ...]:
    return (
        _diff("payments/provider.py", PROVIDER_PATCH),
        _diff("payments/api.py", API_PATCH),
        _diff("tests/test_provider.py", TEST_PATCH, kind="added"),
        _diff("DECISIONS.md", DECISIONS_PATCH, kind="added"),
        FileDiff(
            change=FileChange(path="docs/flow.png", kind="added", binary=True),
            patch="Binary files /dev/null and b/docs/flow.png differ\n",
        ),
    )


def _edits() -> tuple[EditBurst, ...]:
    return (
        EditBurst(event=33, diffs=(_diff("payments/provider.py", PROVIDER_PATCH),)),
        EditBurst(event=68, diffs=(_diff("payments/api.py", API_PATCH),), more_files=2),
        EditBurst(event=133, diffs=()),
    )


def _diff(path: str, patch: str, *, kind: str = "modified") -> FileDiff:
    lines = [line[0] for line in patch.splitlines() if line[:3] not in {"", "+++", "---"}]
    change = {"path": path, "kind": kind, "added": lines.count("+"), "removed": lines.count("-")}
    return FileDiff(change=FileChange.model_validate(change), patch=patch)


def _moment(
    minute: float, event: int, text: str, code: int, *, output: str, run: TestRun | None = None
) -> TerminalMoment:
    command = Command(
        terminal="t-1",
        text=text,
        exit_code=code,
        started_sec=minute * 60,
        ended_sec=minute * 60 + 4,
        test_run=run,
    )
    return TerminalMoment(event=event, at_sec=minute * 60, command=command, output=output)


def _terminal() -> tuple[TerminalMoment, ...]:
    return (
        _moment(16, 41, "python -m payments", 130, output="INFO listening on 0.0.0.0:8000\n^C\n"),
        _moment(
            24,
            52,
            "pytest -q",
            1,
            output="F.............\n"
            "FAILED tests/test_provider.py::test_hang_is_bounded - TimeoutError: 5.0 s\n"
            "1 failed, 13 passed in 6.20s\n",
            run=TestRun(runner="pytest", passed=13, failed=1),
        ),
        _moment(
            29,
            61,
            "pytest -q",
            0,
            output="..............\n14 passed in 3.41s\n",
            run=TestRun(runner="pytest", passed=14),
        ),
        _moment(
            49,
            88,
            "pytest -q tests/test_idempotency.py",
            1,
            output="..FF.\n2 failed, 3 passed in 1.02s\n",
            run=TestRun(runner="pytest", passed=3, failed=2),
        ),
    )


def _notes() -> tuple[NoteEntry, ...]:
    return (
        NoteEntry(
            event=49,
            at_sec=22 * 60,
            by="rater-1",
            text="Wrote the failing test before touching the client. Asked where the deadline"
            " comes from and found it in the brief.",
        ),
        NoteEntry(
            event=118,
            at_sec=72 * 60,
            by="rater-2",
            text='Asked about "two requests at once": said the key column is unique, so fine.',
        ),
    )
