"""The check results and ratings of the believable scorecard."""

from __future__ import annotations

from harness.models.check import CheckOutcome, CheckResult, Family, Measurement, Steadiness
from harness.models.rubric import Rating

FAILURES = "failure-mode-instinct"

_STEADY = Steadiness(runs=240, flips=1, busy_runs=120, bound=0.0196, current=False)


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
            numbers=(_number("most charges for one key", 1, "", "= 1", met=True),),
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
                _number("most charges for one key", 2, "", "= 1", met=False),
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
        steadiness=_STEADY if family == "timeouts" else None,
    )
