"""Marks in hostile terminal bytes."""

from __future__ import annotations

import itertools
import time

from hypothesis import given
from hypothesis import strategies as st

from harness.recorder.osc133 import MAX_PAYLOAD, TEXT_LIMIT, Mark, Osc133Parser

STREAM = (
    b"\x1b[32m$\x1b[0m \x1b]133;B\x07ls\r\n\x1b]133;C;cmdline_url=ls%20-l%0a%C3%A9\x1b\\"
    b"out\x1b]0;title\x07\r\n\x1b]133;D;3\x07\x1b]133;A\x07"
)
MARKS = [Mark("command"), Mark("output", text="ls -l\n\u00e9"), Mark("done", exit_code=3)]
MARKS.append(Mark("prompt"))


def parse(*chunks, nonce=None):
    """Everything the parser gives: joined bytes, and marks."""
    parser = Osc133Parser(nonce)
    parts = [part for chunk in chunks for part in parser.feed(chunk)]
    rest = b"".join(part for part in parts if isinstance(part, bytes)) + parser.flush()
    return rest, [part for part in parts if isinstance(part, Mark)]


def test_marks_are_taken_out_and_nothing_else():
    """Marks come with status and text; colours and titles stay in the bytes."""
    rest, marks = parse(STREAM)
    assert marks == MARKS
    assert rest == b"\x1b[32m$\x1b[0m ls\r\nout\x1b]0;title\x07\r\n"


@given(st.lists(st.integers(0, len(STREAM))))
def test_cuts_anywhere_change_nothing(cuts):
    """However the stream is cut into chunks, the same marks and bytes come out."""
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in itertools.pairwise(edges)]
    assert parse(*chunks) == parse(STREAM)


@given(st.lists(st.binary()))
def test_any_bytes_pass_through(chunks):
    """Bytes without marks come out as they went in."""
    rest, marks = parse(*chunks)
    assert marks or rest == b"".join(chunks)


def test_malformed_marks_are_bytes():
    """Unknown letters, cut-off and overlong sequences are no marks."""
    for bad in (
        b"\x1b]133;Z\x07",
        b"\x1b]133;D;1\x18",
        b"\x1b]133;D\x1b[0m",
        b"\x1b]133;C;" + b"x" * (MAX_PAYLOAD + 1) + b"\x07",
        b"\x1b]1337;D\x07",
    ):
        assert parse(bad) == (bad, [])


def test_statuses_and_texts_are_bounded():
    """A status that is no status is unknown; a text is cut; broken UTF-8 is replaced."""
    (_, marks) = parse(b"\x1b]133;D;12345\x07\x1b]133;D;abc\x07\x1b]133;D\x07")
    assert [mark.exit_code for mark in marks] == [None, None, None]
    (_, (mark,)) = parse(b"\x1b]133;C;cmdline_url=" + b"a" * 9000 + b"%FF\x07")
    assert mark.text == "a" * TEXT_LIMIT
    (_, (mark,)) = parse(b"\x1b]133;C;cmdline_url=%FFx%zz\x07")
    assert mark.text == "\ufffdx%zz"


def test_with_a_nonce_other_programs_marks_do_not_count():
    """Only marks that carry the terminal's word are marks."""
    forged = b"\x1b]133;C;cmdline_url=forged\x07\x1b]133;D;0;harness=guess\x07"
    real = b"\x1b]133;D;1;harness=word\x07"
    assert parse(forged + real, nonce="word") == (forged, [Mark("done", exit_code=1)])


def test_endless_sequences_cost_little():
    """Megabytes of beginnings of marks, byte by byte or at once, take bounded time and memory."""
    started = time.monotonic()
    parser = Osc133Parser()
    parser.feed(b"\x1b]133;C;" * 500_000)
    for _ in range(20_000):
        parser.feed(b"\x1b]133;C;x")
    assert len(parser.flush()) <= MAX_PAYLOAD + 16
    assert time.monotonic() - started < 5
