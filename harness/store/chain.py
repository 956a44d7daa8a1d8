"""Whether a session's record is what was recorded.

The hashes are not keyed: they show every change by someone who does not recompute
the whole chain. Against someone who does, compare a head hash kept elsewhere (a
scorecard prints one): pass it as `known_head`.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Literal

from pydantic import ValidationError, computed_field

from harness.models.base import Model
from harness.models.event import (
    GENESIS,
    AssistantOpened,
    ExchangeRecorded,
    Payload,
    ReportWritten,
    SessionSubmitted,
    TerminalClosed,
    event_hash,
)
from harness.store.rows import PAYLOAD, Record

MAX_PROBLEMS = 1000
"""A report lists no more."""

ProblemKind = Literal[
    "edited",
    "missing",
    "reordered",
    "inserted",
    "truncated",
    "unreadable",
    "unknown-head",
    "blob-missing",
    "blob-changed",
    "file-missing",
    "file-changed",
    "file-unexpected",
    "archive",
]
"""What is wrong: with an event; with the chain's end; with a blob; with an archive's file."""


class ChainProblem(Model):
    """One thing that is not as recorded."""

    seq: int | None
    """The event it was noticed at; None for the archive as a whole."""
    kind: ProblemKind
    message: str
    """For a person; quotes nothing a candidate wrote."""


class ChainReport(Model):
    """What verifying a session found."""

    session: str
    events: int
    """How many were read."""
    head: str
    """Hash of the last event read; `GENESIS` when there is none."""
    problems: tuple[ChainProblem, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # mypy does not take decorators on properties
    @property
    def ok(self) -> bool:
        """Everything is as recorded."""
        return not self.problems


class ChainChecker:
    """Reads records one by one and notes what does not fit.

    Args:
        session: The id every record must carry.
        head: Sequence and hash of the last event, as the session's row keeps them.
        known_head: A hash that some event must have; None to ask for none.
    """

    def __init__(self, session: str, *, head: tuple[int, str], known_head: str | None) -> None:
        self.session = session
        self.problems: list[ChainProblem] = []
        self.blobs: dict[str, tuple[int, str]] = {}
        """Referenced hash -> the first event that names it, and as what."""
        self._head = head
        self._unseen = known_head
        self._count = 0
        self._last: tuple[int, str] = (0, GENESIS)
        self._gaps: list[tuple[int, int]] = []
        self._late: set[int] = set()

    def note(self, seq: int | None, kind: ProblemKind, message: str) -> None:
        """Keep a problem, up to a bound."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(ChainProblem(seq=seq, kind=kind, message=message))

    def read(self, record: Record, *, kind: str | None = None) -> None:
        """Take the next record.

        Args:
            record: As stored.
            kind: What the database's index column says it is, where there is one.
        """
        self._count += 1
        if not isinstance(record.seq, int):
            self.note(None, "edited", "An event has no number in place of its sequence.")
            return
        whole = self._is_whole(record)
        self._follow(record, whole=whole)
        if record.hash == self._unseen:
            self._unseen = None
        payload = self._payload(record, whole=whole)
        if payload is None:
            return
        if kind is not None and kind != payload.event:
            self.note(record.seq, "edited", f"Event {record.seq} is filed under another kind.")
        for sha256, role in referenced_blobs(payload):
            self.blobs.setdefault(sha256, (record.seq, role))

    def report(self) -> ChainReport:
        """What was found, once everything was read."""
        self._end()
        seq, head = self._last
        return ChainReport(
            session=self.session,
            events=self._count,
            head=head if seq else GENESIS,
            problems=tuple(self.problems),
        )

    def _is_whole(self, record: Record) -> bool:
        try:
            expected = event_hash(
                session=self.session,
                seq=record.seq,
                at=record.at,
                offset_sec=record.offset_sec,
                payload_json=record.payload,
                prev=record.prev,
            )
        except TypeError:  # bytes where text belongs
            expected = ""
        if expected == record.hash and record.session == self.session:
            return True
        self.note(record.seq, "edited", f"Event {record.seq} is not what its hash says.")
        return False

    def _follow(self, record: Record, *, whole: bool) -> None:
        """Does it come right after the one before?"""
        last_seq, last_hash = self._last
        seq = record.seq
        if seq <= last_seq:
            self._place_late(seq, last_seq)
            return
        if seq > last_seq + 1:
            self._gaps.append((last_seq + 1, seq - 1))
        elif record.prev != last_hash and whole:
            self.note(
                seq,
                "edited",
                f"Event {seq} follows another event than the one that stands before it.",
            )
        self._last = (seq, record.hash if isinstance(record.hash, str) else "")

    def _place_late(self, seq: int, last_seq: int) -> None:
        """An event behind a later one: it was missed there, or it is one too many."""
        at = bisect.bisect_right(self._gaps, (seq, last_seq)) - 1
        missed = at >= 0 and self._gaps[at][0] <= seq <= self._gaps[at][1]
        if missed and seq not in self._late:
            self._late.add(seq)
            self.note(seq, "reordered", f"Event {seq} stands behind event {last_seq}.")
        else:
            self.note(seq, "inserted", f"Event {seq} is there more than once.")

    def _payload(self, record: Record, *, whole: bool) -> Payload | None:
        try:
            return PAYLOAD.validate_json(record.payload)
        except (ValidationError, TypeError):
            if whole:
                self.note(
                    record.seq,
                    "unreadable",
                    f"Event {record.seq} is of a kind or form that this harness does not know.",
                )
            return None

    def _end(self) -> None:
        late = sorted(self._late)
        for first, last in self._gaps:
            found = bisect.bisect_right(late, last) - bisect.bisect_left(late, first)
            if found <= last - first:
                what = f"Event {first} is" if first == last else f"Events {first} to {last} are"
                self.note(first, "missing", f"{what} missing.")
        seq, head_hash = self._head
        last_seq, last_hash = self._last
        if last_seq < seq:
            self.note(
                last_seq + 1, "truncated", f"The record ends at event {last_seq} instead of {seq}."
            )
        elif last_seq > seq:
            self.note(seq + 1, "inserted", f"Events behind event {seq} were not recorded by us.")
        elif last_hash != head_hash:
            self.note(seq, "edited", f"Event {seq} is not the last one that was recorded.")
        if self._unseen is not None:
            self.note(None, "unknown-head", f"No event has the hash {self._unseen[:64]!r}.")


def referenced_blobs(payload: Payload) -> Iterator[tuple[str, str]]:
    """The blobs an event names, each with what it is."""
    if isinstance(payload, TerminalClosed) and payload.cast_sha256 is not None:
        yield payload.cast_sha256, "terminal recording"
    elif isinstance(payload, AssistantOpened) and payload.script_sha256 is not None:
        yield payload.script_sha256, "assistant script"
    elif isinstance(payload, ExchangeRecorded):
        yield from payload.exchange.bodies()
    elif isinstance(payload, SessionSubmitted):
        yield payload.submission_sha256, "sealed submission"
    elif isinstance(payload, ReportWritten):
        yield payload.scorecard_sha256, "scorecard"
