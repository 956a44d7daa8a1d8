"""A durable event against raw sqlite3 with the same promise to the disk."""

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
            note = NoteTaken(by="bench", text="x" * 200)

            async def ours() -> None:
                for _ in range(_BATCH):
                    store.append("bench", note)

            async def peer() -> None:
                for _ in range(_BATCH):
                    raw.execute("begin immediate")
                    raw.execute("insert into events (payload) values (?)", ("x" * 400,))
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
    connection.execute("create table events (seq integer primary key, payload text)")
    return connection
