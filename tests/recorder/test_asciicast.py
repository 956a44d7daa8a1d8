"""Recordings in asciicast v2."""

from __future__ import annotations

import errno
import json
import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import RecordingError
from harness.models.sandbox import TerminalSize
from harness.recorder.asciicast import LIMIT_REACHED, CastHeader, CastWriter, read_cast

HEADER = CastHeader(TerminalSize(cols=100, rows=30), 1_700_000_000, {"terminal": "t"})


def read(path):
    """Header and events of a file."""
    header, events = read_cast(path.read_bytes().split(b"\n"))
    return header, list(events)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.binary()), max_size=20))
def test_what_is_written_is_read(tmp_path_factory, events):
    """Header, times and text come back; characters cut between two events stay whole."""
    path = tmp_path_factory.mktemp("cast") / "t.cast"
    writer = CastWriter(path, HEADER)
    events.sort(key=lambda event: event[0])
    for at, data in events:
        writer.output(at, data)
    writer.close(1e6)
    header, found = read(path)
    assert header == HEADER
    whole = b"".join(data for _, data in events).decode("utf-8", "replace")
    assert "".join(event.data for event in found) == whole
    assert all(one.at <= two.at for one, two in pairwise(found))


def test_every_player_reads_it(tmp_path):
    """Header and events have asciicast v2's shape: version 2, [time, code, data]."""
    path = tmp_path / "t.cast"
    writer = CastWriter(path, HEADER)
    writer.output(0.1234567, b"hi\r\n")
    writer.resize(1.5, TerminalSize(cols=80, rows=24))
    writer.close(2.0)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["version"] == 2
    assert (lines[0]["width"], lines[0]["height"]) == (100, 30)
    assert lines[1:] == [[0.123457, "o", "hi\r\n"], [1.5, "r", "80x24"]]


def test_events_are_on_disk_at_once(tmp_path):
    """What was recorded is in the file before the next byte comes; nothing waits in memory."""
    path = tmp_path / "t.cast"
    writer = CastWriter(path, HEADER)
    writer.output(0.5, b"seen")
    assert [event.data for event in read(path)[1]] == ["seen"]
    writer.close(1)


def test_size_limit_leaves_a_marker(tmp_path):
    """A terminal that prints without end fills its limit and no more, and the recording says so."""
    path = tmp_path / "t.cast"
    writer = CastWriter(path, HEADER, max_bytes=10_000)
    for second in range(1000):
        writer.output(second, b"x" * 500)
    writer.close(1000)
    assert writer.full
    assert path.stat().st_size < 11_000
    assert (read(path)[1][-1].code, read(path)[1][-1].data) == ("m", LIMIT_REACHED)


def test_unfinished_lines_are_ignored(tmp_path):
    """A recording cut in mid-line, as by kill -9, is read up to its last whole event."""
    path = tmp_path / "t.cast"
    writer = CastWriter(path, HEADER)
    writer.output(1, b"kept")
    writer.output(2, b"cut")
    writer.close(3)
    os.truncate(path, path.stat().st_size - 4)
    assert [event.data for event in read(path)[1]] == ["kept"]


def test_a_full_disk_loses_only_what_did_not_fit(tmp_path, monkeypatch):
    """After a write that failed half-way later events are whole again."""
    path = tmp_path / "t.cast"
    writer = CastWriter(path, HEADER)
    real = os.write

    def half(handle, data):
        monkeypatch.setattr(os, "write", full)
        return real(handle, data[:5])

    def full(handle, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(RecordingError, match="No space left"):
        writer.output(1, b"lost")
    monkeypatch.setattr(os, "write", real)
    writer.output(2, b"back")
    writer.close(3)
    assert [event.data for event in read(path)[1]] == ["back"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"not json", b'{"version":3,"width":1}'])
def test_other_files_are_refused(data):
    """What is not asciicast v2 is an error that says so."""
    with pytest.raises(RecordingError, match="asciicast v2"):
        read_cast(data.split(b"\n"))
