"""Several processes and threads write one session; `kill -9` leaves it whole."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.models.event import NoteTaken
from harness.store import Store

from .conftest import SESSION_ID

_WRITER = """
import sys
from pathlib import Path
from harness.models.event import NoteTaken
from harness.store import Store

url, data_dir, session, name, count = sys.argv[1:]
with Store.open(url, Path(data_dir)) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        event = store.append(session, NoteTaken(by=name, text=str(number)))
        if name == "doomed":
            store.record(session, NoteTaken(by=name, text="minutes"), minutes=number + 1)
        print(event.seq, flush=True)
"""


def _writer(url: str, data_dir: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, url, str(data_dir), SESSION_ID, name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _texts(store: Store, by: str) -> list[str]:
    payloads = [event.payload for event in store.events(SESSION_ID)]
    return [one.text for one in payloads if isinstance(one, NoteTaken) and one.by == by]


def test_processes_append_without_gaps(store: Store, store_url: str, tmp_path: Path) -> None:
    """Four processes and this one write at once: every event is there, in one whole chain."""
    names = ["one", "two", "three", "four"]
    writers = [_writer(store_url, tmp_path, name, 50) for name in names]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for number in range(50):
        store.append(SESSION_ID, NoteTaken(by="here", text=str(number)))
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    report = store.verify(SESSION_ID)
    assert (report.ok, report.events) == (True, 250)
    for name in [*names, "here"]:
        assert _texts(store, name) == [str(number) for number in range(50)]


def test_threads_append_without_gaps(store: Store) -> None:
    """One store is shared by threads."""
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(40):
                store.append(SESSION_ID, NoteTaken(by=name, text=str(number)))
        except BaseException as error:  # noqa: BLE001  # it is shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=write, args=(f"t{index}",)) for index in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    report = store.verify(SESSION_ID)
    assert (report.ok, report.events) == (True, 200)


@pytest.mark.parametrize("after", [1, 7, 23])
def test_a_killed_writer_leaves_a_whole_record(
    store: Store, store_url: str, tmp_path: Path, after: int
) -> None:
    """Killed in the middle: what it was told is written is there, the chain and row agree."""
    writer = _writer(store_url, tmp_path, "doomed", 100_000)
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.stdin.write("go\n")
    writer.stdin.flush()
    told = [int(writer.stdout.readline()) for _ in range(after)]
    writer.kill()
    writer.communicate()
    report = store.verify(SESSION_ID)
    assert report.ok
    assert report.events >= told[-1]
    recorded = len([text for text in _texts(store, "doomed") if text == "minutes"])
    minutes = store.session(SESSION_ID).minutes
    assert minutes == (recorded or 90)
    assert store.append(SESSION_ID, NoteTaken(by="here", text="on")).seq == report.events + 1
    assert store.verify(SESSION_ID).ok
