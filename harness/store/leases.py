"""Who supervises a session: one live process per purpose, and a dead one's place is taken.

A process is told apart from a later one with the same number by the time it
started and by the boot it started in.
"""

from __future__ import annotations

import os
import socket
import uuid
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from pydantic import AwareDatetime

from harness.models.base import Model
from harness.store.clock import Clock, boot_id, text_of
from harness.store.database import Database
from harness.store.journal import not_found
from harness.store.schema import LEASES, SESSIONS


class ProcessMark(Model):
    """One process, once and for all."""

    host: str
    boot_id: str
    pid_namespace: str
    """Numbers mean something only inside their namespace: containers have their own."""
    pid: int
    started_ticks: int
    """Clock ticks between the boot and its start."""

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        """A process that runs now on this machine.

        Raises:
            ProcessLookupError: It does not.
        """
        started = _started_ticks(pid)
        if started is None:
            raise ProcessLookupError(f"no process {pid}")
        return cls(
            host=socket.gethostname(),
            boot_id=boot_id(),
            pid_namespace=_pid_namespace(),
            pid=pid,
            started_ticks=started,
        )

    @classmethod
    def current(cls) -> ProcessMark:
        """This process."""
        return cls.of(os.getpid())

    def is_dead(self) -> bool:
        """Surely gone. One that cannot be seen from here counts as alive."""
        if self.boot_id != boot_id():
            return self.host == socket.gethostname()
        if self.pid_namespace != _pid_namespace():
            return False
        return _started_ticks(self.pid) != self.started_ticks


def _pid_namespace() -> str:
    return os.readlink("/proc/self/ns/pid")  # noqa: PTH115  # the link's text is what is wanted


def _started_ticks(pid: int) -> int | None:
    """When a process started, in ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name stands in parentheses and may hold anything, spaces and ")" included.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in {"Z", "X"} else int(started)


class Lease(Model):
    """A claim that holds."""

    session: str
    purpose: str
    """Such as "recorder"."""
    token: str
    """Told apart from an earlier or later claim by the same process."""
    claimed_at: AwareDatetime
    process: ProcessMark


class Leases:
    """The claims of one store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, session_id: str, purpose: str, process: ProcessMark) -> Lease | None:
        """Take a free place, or a dead holder's; None when a live process has it.

        Raises:
            SessionNotFoundError: No such session.
        """
        lease = Lease(
            session=session_id,
            purpose=purpose,
            token=uuid.uuid4().hex,
            claimed_at=self._clock().at,
            process=process,
        )
        with self._database.writing(f"claim session '{session_id}'") as connection:
            # The session's row is the lock: on PostgreSQL nothing else keeps two claims apart.
            row = sa.select(SESSIONS.c.id).where(SESSIONS.c.id == session_id).with_for_update()
            if connection.scalar(row) is None:
                raise not_found(session_id)
            held = _read(connection, session_id, purpose)
            if held is not None and not held.process.is_dead():
                return None
            connection.execute(sa.delete(LEASES).where(*_which(session_id, purpose)))
            connection.execute(sa.insert(LEASES), _row(lease))
        return lease

    def release(self, lease: Lease) -> bool:
        """Give a place back; False when it was taken over or released before."""
        with self._database.writing(f"release session '{lease.session}'") as connection:
            done = connection.execute(sa.delete(LEASES).where(LEASES.c.token == lease.token))
        return bool(done.rowcount)

    def holder(self, session_id: str, purpose: str) -> Lease | None:
        """Who has a place now; None when it is free or its holder is dead."""
        with self._database.reading(f"read the claims on session '{session_id}'") as connection:
            held = _read(connection, session_id, purpose)
        return None if held is None or held.process.is_dead() else held


def _which(session_id: str, purpose: str) -> tuple[sa.ColumnElement[bool], ...]:
    return LEASES.c.session_id == session_id, LEASES.c.purpose == purpose


def _read(connection: sa.Connection, session_id: str, purpose: str) -> Lease | None:
    row = connection.execute(sa.select(LEASES).where(*_which(session_id, purpose))).one_or_none()
    if row is None:
        return None
    cells = row._asdict()
    return Lease(
        session=session_id,
        purpose=purpose,
        token=cells["token"],
        claimed_at=datetime.fromisoformat(cells["claimed_at"]),
        process=ProcessMark(**{name: cells[name] for name in ProcessMark.model_fields}),
    )


def _row(lease: Lease) -> dict[str, object]:
    return {
        "session_id": lease.session,
        "purpose": lease.purpose,
        "token": lease.token,
        "claimed_at": text_of(lease.claimed_at),
        **lease.process.model_dump(),
    }
