"""The evidence part of a Markdown scorecard: timeline, checks, changes, terminal, sources."""

from __future__ import annotations

from collections.abc import Iterator

from harness.models.check import CheckOutcome, CheckResult, Measurement
from harness.models.scorecard import FileDiff, GradingSummary, Scorecard
from harness.reporting.blindness import blind_sentence, flag_text
from harness.reporting.escaping import block, code, inline
from harness.reporting.numbers import number, percent, threshold
from harness.reporting.reading import LeftOut
from harness.reporting.story import record_sentence, steadiness_sentence, unplaced
from harness.reporting.timeline import Timeline
from harness.reporting.views import MomentView
from harness.reporting.visible import head, tail

OUTCOMES = {
    CheckOutcome.PASSED: "held",
    CheckOutcome.PARTIAL: "held in part",
    CheckOutcome.FAILED: "did not hold",
    CheckOutcome.INVALID: "not measured",
}
"""How a committee reads an outcome."""

_PATCH_CHARS = 12_000
_ALL_PATCH_CHARS = 120_000
_LOG_CHARS = 3_000


def timeline_lines(timeline: Timeline, left_out: LeftOut) -> Iterator[str]:
    """What happened when, as a table."""
    yield from ("## Timeline", "")
    if not timeline.entries:
        yield from ("Nothing was recorded.", "")
        return
    yield "| At | What | Entry | Result | Event |"
    yield "| --- | --- | --- | --- | --- |"
    for entry in timeline.entries:
        result = "" if entry.ok is None else "ok" if entry.ok else "not ok"
        if entry.kind == "edit":
            result = f"+{entry.added} -{entry.removed}"
        at = percent(timeline.share(entry.start_sec))
        yield f"| {at} | {entry.kind} | {code(entry.label, 120)} | {result} | {entry.event} |"
    yield from _left_out(left_out.timeline, "entries")
    yield ""


def check_lines(card: Scorecard) -> Iterator[str]:
    """Every check with what it measured."""
    yield from ("## Checks", "")
    for check in card.checks:
        yield from _check(check)
    if names := unplaced(card):
        listed = ", ".join(code(id_) for id_ in names[:50])
        yield from (f"Outside this rubric, counted for nothing: {listed}.", "")


def _check(check: CheckResult) -> Iterator[str]:
    yield from (f"### {code(check.id)}: {OUTCOMES[check.outcome]}", "")
    yield from (inline(check.shows), "")
    if check.summary:
        yield from (inline(check.summary, 800), "")
    if check.advisory:
        yield from (f"Shown, never scored: {inline(check.advisory)}", "")
    if check.derived_from:
        yield from (f"Follows from: {inline(check.derived_from)}", "")
    score = "not scored" if check.score is None else f"score {number(check.score)}"
    runs = f", run on {check.attempts} fresh services" if check.attempts > 1 else ""
    weight = number(check.weight)
    yield from (f"{score}, weight {weight}, {number(check.duration_sec)} s{runs}", "")
    if check.steadiness:
        yield from (steadiness_sentence(check.steadiness), "")
    if check.measurements:
        yield "| Measured | Value | Allowed | Met |"
        yield "| --- | --- | --- | --- |"
        yield from (_measurement(found) for found in check.measurements[:40])
        yield ""
    if check.log_tail:
        yield from ("The service's last log lines:", "")
        yield from (*block(tail(check.log_tail, _LOG_CHARS)[0]), "")


def _measurement(found: Measurement) -> str:
    met = {None: "", True: "yes", False: "no"}[found.met]
    unit = "" if found.value is None else inline(found.unit, 20)
    value = f"{inline(number(found.value), 80)} {unit}".rstrip()
    return (
        f"| {inline(found.name, 80)} | {value} | {inline(threshold(found.threshold), 60)} | {met} |"
    )


def change_lines(card: Scorecard, left_out: LeftOut) -> Iterator[str]:
    """Every changed file, and the beginning of its patch."""
    yield from ("## Changes", "")
    if not card.diffs:
        yield from ("Nothing was changed.", "")
        return
    yield "| File | What | Added | Removed |"
    yield "| --- | --- | --- | --- |"
    for diff in card.diffs:
        change = diff.change
        what = f"{change.kind}, binary" if change.binary else change.kind
        yield f"| {code(change.path)} | {what} | {change.added} | {change.removed} |"
    yield from _left_out(left_out.diffs, "files")
    yield ""
    budget = _ALL_PATCH_CHARS
    for diff in card.diffs:
        shown, rest = head(diff.patch, min(budget, _PATCH_CHARS))
        budget -= len(shown)
        yield from _patch(diff, shown, rest)


def _patch(diff: FileDiff, shown: str, rest: int) -> Iterator[str]:
    if not shown:
        return
    yield from (f"### {code(diff.change.path)}", "", *block(shown, "diff"), "")
    if rest or diff.truncated:
        yield from ("The patch goes on: in the JSON, or in the session's archive.", "")


def terminal_lines(
    moments: list[MomentView], timeline: Timeline, left_out: LeftOut
) -> Iterator[str]:
    """Every command with the last part of its output."""
    yield from ("## Terminal", "")
    if not moments:
        yield from ("No commands were recorded.", "")
    for view in moments:
        command = view.moment.command
        ended = "still running" if command.exit_code is None else f"exit {command.exit_code}"
        at = percent(timeline.share(view.moment.at_sec))
        yield from (f"{code(command.text, 300)} ({ended}, at {at}, event {view.moment.event})", "")
        if view.output:
            yield from (*block(view.output), "")
    yield from _left_out(left_out.terminal, "commands")


def observation_lines(card: Scorecard, timeline: Timeline) -> Iterator[str]:
    """Signals and notes."""
    yield from ("## Signals", "", "Computed from the record. Shown, never scored.", "")
    for signal in card.signals:
        yield f"- **{inline(signal.title, 120)}**: {inline(signal.value, 200)}."
        yield f"  {inline(signal.explanation)}"
    yield from ("", "## Notes", "")
    if not card.notes:
        yield "Nobody took notes."
    for note in card.notes:
        at = percent(timeline.share(note.at_sec))
        by = inline(note.by, 60)
        yield f"- {by}, at {at}, event {note.event}: {inline(note.text, 4000)}"
    yield ""


def record_lines(card: Scorecard) -> Iterator[str]:
    """Whether the record is whole."""
    health = card.recording
    yield from ("## Record", "", f"The record is {record_sentence(card)}.", "")
    if card.blind is not None:
        yield from (inline(blind_sentence(card.blind)), "")
        yield from (f"- Named somebody: {code(flag_text(flag), 300)}" for flag in card.blind.flags)
        yield from _left_out(card.blind.more_flags, "lines that named somebody")
    yield from (f"- Failure: {inline(text)}" for text in health.failures[:100])
    yield from (f"- Gap: {inline(text)}" for text in health.gaps[:100])
    for file in health.skipped[:100]:
        reason = file.reason.replace("-", " ")
        yield f"- Bytes not in the record: {code(file.path)} ({reason}, {file.size:,} bytes)"
    yield ""


def source_lines(card: Scorecard) -> Iterator[str]:
    """Gradings and provenance."""
    yield from ("## Gradings", "")
    for grading in card.gradings:
        yield from _grading(grading)
    source = card.provenance
    verified = "verified" if source.chain_verified else "not verified"
    submission = "none" if source.submission_sha256 is None else code(source.submission_sha256)
    yield from ("", "## Provenance", "")
    yield f"- Session {code(card.session.id)} on {inline(card.session.backend, 40)}"
    yield f"- Task {code(source.task)} {inline(source.task_version, 40)}"
    yield f"  of digest {code(source.task_digest)}"
    yield f"- Rubric {code(source.rubric)} {inline(source.rubric_version, 40)}"
    yield f"- Submission {submission}"
    yield f"- Chain of {source.events:,} events {verified}, head {code(source.chain_head)}"
    yield f"- Compare the head with {code(f'harness session verify {card.session.id}')}"
    written = f"{source.generated_at:%Y-%m-%d %H:%M} {source.generated_at.tzname() or ''}".rstrip()
    yield f"- Written {written} by harness {inline(source.harness_version, 40)}"


def _grading(grading: GradingSummary) -> Iterator[str]:
    shown = "shown here" if grading.shown else "kept for comparison"
    if grading.failure is not None:
        found = f"no results, {grading.failure.kind}: {inline(grading.failure.message, 800)}"
    else:
        found = (
            f"{grading.passed} held, {grading.partial} in part, {grading.failed} did not,"
            f" {grading.invalid} not measured"
        )
    yield f"- {code(grading.id, 60)} ({shown}): {found}"
    yield f"  of submission {code(grading.submission_sha256)}"


def _left_out(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield from ("", f"{count:,} more {what}: in the JSON.", "")
