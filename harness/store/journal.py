"""The writer: puts an event behind the last one and changes its session's row with it.

Every append takes the session's lock first (SQLite: the database's write lock;
PostgreSQL: the session's row), so that sequence numbers have no gaps whichever
processes and threads write. This path runs on the driver's cursor with statements
compiled once: SQLAlchemy's execution layer costs several times the disk's flush. What
else it does is short because every flush puts the processor to sleep: whatever runs
afterwards runs from cold caches, at several times its price in a loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

from harness.errors import SessionNotFoundError, StoreError
from harness.models.event import Event, Payload, event_hash
from harness.models.session import Session
from harness.store.clock import Clock, Head, place, text_of
from harness.store.database import Database
from harness.store.rows import (
    SESSION_FIELDS,
    changed,
    payload_text,
    session_of,
    session_row,
)
from harness.store.schema import EVENTS, SESSIONS
from harness.store.writer import Writer

_HEAD = tuple(SESSIONS.c[f"head_{name}"] for name in Head._fields)


class Journal:
    """Writes the events and rows of one store; threads may share it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._writer = Writer(database)
        self._clock = clock
        self._heads: dict[str, Head] = {}
        one = SESSIONS.c.id == sa.bindparam("session")
        unmoved = SESSIONS.c.head_hash == sa.bindparam("prev")
        dialect = database.engine.dialect
        self._read_head = _text(sa.select(*_HEAD).where(one).with_for_update(), dialect)
        self._read_row = _text(sa.select(*SESSIONS.c).where(one).with_for_update(), dialect)
        self._insert = _text(EVENTS.insert(), dialect)
        moved = SESSIONS.update().where(one, unmoved).values(_binds(_HEAD))
        self._advance = _text(moved, dialect)
        written = SESSIONS.update().where(one).values(_binds(SESSIONS.c))
        self._write_row = _text(written, dialect)

    def append(self, session_id: str, payload: Payload, at: datetime | None) -> Event:
        """Write one event; on the disk when this returns."""
        _check_aware(at)
        text, read = payload_text(session_id, payload)

        def write(cursor: DBAPICursor) -> tuple[Event, Head]:
            # The head that the last append left saves a query, unless somebody wrote since.
            head = self._heads.get(session_id) or self._head(cursor, session_id)
            event, new = self._next(session_id, head, text, read, at)
            cursor.execute(self._advance, (*new, session_id, head.hash))
            if cursor.rowcount != 1:
                head = self._head(cursor, session_id)
                event, new = self._next(session_id, head, text, read, at)
                cursor.execute(self._advance, (*new, session_id, head.hash))
            cursor.execute(self._insert, _event_cells(event, new, text))
            return event, new

        doing = f"append to session '{session_id}'"
        event, self._heads[session_id] = self._writer.transaction(doing, write)
        return event

    def change(
        self,
        session_id: str,
        changes: Mapping[str, object],
        *,
        payload: Payload | None = None,
        at: datetime | None = None,
        expect: Session | None = None,
    ) -> tuple[Session, Event | None]:
        """Change a session's row and, with a payload, write one event: both or neither."""
        _check_aware(at)
        body = None if payload is None else payload_text(session_id, payload)

        def write(cursor: DBAPICursor) -> tuple[Session, Event | None]:
            cursor.execute(self._read_row, (session_id,))
            found = cursor.fetchone()
            if found is None:
                raise not_found(session_id)
            row = dict(zip(SESSIONS.c.keys(), found, strict=True))
            session = session_of(row)
            if expect is not None and session != expect:
                raise _overtaken(session, expect)
            session, event = changed(session, changes), None
            row.update(session_row(session))
            if body is not None:
                head = Head(*(row[column.name] for column in _HEAD))
                event, new = self._next(session_id, head, *body, at)
                cursor.execute(self._insert, _event_cells(event, new, body[0]))
                row.update(zip((column.name for column in _HEAD), new, strict=True))
            cursor.execute(self._write_row, (*row.values(), session_id))
            return session, event

        return self._writer.transaction(f"change session '{session_id}'", write)

    def close(self) -> None:
        """Give the connection back."""
        self._writer.close()

    def _head(self, cursor: DBAPICursor, session_id: str) -> Head:
        """The row's head, which nobody moves until this transaction ends."""
        cursor.execute(self._read_head, (session_id,))
        row = cursor.fetchone()
        if row is None:
            raise not_found(session_id)
        return Head(*row)

    def _next(
        self, session_id: str, head: Head, text: str, payload: Payload, at: datetime | None
    ) -> tuple[Event, Head]:
        """The event after `head`, and the head that it is then."""
        tick = self._clock()
        placed = place(head, tick, at)
        seq, at_text = head.seq + 1, text_of(placed.at)
        digest = event_hash(
            session=session_id,
            seq=seq,
            at=at_text,
            offset_sec=placed.offset_sec,
            payload_json=text,
            prev=head.hash,
        )
        event = Event.model_construct(  # every part is ours or was validated just above
            session=session_id,
            seq=seq,
            at=placed.at,
            offset_sec=placed.offset_sec,
            payload=payload,
            prev=head.hash,
            hash=digest,
        )
        new = Head(seq, digest, at_text, placed.offset_sec, tick.boot_id, placed.moment_sec)
        return event, new


def not_found(session_id: str) -> SessionNotFoundError:
    """No row of that id."""
    return SessionNotFoundError(
        f"There is no session '{session_id}' in this store.",
        remedy="`harness session list` shows those there are.",
    )


def _overtaken(session: Session, expect: Session) -> StoreError:
    differing = [name for name in SESSION_FIELDS if getattr(session, name) != getattr(expect, name)]
    return StoreError(
        f"Session '{session.id}' was changed by somebody else meanwhile ({', '.join(differing)}).",
        remedy="Look at it again and repeat.",
        slug="session-changed",
    )


def _check_aware(at: datetime | None) -> None:
    if at is not None and at.tzinfo is None:
        raise ValueError("an event's time needs a time zone")


def _binds(columns: Iterable[sa.Column[Any]]) -> dict[str, Any]:
    return {
        column.name: sa.bindparam(f"new_{column.name}", type_=column.type) for column in columns
    }


def _text(statement: sa.ClauseElement, dialect: sa.Dialect) -> str:
    """A statement for the driver: values in the order of columns, then of conditions."""
    return str(statement.compile(dialect=dialect))


def _event_cells(event: Event, head: Head, text: str) -> tuple[object, ...]:
    """An event's values in the order of `EVENTS.c`."""
    return (
        event.session,
        event.seq,
        head.at,
        event.offset_sec,
        event.payload.event,
        text,
        event.prev,
        event.hash,
    )
