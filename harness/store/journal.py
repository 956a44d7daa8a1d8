"""The writer: puts an event behind the last one and changes its session's row with it.

Every append takes the session's lock first (SQLite: the database's write lock;
PostgreSQL: the session's row), so that sequence numbers have no gaps whichever
processes and threads write. This path runs on the driver's cursor with statements
compiled once: SQLAlchemy's execution layer costs several times the disk's flush.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

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

_HEAD_COLUMNS = tuple(SESSIONS.c[f"head_{name}"] for name in Head._fields)


class Journal:
    """Writes the events and rows of one store; threads may share it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None
        dialect = database.engine.dialect
        one = SESSIONS.c.id == sa.bindparam("session")
        prepared = {
            "head": sa.select(*_HEAD_COLUMNS).where(one).with_for_update(),
            "row": sa.select(*SESSIONS.c).where(one).with_for_update(),
            "event": EVENTS.insert(),
            "advance": SESSIONS.update().where(one).values(_binds(_HEAD_COLUMNS)),
            "change": SESSIONS.update().where(one).values(_binds(tuple(SESSIONS.c))),
        }
        self._sql = {name: str(sql.compile(dialect=dialect)) for name, sql in prepared.items()}

    def append(self, session_id: str, payload: Payload, at: datetime | None) -> Event:
        """Write one event; on the disk when this returns."""
        _check_aware(at)
        text, read = payload_text(session_id, payload)
        with self._transaction(f"append to session '{session_id}'") as cursor:
            cursor.execute(self._sql["head"], {"session": session_id})
            row = cursor.fetchone()
            if row is None:
                raise not_found(session_id)
            event, head = self._put(cursor, session_id, Head(*row), (text, read), at)
            cursor.execute(self._sql["advance"], _bound(session_id, _head_row(head)))
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
        with self._transaction(f"change session '{session_id}'") as cursor:
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
                event, head = self._put(cursor, session_id, head, body, at)
                row.update(_head_row(head))
            cursor.execute(self._sql["change"], _bound(session_id, row))
        return session, event

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _put(
        self,
        cursor: DBAPICursor,
        session_id: str,
        head: Head,
        body: tuple[str, Payload],
        at: datetime | None,
    ) -> tuple[Event, Head]:
        """Insert the event after `head` and return it with the new head."""
        text, payload = body
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
        cursor.execute(
            self._sql["event"],
            {
                "session_id": session_id,
                "seq": seq,
                "at": at_text,
                "offset_sec": placed.offset_sec,
                "kind": payload.event,
                "payload": text,
                "prev": head.hash,
                "hash": digest,
            },
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
        new_head = Head(seq, digest, at_text, placed.offset_sec, tick.boot_id, placed.moment_sec)
        return event, new_head

    @contextlib.contextmanager
    def _transaction(self, doing: str) -> Iterator[DBAPICursor]:
        """A cursor on the journal's own connection; committed at the end, or nothing stays."""
        with self._lock, self._database.translated(doing):
            connection = self._connection
            if connection is None or not self._usable(connection):
                connection = self._connection = self._database.engine.raw_connection()
            cursor = connection.cursor()
            try:
                if self._database.sqlite:
                    cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                connection.commit()
            except BaseException:
                self._abandon(connection)
                raise
            finally:
                cursor.close()

    def _usable(self, connection: PoolProxiedConnection) -> bool:
        """A server may have closed an idle connection; a file cannot."""
        if self._database.sqlite:
            return True
        try:
            return bool(self._database.engine.dialect.do_ping(connection.dbapi_connection))  # type: ignore[arg-type]  # it is checked out, so there is one
        except self._database.engine.dialect.loaded_dbapi.Error:
            connection.invalidate()
            return False

    def _abandon(self, connection: PoolProxiedConnection) -> None:
        try:
            connection.rollback()
        except self._database.engine.dialect.loaded_dbapi.Error:
            connection.invalidate()
            self._connection = None


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


def _bound(session_id: str, row: Mapping[str, object]) -> dict[str, object]:
    return {"session": session_id, **{f"new_{name}": value for name, value in row.items()}}


def _head_row(head: Head) -> dict[str, object]:
    return {f"head_{name}": value for name, value in head._asdict().items()}
