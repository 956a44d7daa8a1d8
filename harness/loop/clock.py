"""The time box: an explicit start, pauses, extensions; every change is an event."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.errors import UsageError
from harness.models.event import (
    SessionExtended,
    SessionPaused,
    SessionResumed,
    SessionStarted,
)
from harness.models.session import Session, SessionStatus
from harness.store import Store


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def start(store: Store, session: Session) -> Session:
    """The candidate's explicit start; does nothing when the clock has started before."""
    if session.started_at is not None:
        return session
    moment = now()
    return _record(
        store,
        session,
        SessionStarted(),
        status=SessionStatus.RUNNING,
        started_at=moment,
        running_since=moment,
    )


def pause(store: Store, session: Session, *, by: str, reason: str) -> Session:
    """Stop the clock.

    Raises:
        UsageError: It is not running.
    """
    require(session, SessionStatus.RUNNING, doing="paused")
    return _record(
        store,
        session,
        SessionPaused(by=by, reason=reason),
        status=SessionStatus.PAUSED,
        used_sec=session.elapsed_sec(now()),
        running_since=None,
    )


def resume(store: Store, session: Session, *, by: str, reason: str = "") -> Session:
    """Let the clock run on.

    Raises:
        UsageError: It is not paused.
    """
    require(session, SessionStatus.PAUSED, doing="resumed")
    return _record(
        store,
        session,
        SessionResumed(by=by, reason=reason),
        status=SessionStatus.RUNNING,
        running_since=now(),
    )


def extend(store: Store, session: Session, minutes: float, *, by: str, reason: str) -> Session:
    """Grant more time, also when the box is already used up.

    Raises:
        UsageError: The session is over, or nobody says why.
    """
    if not reason.strip():
        raise UsageError(
            "An extension needs a reason for the record.", remedy="Give --reason TEXT."
        )
    require(
        session,
        SessionStatus.OPEN,
        SessionStatus.RUNNING,
        SessionStatus.PAUSED,
        doing="extended",
    )
    return _record(
        store,
        session,
        SessionExtended(minutes=minutes, by=by, reason=reason),
        minutes=session.minutes + minutes,
    )


def require(session: Session, *allowed: SessionStatus, doing: str) -> None:
    """Refuse what a session's state does not allow.

    Raises:
        UsageError: With the state it is in and what leads on from there.
    """
    if session.status in allowed:
        return
    ways_out = {
        SessionStatus.OPENING: "It is still being opened; wait for `harness session open`.",
        SessionStatus.OPEN: f"Start it with `harness session enter {session.id}`.",
        SessionStatus.RUNNING: f"Pause or submit it first (`harness session submit {session.id}`).",
        SessionStatus.PAUSED: f"Resume it with `harness session resume {session.id}`.",
        SessionStatus.SUBMITTED: f"Reopen it with `harness session reopen {session.id}`.",
        SessionStatus.ENDED: "Its record stays readable; open a new session to work on.",
    }
    raise UsageError(
        f"Session {session.id} is {session.status}, so it cannot be {doing}.",
        remedy=ways_out[session.status],
        slug="session-state",
    )


def require_time(session: Session) -> float:
    """Seconds left in the time box.

    Raises:
        UsageError: It is used up.
    """
    remaining = session.remaining_sec(now())
    if remaining <= 0:
        raise UsageError(
            f"The {session.minutes:g} minutes of session {session.id} are used up. "
            "Everything done in them is kept.",
            remedy=f"Hand in with `harness session submit {session.id} --no-grade`, or let the "
            f"interviewer grant more with `harness session extend {session.id} MINUTES "
            "--reason TEXT`.",
            slug="time-used-up",
        )
    return remaining


def _record(store: Store, session: Session, payload: object, **changes: object) -> Session:
    store.record(session.id, payload, **changes)  # type: ignore[arg-type]  # narrowed by callers
    return store.session(session.id)
