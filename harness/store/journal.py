"""The writer: puts an event behind the last one and changes its session's row with it.

Every append takes the session's lock first (SQLite: the database's write lock;
PostgreSQL: the session's row), so that sequence numbers have no gaps whichever
processes and threads write. This path runs on the driver's cursor with statements
compiled once: SQLAlchemy's execution layer costs several times the disk's flush.
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

_HEAD_COLUMNS = tuple(SESSIONS.c[f"head_{name}"] for name in Head._fields)


class Journal:
    """Writes the events and rows of one store; threads may share it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._writer = Writer(database)
        self._clock = clock
        self._heads: dict[str, Head] = {}
        dialect = database.engine.dialect
        one = SESSIONS.c.id == sa.bindparam("session")
        unmoved = SESSIONS.c.head_hash == sa.bindparam("prev")
        prepared = {
            "head": sa.select(*_HEAD_COLUMNS).where(one).with_for_update(),
            "row": sa.select(*SESSIONS.c).where(one).with_for_update(),
            "event": EVENTS.insert(),
            "advance": SESSIONS.update().where(one, unmoved).values(_binds(_HEAD_COLUMNS)),
            "change": SESSIONS.update().where(one).values(_binds(tuple(SESSIONS.c))),
        }
        self._sql = {name: str(sql.compile(dialect=dialect)) for name, sql in prepared.items()}

    def append(self, session_id: str, payload: Payload, at: datetime | None) -> Event:
        """Write one event; on the disk when this returns."""
        _check_aware(at)
        text, read = payload_text(session_id, payload)
        with self._writer.transaction(f"append to session '{session_id}'") as cursor:
            # The head that the last append left saves a query, unless somebody wrote since.
            head = self._heads.get(session_id) or self._read_head(cursor, session_id)
            event, new = self._next(session_id, head, text, read, at)
            if not self._advance(cursor, session_id, head, new):
                head = self._read_head(cursor, session_id)
                event, new = self._next(session_id, head, text, read, at)
                self._advance(cursor, session_id, head, new)
            cursor.execute(self._sql["event"], _event_row(event, new, text))
        self._heads[session_id] = new
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
        with self._writer.transaction(f"change session '{session_id}'") as cursor:
            cursor.execute(self._sql["row"], {"session": session_id})
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
                head = Head(*(row[column.name] for column in _HEAD_COLUMNS))
                event, new = self._next(session_id, head, *body, at)
                cursor.execute(self._sql["event"], _event_row(event, new, body[0]))
                row.update(_head_row(new))
            cursor.execute(self._sql["change"], {"session": session_id, **_new(row)})
        return session, event

    def close(self) -> None:
        """Give the connection back."""
        self._writer.close()

    def _read_head(self, cursor: DBAPICursor, session_id: str) -> Head:
        """The row's head, which nobody moves until this transaction ends."""
        cursor.execute(self._sql["head"], {"session": session_id})
        row = cursor.fetchone()
        if row is None:
            raise not_found(session_id)
        return Head(*row)

    def _advance(self, cursor: DBAPICursor, session_id: str, head: Head, new: Head) -> bool:
        """Move the row's head; False when it was no longer where we thought."""
        moved = {"session": session_id, "prev": head.hash, **_new(_head_row(new))}
        cursor.execute(self._sql["advance"], moved)
        return cursor.rowcount == 1

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
        event = Event(
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


def _new(row: Mapping[str, object]) -> dict[str, object]:
    return {f"new_{name}": value for name, value in row.items()}


def _event_row(event: Event, head: Head, text: str) -> dict[str, object]:
    return {
        "session_id": event.session,
        "seq": event.seq,
        "at": head.at,
        "offset_sec": event.offset_sec,
        "kind": event.payload.event,
        "payload": text,
        "prev": event.prev,
        "hash": event.hash,
    }


def _head_row(head: Head) -> dict[str, object]:
    return {f"head_{name}": value for name, value in head._asdict().items()}
