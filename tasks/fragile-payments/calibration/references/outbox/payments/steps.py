"""What comes after a call about a payment: its outcome, or the next call.

The only place that knows the rules; no input or output here.

- A charge is sent with the payment's id as idempotency key, so sending it again has no
  second effect, and its answer settles what became of the ones before. But it is sent at
  most `MAX_SENDS` times and never after an answer that says that the request is wrong.
- A look-up costs no send. It is the means when sends are used up or answers do not come.
- A payment is in doubt from the moment a charge is sent until an answer says that it was
  not carried out. What is in doubt never ends as `failed` without being looked up, except
  that a promised outcome is due; it is then looked up afterwards (see `reconcile`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from payments.provider import End, Result

MAX_SENDS = 5
PAUSES_SEC = (0.1, 0.5, 2.0, 6.0)
"""Before the second send, the third, and so on."""
UNANSWERED_SEC = 12.0
"""A payment that nobody was promised is given up after this, if it is not in doubt."""
FORGOTTEN_SEC = 600.0
"""A call that has not been carried out by then never will be."""


class Next(StrEnum):
    """What is to be done."""

    CAPTURED = "captured"
    DECLINED = "declined"
    FAILED = "failed"
    CHARGE = "charge"
    LOOKUP = "lookup"


@dataclass(frozen=True)
class State:
    """What is known about a payment under way, the last call included."""

    now: float
    created: float
    """When this round began: the shop asked for it."""
    sends: int
    doubt: bool
    """Whether a charge sent before the last call may have been carried out."""
    tries: int
    """Calls of the kind of the last one, one after the other, that did not help."""
    sent_at: float
    due_by: float | None
    """When the outcome is due, if it was promised."""


@dataclass(frozen=True)
class Step:
    """What is to be done, when, and whether the payment is in doubt."""

    next: Next
    at: float = 0.0
    doubt: bool = False
    reason: str = ""
    no_more_sends: bool = False


def after_charge(state: State, result: Result) -> Step:
    """What comes after a charge was sent."""
    end = result.end
    if end is End.DONE:
        return Step(Next.CAPTURED)
    if end is End.DECLINED:
        return Step(Next.DECLINED)
    maybe_carried_out = end in (End.UNKNOWN, End.TIMED_OUT, End.GARBLED)
    doubt = state.doubt or maybe_carried_out
    if end is End.WRONG:
        if doubt:
            return replace(_look_up(state, state.now), no_more_sends=True)
        return Step(Next.FAILED, reason="rejected")

    pause = PAUSES_SEC[min(state.tries, len(PAUSES_SEC) - 1)]
    at = state.now + max(pause, result.retry_after)
    if end is End.GARBLED or (end is End.TIMED_OUT and state.sends > 1):
        return _look_up(state, state.now)
    if state.sends >= MAX_SENDS:
        return _look_up(state, at) if doubt else Step(Next.FAILED, reason="unavailable")
    if not doubt and at > _last_moment(state):
        return Step(Next.FAILED, reason="unavailable")
    if doubt and state.due_by is not None and at > state.due_by - 1:
        return _look_up(state, at)
    return Step(Next.CHARGE, at, doubt)


def after_lookup(state: State, result: Result) -> Step:
    """What comes after a payment in doubt was looked up."""
    if result.end is End.DONE and result.value:
        return Step(Next.CAPTURED)
    if result.end is not End.DONE:
        return _look_up(state, state.now + max(_growing(state.tries), result.retry_after))
    # There is no charge, but one may still be on its way.
    if state.sends < MAX_SENDS and (state.due_by is None or state.now < state.due_by - 1):
        return Step(Next.CHARGE, state.now, True)
    if state.due_by is None and state.now > state.sent_at + FORGOTTEN_SEC:
        return Step(Next.FAILED, reason="unavailable")
    return _look_up(state, state.now + _growing(state.tries))


def overdue(state: State) -> bool:
    """Whether a payment that waits for its next call has to end now."""
    if state.due_by is not None:
        return state.now >= state.due_by
    return not state.doubt and state.now > _last_moment(state)


def _look_up(state: State, at: float) -> Step:
    if state.due_by is not None and state.now >= state.due_by:
        return Step(Next.FAILED, doubt=True, reason="no answer")
    return Step(Next.LOOKUP, at, True)


def _last_moment(state: State) -> float:
    return state.created + UNANSWERED_SEC if state.due_by is None else state.due_by - 0.5


def _growing(tries: int) -> float:
    return float(min(0.3 * 2 ** min(tries, 10), 30.0)) if tries > 3 else 0.3 + 0.3 * tries
