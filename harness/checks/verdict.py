"""From attempts to one result per check; pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.checks.contract import SLACK_SEC
from harness.checks.failure import ChannelError, ControlFailed, SutNotReady
from harness.checks.measure import Measure
from harness.models.check import CheckDeclaration, CheckOutcome, CheckResult, Measurement

MAX_LAG_SEC = SLACK_SEC
"""A failing timing check during which our own event loop stood still for longer is invalid.

A shorter stall is covered by the slack on every published time.
"""
MAX_SWAMPED_SEC = 0.2
"""A failed control is not our doing alone when the grader's loop was busy for longer than that, in
stretches that made it late: what it is busy with is what the service sends and answers."""
MAX_RETRIES = 1
"""How many invalid attempts are made good by another one."""
MAX_RETRIES_LAGGED = 2
"""The same, when the grader stood still in one: a machine seldom does so three times in a row."""
_MAX_SUMMARY = 700


@dataclass
class Attempt:
    """One run of a check on one fresh system under test, as it goes on."""

    declaration: CheckDeclaration
    number: int
    measure: Measure = field(default_factory=Measure)
    error: BaseException | None = None
    """What set-up or the check itself raised first."""
    lag_sec: float = 0.0
    """The longest time for which the grader's event loop stood still."""
    swamped_sec: float = 0.0
    """Processor time that the loop took in stretches for which it was late."""
    good_service: bool = False
    """It is run on a service that is known to pass, as a control."""
    log_tail: str = ""
    ending: str = ""
    """How the service ended when it should have been running, as words."""
    duration_sec: float = 0.0

    @property
    def lagged(self) -> bool:
        """The grader stood still for longer than the slack covers."""
        return self.lag_sec > MAX_LAG_SEC

    def judge(self) -> Verdict:
        """What this attempt found."""
        found = self._found()
        wanting = found.outcome in (CheckOutcome.FAILED, CheckOutcome.PARTIAL)
        if wanting and self.declaration.timing and self.lagged:
            return self._verdict(
                CheckOutcome.INVALID,
                f"The grader itself stood still for {self.lag_sec * 1000:.0f} ms. "
                f"Without that: {found.summary}",
            )
        return found

    def _found(self) -> Verdict:
        if isinstance(self.error, AssertionError | SutNotReady):
            text = str(self.error).strip() or "An assertion without words failed."
            return self._verdict(CheckOutcome.FAILED, text)
        if self.error is not None:
            text = f"{type(self.error).__name__}: {self.error}"
            return self._verdict(CheckOutcome.INVALID, text)
        if not self.measure.judged:
            return self._verdict(CheckOutcome.INVALID, "The check measured nothing.")
        summary = " ".join(self.measure.sentences())
        if self.measure.score >= 1:
            return self._verdict(CheckOutcome.PASSED, summary)
        partial = self.measure.score > 0
        return self._verdict(CheckOutcome.PARTIAL if partial else CheckOutcome.FAILED, summary)

    def _verdict(self, outcome: CheckOutcome, summary: str) -> Verdict:
        score = {CheckOutcome.PASSED: 1.0, CheckOutcome.PARTIAL: self.measure.score}.get(
            outcome, None if outcome is CheckOutcome.INVALID else 0.0
        )
        bad = outcome is not CheckOutcome.PASSED
        if bad and self.ending:
            summary = f"{summary} The service {self.ending}."
        return Verdict(
            outcome,
            score,
            _short(summary),
            tuple(self.measure.taken),
            self.log_tail if bad else "",
            ours=isinstance(self.error, ChannelError)
            or (isinstance(self.error, ControlFailed) and self.swamped_sec <= MAX_SWAMPED_SEC),
            lagged=self.lagged,
            late=isinstance(self.error, SutNotReady) and self.error.late,
        )


@dataclass(frozen=True)
class Verdict:
    """One attempt's finding."""

    outcome: CheckOutcome
    score: float | None
    """None when invalid."""
    summary: str
    measurements: tuple[Measurement, ...] = ()
    log_tail: str = ""
    ours: bool = False
    """If it is invalid, then through a control or our machinery, not in the check's own course."""
    lagged: bool = False
    """The grader stood still: the machine's doing, or that of a service that floods it."""
    late: bool = False
    """It failed since the service was not ready in time, though it had not ended."""

    @property
    def fit(self) -> bool:
        """Of a good service: the machine can hold the check, and nothing disturbs it."""
        return self.outcome is CheckOutcome.PASSED and not self.lagged


def another(declaration: CheckDeclaration, verdicts: Sequence[Verdict], *, confirm: bool) -> bool:
    """Whether a check needs one more attempt on a fresh system under test.

    The first invalid attempt is retried, and the second where the grader stood still. A
    timing check that did not pass is confirmed, and when the two disagree a third one
    decides; so is any check for which the service was not ready in time, as that, too, is a
    matter of time.
    """
    invalid = len(verdicts) - len(_valid(verdicts))
    retries = MAX_RETRIES_LAGGED if _lagged(verdicts) else MAX_RETRIES
    return invalid <= retries and not _decided(declaration, verdicts, confirm=confirm)


def wants_control(
    declaration: CheckDeclaration, verdicts: Sequence[Verdict], *, confirm: bool
) -> bool:
    """Whether a good service must show that this machine can hold the check just now.

    A loud check needs most of a machine: on a busy one the best service fails it, and no
    figure of the grader's own shows that. Nor does one when a service is not ready in time.
    And where a check breaks in its own course or the grader stood still, the check is badly
    written, the machine is too busy, or the service keeps us from measuring it.
    """
    if not _decided(declaration, verdicts, confirm=confirm):
        return _evaded(verdicts)
    scores = [verdict.score for verdict in verdicts if verdict.score is not None]
    short = statistics.median_low(scores) < 1
    return short and (declaration.loud or any(verdict.late for verdict in verdicts))


def settle(
    declaration: CheckDeclaration,
    verdicts: Sequence[Verdict],
    control: Verdict | None = None,
    *,
    confirm: bool,
    duration_sec: float,
) -> CheckResult:
    """The check's result: the middle one of its valid attempts.

    Invalid when a good service does not pass here and now either. When there are not enough of
    them to decide and a good service passes, the submission keeps us from measuring it, and has
    failed; unless the grader stood still beside that one as well, which then is the machine.
    """
    valid = _valid(verdicts)
    scores = [verdict.score for verdict in valid if verdict.score is not None]
    decided = _decided(declaration, verdicts, confirm=confirm)
    if decided:
        middle = statistics.median_low(scores)
        chosen = next(verdict for verdict in valid if verdict.score == middle)
    else:
        chosen = next(verdict for verdict in reversed(verdicts) if verdict.score is None)
    if control is not None and control.outcome is not CheckOutcome.PASSED:
        chosen = _unfit(chosen, control)
        decided = False
    elif control is not None and not decided and not (control.lagged and _lagged(verdicts)):
        chosen = _unmeasurable(chosen)
    summary = chosen.summary
    if decided and len(set(scores)) > 1:
        outcomes = ", ".join(verdict.outcome.value for verdict in valid)
        summary = f"{summary} (Not unanimous: {outcomes}.)"
    return declaration.result(
        chosen.outcome,
        score=chosen.score,
        duration_sec=round(duration_sec, 3),
        measurements=chosen.measurements,
        summary=summary,
        attempts=len(verdicts),
        log_tail=chosen.log_tail,
    )


def _unfit(found: Verdict, control: Verdict) -> Verdict:
    return replace(
        found,
        outcome=CheckOutcome.INVALID,
        score=None,
        summary=_short(
            "A service that is known to be good does not pass here and now either, so the machine "
            f"is too busy, or the check is broken ({control.summary}) Found: {found.summary}"
        ),
    )


def _unmeasurable(found: Verdict) -> Verdict:
    """No attempt could be measured, and with a good service it can be, here and now."""
    return replace(
        found,
        outcome=CheckOutcome.FAILED,
        score=0.0,
        summary=_short(
            "This service cannot be measured, again and again, while one that is known to be good "
            f"passes here and now: {found.summary}"
        ),
    )


def _decided(declaration: CheckDeclaration, verdicts: Sequence[Verdict], *, confirm: bool) -> bool:
    valid = _valid(verdicts)
    scores = [verdict.score for verdict in valid]
    timed = declaration.timing or any(verdict.late for verdict in valid)
    if not scores or scores[0] == 1 or not (confirm and timed):
        return bool(scores)
    return len(scores) > 2 or (len(scores) == 2 and scores[0] == scores[1])  # noqa: PLR2004 - two agree, or three vote


def _evaded(verdicts: Sequence[Verdict]) -> bool:
    """Whether it may be the service's doing that too few attempts could be measured."""
    return not any(verdict.ours or verdict.score == 1 for verdict in verdicts)


def _lagged(verdicts: Sequence[Verdict]) -> bool:
    return any(verdict.score is None and verdict.lagged for verdict in verdicts)


def _valid(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.score is not None]


def _short(text: str) -> str:
    # half of a surrogate pair, which JSON can carry, cannot be written as UTF-8
    flat = " ".join(text.encode("utf-8", "replace").decode().split())
    return flat if len(flat) <= _MAX_SUMMARY else f"{flat[: _MAX_SUMMARY - 1]}…"
