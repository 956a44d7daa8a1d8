"""A durable event against raw sqlite3 with the same promise to the disk.

The peer writes the row that an event is, and the session's new head, in one
transaction with `synchronous=FULL`; it validates and hashes nothing.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import Figure, compared, in_turns
from harness.models.event import NoteTaken
from harness.models.session import Session
from harness.store import Store

_BATCH = 50
_ROUNDS = 15
_TEXT = "x" * 200
_PAYLOAD = NoteTaken(by="bench", text=_TEXT).model_dump_json()
_HASH = "0" * 64


async def measure() -> list[Figure]:
    """Batches of 50 appends, each on the disk before the next."""
    with TemporaryDirectory(dir=Path.cwd()) as folder:
        url = f"sqlite:///{folder}/harness.db"
        with Store.open(url, Path(folder)) as store:
            store.create_session(
                Session(
                    id="bench",
                    task="t",
                    task_digest="0" * 64,
                    rubric="r",
                    minutes=1,
                    backend="fake",
                    created_at=datetime.now(UTC),
                )
            )
            raw = _raw(Path(folder) / "raw.db")
            note = NoteTaken(by="bench", text=_TEXT)

            async def ours() -> None:
                for _ in range(_BATCH):
                    store.append("bench", note)

            async def peer() -> None:
                for _ in range(_BATCH):
                    raw.execute("begin immediate")
                    (seq,) = raw.execute("select head from sessions where id = 's'").fetchone()
                    raw.execute(
                        "insert into events values ('s', ?, ?, ?, ?, ?, ?, ?)",
                        (seq + 1, "2026-01-01T00:00:00+00:00", 1.5, "note", _PAYLOAD, _HASH, _HASH),
                    )
                    raw.execute("update sessions set head = ?, hash = ?", (seq + 1, _HASH))
                    raw.execute("commit")

            times = await in_turns(ours, peer, rounds=_ROUNDS)
            raw.close()
    figure = compared(
        f"{_BATCH} durable events, speed / raw sqlite3 FULL", *times, aim=0.6, sense="at least"
    )
    return [figure]


def _raw(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("create table sessions (id text primary key, head integer, hash text)")
    connection.execute("insert into sessions values ('s', 0, '')")
    connection.execute(
        "create table events (session_id text, seq integer, at text, offset_sec real, kind text,"
        " payload text, prev text, hash text, primary key (session_id, seq))"
    )
    return connection
