"""A believable scorecard: a middling candidate on a fragile payments service.

For tests of reports and comparisons, and for looking at a report without running a session. Its
scores are computed by `harness.scoring` from the checks and ratings below; nothing is set by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import yaml

from harness.content import RUBRICS, content_dir
from harness.models.check import CheckOutcome, CheckResult, Family, Measurement
from harness.models.recording import Command, FileChange, SkippedFile, TestRun
from harness.models.rubric import Rating, Rubric
from harness.models.scorecard import (
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
from harness.scoring import score

OPENED = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
SUBMISSION = "6b1f0c3e9d7a45528e0f6a1c2b3d4e5f60718293a4b5c6d7e8f9012345678abc"
TASK_DIGEST = "1d4f9a60c2b7e83551fe0a6d9b8c7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d"
EARLIER_SUBMISSION = "c0ffee" + SUBMISSION[6:]
FAILURES = "failure-mode-instinct"


def staff_backend_rubric() -> Rubric:
    """The `staff-backend` rubric as it ships."""
    path = content_dir(RUBRICS) / "staff-backend.yaml"
    return Rubric.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


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
        checks=checks,
        gradings=_gradings(),
        signals=_signals(),
        timeline=_timeline(),
        diffs=_diffs(),
        terminal=_terminal(),
        notes=_notes(),
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


def middling_checks() -> tuple[CheckResult, ...]:
    """Thirteen results of a fragile-payments grading, one of them invalid."""
    return (
        _check(
            "timeouts.hang",
            1.0,
            shows="When the provider accepts a call and never answers, callers still get a reply"
            " inside the published deadline, so a slow dependency does not take us with it.",
            brief="Every reply of ours arrives within 3 s, whatever the provider does.",
            found="10 of 10 requests were answered with 503; the slowest took 2.11 s.",
            numbers=(
                _number("slowest reply", 2.11, "s", "<= 3.25", met=True),
                _number("replies", 10),
            ),
        ),
        _check(
            "retries.transient",
            1.0,
            shows="A blip of the provider is retried, so that callers never see it.",
            brief="About 1 call in 50 has such a blip.",
            found="20 of 20 payments were captured although each first call was reset.",
            numbers=(_number("captured", 20, "", ">= 19", met=True),),
        ),
        _check(
            "retries.permanent",
            1.0,
            shows="An answer that says the request is wrong is not repeated.",
            brief="None after an answer that says the request is wrong.",
            found="One call per payment after a 422.",
            numbers=(_number("calls per payment", 1, "", "== 1", met=True),),
        ),
        _check(
            "retries.bounded",
            0.5,
            shows="Attempts stay inside the provider's terms while it is down, so that an outage"
            " is not made longer by us.",
            brief="At most 5 attempts for one payment.",
            found="Up to 8 attempts for one payment: the retry in the client multiplies with the"
            " one in the settlement worker.",
            numbers=(
                _number("attempts, most", 8, "", "<= 5", met=False),
                _number("attempts, median", 4, "", "<= 5", met=True),
            ),
            log="WARNING payments.provider attempt 4 of 4 failed: 503\n"
            "WARNING payments.settle retrying whole batch (1 of 2)\n",
        ),
        _check(
            "idempotency.sequential",
            1.0,
            shows="Sending a key again, later, answers with the same payment and charges nothing.",
            brief="Sending it again, at any time, never charges a second time.",
            found="5 of 5 replays answered with the first payment; 5 charges at the provider.",
            numbers=(_number("charges per key", 1, "", "== 1", met=True),),
        ),
        _check(
            "idempotency.concurrent",
            0.0,
            shows="Two requests with one key at the same moment charge once: the claim on a key is"
            " atomic, not look-then-write.",
            brief="... also while the first is under way or after a restart of the service, never"
            " charges a second time.",
            found="In 5 of 5 trials both requests charged the card: the key is looked up before the"
            " provider's call and stored after it.",
            numbers=(
                _number("trials charged twice", 5, "of 5", "== 0", met=False),
                _number("charges per key, most", 2, "", "== 1", met=False),
            ),
            weight=2.0,
            log="INFO payments.api POST /payments key=race-0 -> provider\n"
            "INFO payments.api POST /payments key=race-0 -> provider\n"
            "INFO payments.api stored key=race-0 payment=pay_71\n"
            "ERROR payments.api UNIQUE constraint failed: payments.idempotency_key\n",
        ),
        _check(
            "idempotency.distinct-keys",
            1.0,
            shows="Two keys are two payments even when everything else is the same.",
            brief="Different keys are different payments, even if the body is the same.",
            found="3 of 3 pairs charged twice, as they must.",
            numbers=(_number("charges per pair", 2, "", "== 2", met=True),),
        ),
        _check(
            "backpressure.goodput",
            0.0,
            shows="At twice the provider's capacity, what the provider can take still gets through"
            " in time and the rest is told quickly to come back.",
            brief="At least 70 % of what the provider can take must still get through, within 3 s.",
            found="22 % of the provider's capacity came back in time; requests queued without a"
            " bound and were answered after their callers had left.",
            numbers=(
                _number("useful share of capacity", 0.22, "", ">= 0.70", met=False),
                _number("reply p99", 7.9, "s", "<= 3.25", met=False),
                _number("refused quickly", 0, "replies"),
            ),
            log="INFO payments.api in flight: 412\n",
        ),
        _check(
            "backpressure.recovery",
            None,
            shows="After a peak, payments are normal again at once; no backlog is left.",
            brief="After a peak ends, payments are normal again within 3 s.",
            found="The load generator itself was late (p99 41 ms, allowed 20 ms), three times.",
            numbers=(_number("generator lateness p99", 41, "ms", "<= 20", met=False),),
            attempts=3,
        ),
        _check(
            "cache.staleness",
            1.0,
            shows="A rate that the provider has changed is quoted and charged soon after.",
            brief="A rate the provider has changed is what we quote and charge with, 5 s later.",
            found="The new rate was quoted 4.0 s after the change.",
            numbers=(_number("oldest rate served", 4.0, "s", "<= 5.25", met=True),),
        ),
        _check(
            "cache.usefulness",
            1.0,
            shows="The cache still saves look-ups: freshness was not bought by deleting it.",
            brief="At most one call a second per currency on average.",
            found="3 look-ups for 200 quotes in 5 s.",
            numbers=(_number("look-ups per second", 0.6, "/s", "<= 1", met=True),),
        ),
        _check(
            "shutdown.drain",
            0.8,
            shows="On SIGTERM, accepted payments are finished before the process leaves.",
            brief="On SIGTERM: 10 s to leave; what was accepted is finished.",
            found="8 of 10 payments under way were finished; 2 connections were cut.",
            numbers=(
                _number("finished", 8, "of 10", "== 10", met=False),
                _number("time to leave", 1.4, "s", "<= 10", met=True),
            ),
        ),
        _check(
            "regression.api",
            0.9,
            shows="What worked before still works: the documented API on a sunny day.",
            brief="docs/api.md: items are newest first; next_cursor continues the list.",
            found="17 of 19 documented examples hold. GET /payments repeats the last item of a"
            " page on the next one; it did not before.",
            numbers=(_number("examples that hold", 17, "of 19", "== 19", met=False),),
            dimension="verification",
        ),
    )


def middling_ratings() -> tuple[Rating, ...]:
    """Two raters on three dimensions, one rater on a fourth; one pair two levels apart."""
    return (
        Rating(
            rater="rater-1",
            dimension=FAILURES,
            level=3,
            observation="Timeouts and retries without a prompt; never asked about two at once.",
            evidence=("check:timeouts.hang", "check:idempotency.concurrent"),
        ),
        Rating(
            rater="rater-2",
            dimension=FAILURES,
            level=3,
            observation="Deadline is a budget over attempts, not per read: better than most.",
            evidence=("file:payments/provider.py:31", "event:41"),
        ),
        Rating(
            rater="rater-1",
            dimension="tradeoff-reasoning",
            level=4,
            observation="DECISIONS.md weighs 202 against waiting and names who pays for each.",
            evidence=("file:DECISIONS.md",),
        ),
        Rating(
            rater="rater-2",
            dimension="tradeoff-reasoning",
            level=2,
            observation="Numbers for the pool and the queue come from nowhere.",
            evidence=("file:payments/api.py",),
        ),
        Rating(
            rater="rater-2",
            dimension="verification",
            level=3,
            observation="Red first for the timeout. Did not run the list endpoint after the edit.",
            evidence=("event:52", "event:88", "check:regression.api"),
        ),
    )


def _number(
    name: str, value: float, unit: str = "", threshold: str = "", *, met: bool | None = None
) -> Measurement:
    return Measurement(name=name, value=value, unit=unit, threshold=threshold, met=met)


def _outcome(value: float | None) -> CheckOutcome:
    if value is None:
        return CheckOutcome.INVALID
    named = {0.0: CheckOutcome.FAILED, 1.0: CheckOutcome.PASSED}
    return named.get(value, CheckOutcome.PARTIAL)


def _check(
    id_: str,
    value: float | None,
    *,
    shows: str,
    brief: str,
    found: str,
    numbers: tuple[Measurement, ...],
    dimension: str = FAILURES,
    weight: float = 1.0,
    log: str = "",
    attempts: int = 1,
) -> CheckResult:
    family: Family = id_.split(".", maxsplit=1)[0]  # type: ignore[assignment]  # ids start with it
    return CheckResult(
        id=id_,
        family=family,
        dimension=dimension,
        weight=weight,
        shows=shows,
        derived_from=brief,
        outcome=_outcome(value),
        score=value,
        duration_sec=round(3.1 + 0.7 * len(numbers), 1),
        measurements=numbers,
        summary=found,
        attempts=attempts,
        log_tail=log,
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


PROVIDER_PATCH = """\
diff --git a/payments/provider.py b/payments/provider.py
--- a/payments/provider.py
+++ b/payments/provider.py
@@ -8,9 +8,14 @@ import httpx

 from payments.settings import Settings

-CLIENT = httpx.AsyncClient()
+RETRYABLE = {429, 503}


+class ProviderDown(Exception):
+    \"\"\"The provider did not answer in the time we have.\"\"\"
+
+
+# One budget for all attempts: our callers wait 3 s in total, not 3 s a try.
 class Provider:
     def __init__(self, settings: Settings) -> None:
         self.base = settings.provider_url
@@ -18,9 +23,19 @@ class Provider:

     async def charge(self, body: dict, key: str) -> dict:
-        while True:
-            response = await CLIENT.post(f"{self.base}/charges", json=body)
-            if response.status_code < 500:
-                return response.json()
-            await asyncio.sleep(1)
+        try:
+            async with asyncio.timeout(self.settings.deadline_sec):
+                return await self._charge(body, key)
+        except TimeoutError as exc:
+            raise ProviderDown("charge") from exc
+
+    async def _charge(self, body: dict, key: str) -> dict:
+        for attempt in range(4):
+            response = await self.client.post(
+                "/charges", json=body, headers={"Idempotency-Key": key}
+            )
+            if response.status_code not in RETRYABLE:
+                return response.json()
+            await asyncio.sleep(0.1 * 2**attempt)
+        raise ProviderDown("charge")

     async def rate(self, currency: str) -> Decimal:
"""

API_PATCH = """\
diff --git a/payments/api.py b/payments/api.py
--- a/payments/api.py
+++ b/payments/api.py
@@ -41,7 +41,13 @@ async def create_payment(request: Request, body: NewPayment) -> Response:
     key = request.headers.get("Idempotency-Key")
     if not key:
         raise HTTPException(400, "Idempotency-Key is required")
-    charge = await provider.charge(body.model_dump(), key)
+    known = store.by_key(key)
+    if known is not None:
+        return JSONResponse(known.as_json(), status_code=201)
+    try:
+        charge = await provider.charge(body.model_dump(), key)
+    except ProviderDown:
+        raise HTTPException(503, "try again with the same key") from None
     payment = store.save(key, body, charge)
     return JSONResponse(payment.as_json(), status_code=201)

@@ -88,3 +94,5 @@ async def list_payments(merchant_id: str, limit: int = 50, cursor: str = ""):
     items = store.page(merchant_id, limit, cursor)
-    next_cursor = items[-1].id if len(items) == limit else None
+    full = len(items) >= limit
+    next_cursor = items[-1].created_at if full else None
+    items = items[:limit]
     return {"items": items, "next_cursor": next_cursor}
"""

TEST_PATCH = """\
diff --git a/tests/test_provider.py b/tests/test_provider.py
new file mode 100644
--- /dev/null
+++ b/tests/test_provider.py
@@ -0,0 +1,14 @@
+import asyncio
+
+import pytest
+
+from payments.provider import Provider, ProviderDown
+
+
+async def test_hang_is_bounded(hanging_provider, settings):
+    provider = Provider(settings(deadline_sec=0.2))
+    started = asyncio.get_running_loop().time()
+    with pytest.raises(ProviderDown):
+        await provider.charge({"amount": 100}, key="k-1")
+    took = asyncio.get_running_loop().time() - started
+    assert took < 0.4
"""

DECISIONS_PATCH = """\
diff --git a/DECISIONS.md b/DECISIONS.md
new file mode 100644
--- /dev/null
+++ b/DECISIONS.md
@@ -0,0 +1,9 @@
+# Decisions
+
+## Wait, or answer 202?
+
+We wait up to 3 s and answer 503 after that; the client repeats with its key.
+A 202 would free connections sooner, but every merchant would have to learn to
+poll, and support would get the calls. If p95 of the provider passes 2 s: turn it round.
+
+Not done: the settlement worker still takes everything in one batch.
"""
