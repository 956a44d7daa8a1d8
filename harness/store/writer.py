"""The connection that a store writes events on: a lock, a transaction, a bare cursor."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from harness.store.database import Database
from harness.store.failures import store_error


class Writer:
    """One writer at a time in this process; the database keeps other processes apart."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None

    @contextlib.contextmanager
    def transaction(self, doing: str) -> Iterator[DBAPICursor]:
        """A cursor whose statements are committed at the end, or none of them stays.

        On SQLite the database's write lock is held from the start.

        Raises:
            StoreError: The database failed; `doing` says what was tried.
        """
        with self._lock:
            try:
                connection = self._connected()
                cursor = connection.cursor()
                if self._database.sqlite:
                    cursor.execute("BEGIN IMMEDIATE")
                yield cursor
                connection.commit()
                cursor.close()
            except self._database.errors as error:
                self._abandon()
                raise store_error(error, where=self._database.where, doing=doing) from error
            except BaseException:
                self._abandon()
                raise

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connected(self) -> PoolProxiedConnection:
        """The connection, opened again if a server has closed it meanwhile."""
        if self._connection is not None and not self._database.sqlite:
            try:
                self._database.engine.dialect.do_ping(self._connection.dbapi_connection)  # type: ignore[arg-type]  # it is checked out, so there is one
            except self._database.errors:
                self._connection.invalidate()
                self._connection = None
        if self._connection is None:
            self._connection = self._database.engine.raw_connection()
        return self._connection

    def _abandon(self) -> None:
        """Undo; a connection that cannot even do that is dropped."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except self._database.errors:
            self._connection.invalidate()
            self._connection = None
