"""The engine, and how each of the two databases takes its locks and keeps its word."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from harness.errors import HarnessError, StoreError
from harness.store.failures import store_error

LOCK_TIMEOUT_SEC = 30.0
"""How long a writer waits for another one before it gives up."""

_PREPARE_POSTGRES = """
    SELECT set_config('lock_timeout', %(lock_timeout)s, false),
           set_config('synchronous_commit',
                      CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                      ELSE current_setting('synchronous_commit') END, false),
           current_setting('server_encoding')
"""


class Database:
    """One engine for one URL; close it when done."""

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.where = parsed.render_as_string(hide_password=True)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        with self._driver_missing():
            self.engine = _sqlite_engine(parsed) if self.sqlite else _postgres_engine(parsed)
        self.errors = (sa.exc.SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error, OSError)
        isolation = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        self._snapshot = self.engine.execution_options(**isolation)
        self._immediate = self.engine.execution_options(harness_immediate=True)

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    @contextlib.contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Raise `StoreError` for whatever the driver or the disk reports inside."""
        try:
            yield
        except HarnessError:
            raise
        except self.errors as error:
            raise store_error(error, where=self.where, doing=doing) from error

    @contextlib.contextmanager
    def reading(self, doing: str) -> Iterator[sa.Connection]:
        """A transaction that sees one moment of the database and changes nothing."""
        with self.translated(doing), self._snapshot.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, doing: str) -> Iterator[sa.Connection]:
        """A transaction that commits at the end; on SQLite it holds the write lock at once."""
        with self.translated(doing), self._immediate.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _driver_missing(self) -> Iterator[None]:
        try:
            yield
        except ImportError as error:
            raise StoreError(
                f"The database driver for {self.where} cannot be loaded: {error}.",
                remedy="Reinstall the harness.",
                slug="store-url",
            ) from error


def _parse(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreError(
            "The database URL cannot be read.", remedy=_URL_REMEDY, slug="store-url"
        ) from error
    backend = parsed.get_backend_name()
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(
            f"The harness does not know databases of the kind '{backend}'.",
            remedy=_URL_REMEDY,
            slug="store-url",
        )
    if parsed.database in {None, "", ":memory:"} or "mode=memory" in str(parsed):
        raise StoreError(
            "A database in memory cannot keep a record.", remedy=_URL_REMEDY, slug="store-url"
        )
    return parsed.set(drivername="sqlite+pysqlite")


_URL_REMEDY = (
    "Set HARNESS_DATABASE_URL to sqlite:////path/to/harness.db or to "
    "postgresql+psycopg://user@host/database."
)


def _sqlite_engine(url: URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_SEC}, pool_size=5)

    @sa.event.listens_for(engine, "do_connect")
    def private_file(_dialect: Dialect, _record: object, args: list[Any], _kw: object) -> None:
        path = Path(args[0])
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _record: object) -> None:
        # The driver must not begin transactions by itself: `begin` below chooses their kind.
        connection.isolation_level = None
        _write_ahead(connection)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("harness_immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _write_ahead(connection: DBAPIConnection) -> None:
    """Switch to WAL; SQLite answers "locked" at once when two processes switch a new file."""
    deadline = time.monotonic() + LOCK_TIMEOUT_SEC
    cursor = connection.cursor()
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    cursor.close()


def _postgres_engine(url: URL) -> sa.Engine:
    connect_args = {"connect_timeout": 10, "client_encoding": "utf8", "application_name": "harness"}
    for name in url.query:
        connect_args.pop(name, None)
    engine = sa.create_engine(
        url, paramstyle="format", pool_pre_ping=True, pool_size=5, connect_args=connect_args
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(_PREPARE_POSTGRES, {"lock_timeout": f"{LOCK_TIMEOUT_SEC:.0f}s"})
        encoding = (cursor.fetchone() or ("", "", ""))[2]
        cursor.close()
        connection.commit()
        if encoding != "UTF8":
            raise StoreError(
                f"The database at {url.render_as_string()} is encoded in {encoding}.",
                remedy="Create it with ENCODING 'UTF8'.",
                slug="store-foreign",
            )

    return engine
