"""One SQLite file, one writing thread, a few reading ones.

A write is a function that gets the connection. The writing thread runs whatever has been
handed in meanwhile in a single transaction, each function in a savepoint of its own, and
reports back after the commit: a commit waits for the disk, and so many writes share one.
Nothing here blocks the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_MAX_BATCH = 64
_CHECKPOINT_SEC = 2.0
# FULL: what is committed survives the loss of the machine, not only of the process.
# secure_delete: a card token that we forget is overwritten, not just unlinked.
_PRAGMAS = ["journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "cache_size=-8000"]


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    db.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        db.execute(f"PRAGMA {pragma}")
    return db


class Database:
    """`await db.write(function, ...)` and `await db.read(function, ...)`."""

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._prepare = prepare
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(3, thread_name_prefix="db-read")
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="db-write", daemon=True)

    async def open(self) -> None:
        """Open the file and bring it to the present form."""
        self._thread.start()
        await self._opened

    async def close(self) -> None:
        """Finish what was handed in, and close the file."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def write(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function in a transaction; returns after the commit."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put((lambda db: function(db, *args, **kwargs), future))
        return await future

    async def read(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function that only reads; it sees everything committed so far."""

        def call() -> T:
            db = getattr(self._local, "db", None)
            if db is None:
                db = self._local.db = _connect(self._path)
                db.execute("PRAGMA query_only=ON")
            return function(db, *args, **kwargs)

        return await self._loop.run_in_executor(self._readers, call)

    # -- the writing thread ------------------------------------------------------

    def _run(self) -> None:
        try:
            db = _connect(self._path)
            db.execute("BEGIN IMMEDIATE")
            self._prepare(db)
            db.execute("COMMIT")
        except BaseException as exc:
            self._report([(self._opened, None, exc)])
            return
        self._report([(self._opened, None, None)])
        self._serve(db)
        db.close()

    def _serve(self, db: sqlite3.Connection) -> None:
        dirty = False
        checkpoint_at = 0.0
        while True:
            try:
                item = self._queue.get(timeout=_CHECKPOINT_SEC)
            except queue.Empty:
                item = ()
            if item is None:
                return
            if item:
                before = db.total_changes
                leave = self._commit(db, item)
                dirty = dirty or db.total_changes != before
                if leave:
                    return
            if dirty and time.monotonic() >= checkpoint_at:
                dirty = not self._checkpoint(db)
                checkpoint_at = time.monotonic() + _CHECKPOINT_SEC

    def _commit(self, db: sqlite3.Connection, item: Any) -> bool:
        """Carry out `item` and what waits behind it; True if we are asked to leave."""
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        leave = False
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as exc:
            self._report([(item[1], None, exc)])
            return False
        while True:
            function, future = item
            try:
                db.execute("SAVEPOINT one")
                value = function(db)
                db.execute("RELEASE one")
                results.append((future, value, None))
            except BaseException as exc:
                if db.in_transaction:
                    db.execute("ROLLBACK TO one")
                    db.execute("RELEASE one")
                results.append((future, None, exc))
            if len(results) >= _MAX_BATCH:
                break
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                leave = True
                break
        try:
            db.execute("COMMIT")
        except sqlite3.Error as exc:
            logger.error("commit failed: %s", exc)
            if db.in_transaction:
                db.execute("ROLLBACK")
            results = [(future, None, error or exc) for future, _, error in results]
        self._report(results)
        return leave

    def _checkpoint(self, db: sqlite3.Connection) -> bool:
        """Empty the write-ahead log, so that nothing forgotten lingers in it."""
        try:
            db.execute("PRAGMA busy_timeout=50")
            busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            db.execute("PRAGMA busy_timeout=1000")
        except sqlite3.Error as exc:
            logger.warning("checkpoint failed: %s", exc)
            return False
        return not busy

    def _report(self, results: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
        def deliver() -> None:
            for future, value, error in results:
                if future.done():
                    continue
                if error is None:
                    future.set_result(value)
                else:
                    future.set_exception(error)

        self._loop.call_soon_threadsafe(deliver)
