"""Leases: one live process per purpose; a dead one's place is taken over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from harness.store import ProcessMark, Store
from harness.testing.builders import a_session

from .conftest import SESSION_ID


def test_one_claim_holds(store: Store) -> None:
    """A second claim gets nothing, even by the same process, until the first is released."""
    lease = store.claim(SESSION_ID, "recorder")
    assert lease is not None
    assert lease.process == ProcessMark.current()
    assert store.claim(SESSION_ID, "recorder") is None
    assert store.holder(SESSION_ID, "recorder") == lease
    assert store.release(lease)
    assert store.holder(SESSION_ID, "recorder") is None
    assert store.claim(SESSION_ID, "recorder") is not None
    assert not store.release(lease)


def test_purposes_and_sessions_are_apart(store: Store) -> None:
    """Recording one session hinders neither grading it nor recording another."""
    store.create_session(a_session(id="other"))
    claims = [("other", "recorder"), (SESSION_ID, "recorder"), (SESSION_ID, "grading")]
    assert all(store.claim(session, purpose) for session, purpose in claims)


def test_a_killed_holders_place_is_taken(store: Store) -> None:
    """While it lives it holds; killed, also before anybody reaped it, it does not."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    held = store.claim(SESSION_ID, "recorder", process=ProcessMark.of(process.pid))
    assert held is not None
    assert store.claim(SESSION_ID, "recorder") is None
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    assert store.holder(SESSION_ID, "recorder") is None
    ours = store.claim(SESSION_ID, "recorder")
    assert ours is not None
    process.communicate()
    assert store.holder(SESSION_ID, "recorder") == ours
    assert not store.release(held)


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({}, False),
        ({"started_ticks": 1}, True),
        ({"boot_id": "before the reboot"}, True),
        ({"boot_id": "elsewhere", "host": "another-host"}, False),
        ({"pid_namespace": "pid:[1]", "started_ticks": 1}, False),
        ({"pid": 2**22 + 1}, True),
    ],
)
def test_only_a_surely_dead_holder_is_replaced(
    store: Store, changes: dict[str, object], dead: bool
) -> None:
    """A reused number and a reboot are seen through; what cannot be seen counts as alive."""
    mark = ProcessMark.current().model_copy(update=changes)
    assert mark.is_dead() == dead
    store.claim(SESSION_ID, "recorder", process=mark)
    assert (store.claim(SESSION_ID, "recorder") is not None) == dead


def test_a_process_that_does_not_run_has_no_mark() -> None:
    """Claiming for a process that is gone already fails at once."""
    with pytest.raises(ProcessLookupError):
        ProcessMark.of(2**22 + 1)


def test_of_many_claims_at_once_one_holds(store: Store) -> None:
    """Threads (and so processes) race for one place."""
    start, claims = threading.Barrier(8), []

    def claim() -> None:
        start.wait()
        claims.append(store.claim(SESSION_ID, "recorder"))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([lease for lease in claims if lease is not None]) == 1
    assert len(claims) == 8
