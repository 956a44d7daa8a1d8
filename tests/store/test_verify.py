"""Verifying: any edited, dropped, reordered or inserted event and any damaged blob shows."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.models.event import (
    GENESIS,
    NoteTaken,
    ReportWritten,
    SessionStarted,
    SessionSubmitted,
    TerminalClosed,
    event_hash,
)
from harness.store import ChainReport, Store
from harness.store.chain import MAX_PROBLEMS, ChainChecker
from harness.store.rows import Record
from harness.testing.builders import a_session

from .conftest import SESSION_ID, tamper


@pytest.fixture
def recorded(store: Store) -> Store:
    """A store whose session has eight notes."""
    for number in range(1, 9):
        store.append(SESSION_ID, NoteTaken(by="a", text=f"note {number}"))
    assert store.verify(SESSION_ID).ok
    return store


def _found(report: ChainReport) -> list[tuple[int | None, str]]:
    assert not report.ok
    return [(problem.seq, problem.kind) for problem in report.problems]


@pytest.mark.parametrize(
    "change",
    [
        "payload = replace(payload, 'note 4', 'note 5')",
        "payload = payload || ' '",
        "at = '2026-03-02T09:30:00.000001+00:00'",
        "offset_sec = offset_sec + 0.000001",
        "prev = '" + "0" * 64 + "'",
        "kind = 'session.started'",
    ],
)
def test_any_edited_field_shows(recorded: Store, store_url: str, change: str) -> None:
    """Every column of an event counts, the one it is filed under too."""
    assert tamper(store_url, f"UPDATE events SET {change} WHERE seq = 4") == 1
    assert _found(recorded.verify(SESSION_ID)) == [(4, "edited")]


def test_an_edited_hash_shows(recorded: Store, store_url: str) -> None:
    """The event no longer fits its hash, nor the next one its predecessor."""
    tamper(store_url, f"UPDATE events SET hash = '{'1' * 64}' WHERE seq = 4")
    assert _found(recorded.verify(SESSION_ID)) == [(4, "edited"), (5, "edited")]


def test_a_forged_event_with_a_fitting_hash_shows(recorded: Store, store_url: str) -> None:
    """Recomputing one event's hash breaks the link to the next."""
    event = list(recorded.events(SESSION_ID))[3]
    payload = '{"event":"note","by":"a","text":"forged"}'
    forged = event_hash(
        session=SESSION_ID,
        seq=4,
        at=event.at.isoformat(timespec="microseconds"),
        offset_sec=event.offset_sec,
        payload_json=payload,
        prev=event.prev,
    )
    tamper(
        store_url,
        "UPDATE events SET payload = :payload, hash = :hash WHERE seq = 4",
        payload=payload,
        hash=forged,
    )
    assert _found(recorded.verify(SESSION_ID)) == [(5, "edited")]


def test_dropped_events_show(recorded: Store, store_url: str) -> None:
    """A gap is named with its ends."""
    tamper(store_url, "DELETE FROM events WHERE seq IN (3, 4, 6)")
    report = recorded.verify(SESSION_ID)
    assert _found(report) == [(3, "missing"), (6, "missing")]
    assert "Events 3 to 4" in report.problems[0].message


@pytest.mark.parametrize("kept", [0, 7])
def test_a_dropped_tail_shows(recorded: Store, store_url: str, kept: int) -> None:
    """The session's row knows where the record ended."""
    tamper(store_url, "DELETE FROM events WHERE seq > :kept", kept=kept)
    report = recorded.verify(SESSION_ID)
    assert _found(report) == [(kept + 1, "truncated")]
    assert report.events == kept


def test_swapped_events_show(recorded: Store, store_url: str) -> None:
    """Two events that changed places are not what their hashes say."""
    for before, after in ((3, 100), (4, 3), (100, 4)):
        tamper(store_url, "UPDATE events SET seq = :after WHERE seq = :b", after=after, b=before)
    assert {(3, "edited"), (4, "edited")} <= set(_found(recorded.verify(SESSION_ID)))


def test_a_closed_up_gap_shows(recorded: Store, store_url: str) -> None:
    """Renumbering what follows a dropped event does not hide it."""
    tamper(store_url, "DELETE FROM events WHERE seq = 3")
    for seq in range(4, 9):
        tamper(store_url, "UPDATE events SET seq = :seq - 1 WHERE seq = :seq", seq=seq)
    assert (3, "edited") in _found(recorded.verify(SESSION_ID))


def test_an_inserted_event_shows(recorded: Store, store_url: str) -> None:
    """An event behind the last one, well chained or not, was not recorded by us."""
    tamper(
        store_url,
        "INSERT INTO events SELECT session_id, 9, at, offset_sec, kind, payload, prev, hash "
        "FROM events WHERE seq = 8",
    )
    assert (9, "inserted") in _found(recorded.verify(SESSION_ID))


def test_an_event_moved_to_another_session_shows_in_both(recorded: Store, store_url: str) -> None:
    """Events belong to their session."""
    recorded.create_session(a_session(id="other"))
    tamper(store_url, "UPDATE events SET session_id = 'other' WHERE seq = 1")
    assert _found(recorded.verify(SESSION_ID)) == [(1, "missing")]
    assert (1, "edited") in _found(recorded.verify("other"))


def test_a_moved_head_shows(recorded: Store, store_url: str) -> None:
    """The row's own copy of the head is compared too."""
    tamper(store_url, f"UPDATE sessions SET head_hash = '{'1' * 64}'")
    assert _found(recorded.verify(SESSION_ID)) == [(8, "edited")]


def test_a_chain_computed_anew_does_not_have_the_known_head(recorded: Store) -> None:
    """A hash kept elsewhere finds what the record alone cannot show."""
    last = list(recorded.events(SESSION_ID))[-1]
    assert recorded.verify(SESSION_ID, known_head=last.prev).ok
    report = recorded.verify(SESSION_ID, known_head="2" * 64)
    assert _found(report) == [(None, "unknown-head")]


def test_a_damaged_blob_shows(store: Store) -> None:
    """Casts, submissions and scorecards are checked with the chain that names them."""
    cast, tree, card = (store.put_blob(body) for body in (b"cast", b"tree", b"card"))
    closed = TerminalClosed(terminal="t", exit_code=0, duration_sec=1, cast_sha256=cast)
    store.append(SESSION_ID, closed)
    submitted = SessionSubmitted(submission_sha256=tree, tree="t", files=1, bytes=4, used_sec=1)
    store.append(SESSION_ID, submitted)
    store.append(SESSION_ID, ReportWritten(formats=("html",), scorecard_sha256=card))
    store.append(SESSION_ID, closed.model_copy(update={"cast_sha256": None}))
    assert store.verify(SESSION_ID).ok
    store.blob_path(cast).unlink()
    store.blob_path(tree).chmod(0o600)
    store.blob_path(tree).write_bytes(b"TREE")
    assert _found(store.verify(SESSION_ID)) == [(1, "blob-missing"), (2, "blob-changed")]


def test_a_hash_that_is_none_is_a_missing_blob(store: Store) -> None:
    """A reference that leads out of the blob folder leads nowhere."""
    report = ReportWritten(formats=(), scorecard_sha256="../../../etc/passwd")
    store.append(SESSION_ID, report)
    assert _found(store.verify(SESSION_ID)) == [(1, "blob-missing")]


def test_an_event_of_a_newer_harness_is_unreadable_not_edited(store: Store, store_url: str) -> None:
    """A whole event of an unknown kind says so."""
    event = store.append(SESSION_ID, SessionStarted())
    payload = '{"event":"telepathy"}'
    digest = event_hash(
        session=SESSION_ID,
        seq=1,
        at=event.at.isoformat(timespec="microseconds"),
        offset_sec=0.0,
        payload_json=payload,
        prev=GENESIS,
    )
    tamper(store_url, "UPDATE events SET payload = :p, hash = :h", p=payload, h=digest)
    tamper(store_url, "UPDATE sessions SET head_hash = :h", h=digest)
    assert _found(store.verify(SESSION_ID)) == [(1, "unreadable")]


def test_an_empty_session_verifies(store: Store) -> None:
    """Nothing was recorded, and nothing is missing."""
    report = store.verify(SESSION_ID)
    assert (report.ok, report.events, report.head) == (True, 0, GENESIS)


# The algebra, without a database


def _chain(texts: list[str]) -> list[Record]:
    records, prev = [], GENESIS
    for seq, text in enumerate(texts, 1):
        payload = NoteTaken(by="a", text=text).model_dump_json()
        at, offset = "2026-03-02T09:30:00.000000+00:00", float(seq)
        digest = event_hash(
            session="s", seq=seq, at=at, offset_sec=offset, payload_json=payload, prev=prev
        )
        records.append(Record("s", seq, at, offset, payload, prev, digest))
        prev = digest
    return records


def _check(records: list[Record], head: Record) -> ChainReport:
    checker = ChainChecker("s", head=(head.seq, head.hash), known_head=None)
    for record in records:
        checker.read(record)
    return checker.report()


_chains = st.lists(st.text(max_size=5), min_size=1, max_size=12).map(_chain)


@given(records=_chains)
def test_an_untouched_chain_is_whole(records: list[Record]) -> None:
    """No false alarm."""
    report = _check(records, records[-1])
    assert report.ok
    assert (report.events, report.head) == (len(records), records[-1].hash)


@given(records=_chains, data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_other_selection_or_order_shows(records: list[Record], data: st.DataObject) -> None:
    """Dropping, repeating, shuffling: only the chain as recorded passes."""
    other = data.draw(st.lists(st.sampled_from(records), max_size=15) | st.permutations(records))
    assert _check(other, records[-1]).ok == (other == records)


@given(records=_chains, data=st.data())
def test_any_changed_field_shows(records: list[Record], data: st.DataObject) -> None:
    """Any field of any event, any other value of its type or of none."""
    at = data.draw(st.integers(0, len(records) - 1))
    field = data.draw(st.sampled_from(Record._fields))
    value = data.draw(
        st.text() | st.integers() | st.floats(allow_nan=False) | st.binary() | st.none()
    )
    changed = records[at]._replace(**{field: value})
    if repr(changed) == repr(records[at]):
        return
    assert not _check([*records[:at], changed, *records[at + 1 :]], records[-1]).ok


def test_a_moved_event_is_called_reordered() -> None:
    """An event that stands behind a later one is not also called missing."""
    records = _chain(["a", "b", "c", "d"])
    report = _check([records[index] for index in (0, 2, 1, 3)], records[-1])
    assert _found(report) == [(2, "reordered")]


def test_a_repeated_event_is_called_inserted() -> None:
    """The second copy is one too many."""
    records = _chain(["a", "b"])
    assert _found(_check([*records, records[1]], records[-1])) == [(2, "inserted")]


def test_a_report_has_an_end() -> None:
    """A forged record of any length gives a bounded report, in time."""
    (record,) = _chain(["a"])
    forged = [record._replace(seq=seq) for seq in range(2 * 10**18, 2, -(10**15))]
    assert len(_check(forged, record).problems) == MAX_PROBLEMS
