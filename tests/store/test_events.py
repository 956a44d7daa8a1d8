"""Events: appended, chained, read back as they were."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.errors import IntegrityError, StoreError
from harness.models.check import Measurement
from harness.models.event import (
    GENESIS,
    CommandRun,
    GradingFinished,
    NoteTaken,
    Payload,
    RecordingGap,
    SessionStarted,
    event_hash,
)
from harness.models.recording import Command
from harness.store import Store
from harness.store.rows import MAX_PAYLOAD_BYTES, PAYLOAD
from harness.testing.builders import A_MOMENT, a_grading, a_result, a_session, payloads

from .conftest import SESSION_ID, ScriptedClock, tamper

_offsets = st.floats(0, allow_nan=False, allow_infinity=False)


@given(payload=payloads())
@example(payload=NoteTaken(by="\0", text='"\\\n\u2028\U0001f600'))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_payload_reads_back_as_written(store: Store, payload: Payload) -> None:
    """Whatever any kind of event holds, appending and reading keep it, and the chain holds."""
    event = store.append(SESSION_ID, payload)
    assert [event] == list(store.events(SESSION_ID, after_seq=event.seq - 1))
    assert event.payload == payload
    assert PAYLOAD.validate_json(payload.model_dump_json()) == payload


def test_the_chain_of_all_of_these_verifies(store: Store) -> None:
    """Each event carries the hash of the one before, computed as the model says."""
    first = store.append(SESSION_ID, SessionStarted())
    second = store.append(SESSION_ID, NoteTaken(by="a", text="b"))
    assert (first.seq, first.prev, first.offset_sec) == (1, GENESIS, 0.0)
    assert (second.seq, second.prev) == (2, first.hash)
    assert second.hash == event_hash(
        session=SESSION_ID,
        seq=2,
        at=second.at.isoformat(timespec="microseconds"),
        offset_sec=second.offset_sec,
        payload_json='{"event":"note","by":"a","text":"b"}',
        prev=first.hash,
    )
    report = store.verify(SESSION_ID)
    assert (report.ok, report.events, report.head) == (True, 2, second.hash)


@given(cells=st.lists(st.text(), min_size=4, max_size=4), seq=st.integers(1), offset=_offsets)
@example(cells=["\0", '"\\\u2028', "\x7f\n", "\U0001f600"], seq=1, offset=1e-06)
def test_a_hash_is_over_canonical_json(cells: list[str], seq: int, offset: float) -> None:
    """Anybody can recompute it: SHA-256 of the fields as a JSON list, ASCII, without spaces."""
    session, at, payload, prev = cells
    text = json.dumps([session, seq, at, repr(offset), payload, prev], separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == event_hash(
        session=session, seq=seq, at=at, offset_sec=offset, payload_json=payload, prev=prev
    )


def test_sessions_have_chains_of_their_own(store: Store) -> None:
    """Events of two sessions do not mix."""
    store.create_session(a_session(id="other"))
    for session in (SESSION_ID, "other", SESSION_ID):
        store.append(session, SessionStarted())
    assert [event.seq for event in store.events(SESSION_ID)] == [1, 2]
    assert [event.seq for event in store.events("other")] == [1]


def test_a_page_is_no_limit(store: Store) -> None:
    """Streams cross the pages they are read in, filtered or not."""
    for number in range(600):
        payload = NoteTaken(by="a", text=str(number)) if number % 2 else SessionStarted()
        store.append(SESSION_ID, payload)
    assert list(range(1, 601)) == [event.seq for event in store.events(SESSION_ID)]
    notes = store.events(SESSION_ID, after_seq=10, kinds=("note",))
    assert list(range(12, 601, 2)) == [event.seq for event in notes]
    assert list(store.events(SESSION_ID, kinds=())) == []


def test_a_stream_takes_what_is_appended_meanwhile(store: Store) -> None:
    """A reader that is slow does not stop a writer, and sees what it wrote."""
    for _ in range(257):
        store.append(SESSION_ID, SessionStarted())
    stream = store.events(SESSION_ID)
    next(stream)
    late = store.append(SESSION_ID, SessionStarted())
    assert late == list(stream)[-1]


def test_an_unknown_session_has_no_events(store: Store) -> None:
    """Reading events asks nothing else."""
    assert list(store.events("nobody")) == []


def test_a_number_that_is_not_finite_is_refused_where_a_number_must_be(store: Store) -> None:
    """JSON has no infinity; an event nobody could read again is not written."""
    with pytest.raises(StoreError, match=r"recording.gap.*seconds") as caught:
        store.append(SESSION_ID, RecordingGap(seconds=math.inf, reason="?"))
    assert caught.value.slug == "event-payload"
    assert list(store.events(SESSION_ID)) == []


def test_a_measurement_that_is_not_finite_reads_as_none(store: Store) -> None:
    """What is returned is what is stored: a grading is not lost for one odd number."""
    odd = a_result(measurements=(Measurement(name="latency", value=math.inf),))
    event = store.append(SESSION_ID, GradingFinished(grading=a_grading(odd)))
    assert [event] == list(store.events(SESSION_ID))
    assert isinstance(event.payload, GradingFinished)
    assert event.payload.grading.checks[0].measurements == (
        Measurement(name="latency", value=None),
    )


def test_a_payload_that_was_never_validated_is_refused(store: Store) -> None:
    """Values smuggled past a model's validation do not poison the record."""
    command = Command.model_construct(terminal="t", text="x", started_sec=-1.0, ended_sec=0.0)
    with pytest.raises(StoreError, match="started_sec"):
        store.append(SESSION_ID, CommandRun.model_construct(command=command))


def test_a_huge_payload_belongs_into_a_blob(store: Store) -> None:
    """The limit names the way out."""
    with pytest.raises(StoreError, match="blob"):
        store.append(SESSION_ID, NoteTaken(by="a", text="x" * MAX_PAYLOAD_BYTES))


def test_a_time_needs_a_zone(store: Store) -> None:
    """A naive time is a mistake of the caller."""
    with pytest.raises(ValueError, match="zone"):
        store.append(SESSION_ID, SessionStarted(), at=datetime(2026, 1, 1))


def test_an_unreadable_event_says_where(store: Store, store_url: str) -> None:
    """Reading something else than an event names session and sequence."""
    store.append(SESSION_ID, SessionStarted())
    tamper(store_url, "UPDATE events SET payload = '{}'")
    with pytest.raises(IntegrityError, match=f"'{SESSION_ID}': event 1"):
        list(store.events(SESSION_ID))


def test_offsets_survive_restarts_clock_steps_and_reboots(store_url: str, tmp_path: Path) -> None:
    """The offset counts real seconds and never goes back, whatever the wall clock does."""
    clock = ScriptedClock()

    def append(at: datetime | None = None) -> float:
        with Store.open(store_url, tmp_path, clock=clock) as store:
            return store.append(SESSION_ID, SessionStarted(), at=at).offset_sec

    with Store.open(store_url, tmp_path, clock=clock) as store:
        store.create_session(a_session())
    assert append() == 0.0
    clock.wait(5)
    assert append() == 5.0
    clock.tick = clock.tick._replace(at=A_MOMENT - timedelta(days=1))  # somebody set the clock
    clock.wait(2)
    assert append() == 7.0
    clock.tick = clock.tick._replace(boot_id="boot-2", moment_sec=3.0)  # rebooted
    clock.wait(10)
    assert append() == 17.0
    clock.tick = clock.tick._replace(boot_id="boot-3", at=A_MOMENT - timedelta(days=9))
    assert append() == 17.0
    clock.wait(1)
    assert append() == 18.0


def test_an_event_may_be_told_late(store: Store) -> None:
    """With `at`, the offset follows the given times and later events count on from there."""
    start = store.append(SESSION_ID, SessionStarted(), at=A_MOMENT)
    later = store.append(SESSION_ID, SessionStarted(), at=A_MOMENT + timedelta(seconds=90))
    before = store.append(SESSION_ID, SessionStarted(), at=A_MOMENT)
    assert [event.offset_sec for event in (start, later, before)] == [0.0, 90.0, 90.0]
    assert before.at == A_MOMENT
