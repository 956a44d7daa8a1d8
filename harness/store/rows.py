"""Between models and rows: what a session and an event look like as columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from harness.errors import IntegrityError, StoreError
from harness.models.event import Event, Payload
from harness.models.session import Session
from harness.store.clock import text_of

MAX_PAYLOAD_BYTES = 32 * 1024 * 1024
"""Larger bodies are blobs."""

PAYLOAD: TypeAdapter[Payload] = TypeAdapter(Payload)
SESSION_FIELDS = tuple(Session.model_fields)


class Record(NamedTuple):
    """An event exactly as stored and hashed; nothing about it is believed yet."""

    session: str
    seq: int
    at: str
    offset_sec: float
    payload: str
    prev: str
    hash: str


def session_row(session: Session) -> dict[str, Any]:
    """A session's columns."""
    return {name: _cell(getattr(session, name)) for name in SESSION_FIELDS}


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return text_of(value)
    return value.value if isinstance(value, Enum) else value


def session_of(row: Mapping[str, Any] | sa.RowMapping) -> Session:
    """The session in a row.

    Raises:
        IntegrityError: Somebody wrote something else there.
    """
    try:
        return Session.model_validate({name: row[name] for name in SESSION_FIELDS})
    except ValidationError as error:
        raise IntegrityError(
            f"Session '{row['id']}': its row cannot be read: {_first(error)}.",
            remedy="Restore the database from a backup.",
        ) from error


def changed(session: Session, changes: Mapping[str, object]) -> Session:
    """`session` with validated changes.

    Raises:
        StoreError: An unknown field, a wrong value, or the id.
    """
    if "id" in changes:
        raise StoreError(f"Session '{session.id}': its id cannot change.", slug="session-fields")
    try:
        return Session.model_validate({**dict(session), **changes})
    except ValidationError as error:
        raise StoreError(
            f"Session '{session.id}' cannot be changed so: {_first(error)}.",
            slug="session-fields",
        ) from error


def payload_text(session_id: str, payload: Payload) -> tuple[str, Payload]:
    """A payload's JSON and what reading it back gives.

    A number that is not finite becomes null, as JSON has none.

    Raises:
        StoreError: It could not be read back, or is too large; nothing was stored.
    """
    try:
        # The bare serializer and validator: the methods around them cost as much again.
        text = payload.__pydantic_serializer__.to_json(payload).decode()
        read = PAYLOAD.validator.validate_json(text)
    except (ValidationError, PydanticSerializationError) as error:
        said = _first(error) if isinstance(error, ValidationError) else str(error)
        raise StoreError(
            f"Session '{session_id}': a '{payload.event}' event could not be read back and was "
            f"not recorded: {said}.",
            slug="event-payload",
        ) from error
    if len(text) > MAX_PAYLOAD_BYTES:
        raise StoreError(
            f"Session '{session_id}': a '{payload.event}' event of {len(text):,} bytes is over "
            f"the limit of {MAX_PAYLOAD_BYTES:,}.",
            remedy="Store its body as a blob and record the hash.",
            slug="event-payload",
        )
    return text, read


def event_of(record: Record) -> Event:
    """The event in a record.

    Raises:
        IntegrityError: It is not an event this harness knows.
    """
    try:
        return Event(
            session=record.session,
            seq=record.seq,
            at=datetime.fromisoformat(record.at),
            offset_sec=record.offset_sec,
            payload=PAYLOAD.validate_json(record.payload),
            prev=record.prev,
            hash=record.hash,
        )
    except (ValidationError, ValueError, TypeError) as error:
        said = _first(error) if isinstance(error, ValidationError) else str(error)
        raise IntegrityError(
            f"Session '{record.session}': event {record.seq} cannot be read: {said}.",
            remedy="Run `harness session verify` to see what was changed.",
        ) from error


def _first(error: ValidationError) -> str:
    """The first complaint, on one line, without the value (it may be a candidate's)."""
    detail = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, detail['loc'])) or 'value'}: {detail['msg']}"
