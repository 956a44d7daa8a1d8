"""A durable event against raw sqlite3 with the same promise to the disk.

The peer writes by hand on a bare connection: write lock, head read, head and row
written, commit. It has the same tables (a store made them), the same file system, the
same pragmas (WAL, `synchronous=FULL`, foreign keys) and leaves rows of the same length,
which is checked at the end. It starts where we start, from the payload: it reads the
clock and makes the JSON. It validates and hashes nothing; fillers stand in the hashes'
place.

The peer's column also tells the figure against a floor whose rows are ready beforehand:
no clock, no JSON, nothing but sqlite3.

The three take turns in small batches, and ratios are taken turn by turn, so that what
slows the machine for a moment slows all three.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring import Figure, spread
from harness.models.event import NoteTaken
from harness.models.session import Session
from harness.store import Store

_BATCH = 20
_ROUNDS = 100
_NOTE = NoteTaken(by="bench", text="x" * 200)
_SESSION = Session(
    id="bench",
    task="t",
    task_digest="0" * 64,
    rubric="r",
    minutes=1,
    backend="fake",
    created_at=datetime.now(UTC),
)


async def measure() -> list[Figure]:
    """Batches of appends, each on the disk before the next."""
    with (
        TemporaryDirectory(dir=Path.cwd()) as folder,
        _store(Path(folder) / "ours") as store,
        closing(_Raw(Path(folder) / "ready")) as ready,
        closing(_Raw(Path(folder) / "made")) as made,
    ):
        ours, floor, peer = _in_turns(
            lambda: store.append("bench", _NOTE), ready.append_ready, made.append
        )
        assert len({_left(path) for path in Path(folder).iterdir()}) == 1, "unlike rows"
    return [
        Figure(
            f"{_BATCH} durable events, speed / raw sqlite3 FULL",
            spread(ours),
            f"{spread(peer)}; {_speed(ours, floor):.2f} of one whose rows are ready",
            _speed(ours, peer),
            aim=0.6,
            sense="at least",
        )
    ]


class _Raw:
    """A store's tables written by hand."""

    def __init__(self, folder: Path) -> None:
        _store(folder).close()
        self._connection = sqlite3.connect(folder / "harness.db", isolation_level=None)
        for pragma in ("synchronous = full", "foreign_keys = on"):
            self._connection.execute(f"pragma {pragma}")
        self._ready = (_now(), _NOTE.model_dump_json())

    def append_ready(self) -> None:
        """One event whose time and JSON are there already."""
        self._write(*self._ready)

    def append(self) -> None:
        """One event from its payload."""
        self._write(_now(), _NOTE.model_dump_json())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _write(self, at: str, payload: str) -> None:
        execute = self._connection.execute
        execute("begin immediate")
        seq, prev = execute(_READ_HEAD, ("bench",)).fetchone()
        filler = f"{seq + 1:064x}"
        execute(_ADVANCE, (seq + 1, filler, at, 1.5, _BOOT_ID, 1.5, "bench"))
        execute(_INSERT, ("bench", seq + 1, at, 1.5, "note", payload, prev, filler))
        execute("commit")


_BOOT_ID = "0" * 36
_READ_HEAD = "select head_seq, head_hash from sessions where id = ?"
_ADVANCE = (
    "update sessions set head_seq = ?, head_hash = ?, head_at = ?, head_offset_sec = ?,"
    " head_boot_id = ?, head_moment_sec = ? where id = ?"
)
_INSERT = "insert into events values (?, ?, ?, ?, ?, ?, ?, ?)"
_LEFT = """
    select count(*), sum(length(at)), sum(length(kind)), group_concat(distinct payload),
           sum(length(prev)), sum(length(hash)), max(seq) = head_seq, length(head_boot_id)
    from events join sessions on id = session_id
"""


def _store(folder: Path) -> Store:
    """A new store with one session."""
    store = Store.open(f"sqlite:///{folder}/harness.db", folder)
    store.create_session(_SESSION)
    return store


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _in_turns(*appends: Callable[[], object]) -> tuple[list[float], ...]:
    """Seconds per batch of each."""
    seconds: tuple[list[float], ...] = tuple([] for _ in appends)
    for number in range(1 + _ROUNDS):
        for append, times in zip(appends, seconds, strict=True):
            before = time.perf_counter()
            for _ in range(_BATCH):
                append()
            if number:
                times.append(time.perf_counter() - before)
    return seconds


def _speed(ours: list[float], peer: list[float]) -> float:
    """The median of the ratios, turn by turn; above 1 when ours is faster."""
    return statistics.median(theirs / own for own, theirs in zip(ours, peer, strict=True))


def _left(folder: Path) -> tuple[object, ...]:
    """What the rows in a database come to: the same for all three."""
    with closing(sqlite3.connect(folder / "harness.db")) as connection:
        left: tuple[object, ...] = connection.execute(_LEFT).fetchone()
        return left
