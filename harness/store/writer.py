"""The connection that a store writes events on: a lock, a transaction, a bare cursor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from harness.store.database import Database
from harness.store.failures import store_error

_T = TypeVar("_T")


class Writer:
    """One writer at a time in this process; the database keeps other processes apart."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None
        self._cursor: DBAPICursor | None = None

    def transaction(self, doing: str, work: Callable[[DBAPICursor], _T]) -> _T:
        """What `work` returns, once all that it executed is committed; or none of it stays.

        On SQLite the database's write lock is held from the start.

        Raises:
            StoreError: The database failed; `doing` says what was tried.
        """
        with self._lock:
            try:
                cursor = self._connected()
                if self._database.sqlite:
                    cursor.execute("BEGIN IMMEDIATE")
                result = work(cursor)
                cursor.execute("COMMIT")
            except self._database.errors as error:
                self._abandon()
                raise store_error(error, where=self._database.where, doing=doing) from error
            except BaseException:
                self._abandon()
                raise
            return result

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = self._cursor = None

    def _connected(self) -> DBAPICursor:
        """The one cursor, on a new connection if a server has closed the last meanwhile."""
        if self._connection is not None and not self._database.sqlite:
            try:
                self._database.engine.dialect.do_ping(self._connection.dbapi_connection)  # type: ignore[arg-type]  # it is checked out, so there is one
            except self._database.errors:
                self._drop()
        if self._cursor is None:
            self._connection = self._database.engine.raw_connection()
            self._cursor = self._connection.cursor()
        return self._cursor

    def _abandon(self) -> None:
        """Undo; a connection that cannot even do that is dropped."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except self._database.errors:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
        self._connection = self._cursor = None
