"""Terminal bytes as plain text."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.recorder.sequences import MAX_LINE, strip_sequences


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[1;31mred\x1b[0m\r\nnext", "red\nnext"),
        (b"10%\r50%\r100%\r\n", "100%\n"),
        (b"downloading\r\x1b[Kdone", "done"),
        (b"abcdef\rXY", "XYcdef"),
        (b"lx\x08s\r\n", "ls\n"),
        (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        (b"\x1bPq#0;2;0;0;0\x1b\\after\x1b_hidden\x1b\\", "after"),
        (b"before\x1b[?1049h\x1b[2J lots \r\n\x1b[?1049lafter", "before[full-screen program]after"),
        (b"a\x1b(B\x1b=b\x07\x00c", "abc"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("a\u202egpj.exe\u2066".encode(), "agpj.exe"),
        (b"x\x1b[5Gy\x1b[3Dz", "x z y"),
        (b"tab\there", "tab\there"),
        (b"one\x1b[Htwo", "one\ntwo"),
        (b"ac\x08\x1b[1@b", "abc"),
        (b"\x9b31mnot eight-bit", "\ufffd31mnot eight-bit"),
    ],
)
def test_what_a_terminal_would_show(data, text):
    """Colours, titles and links go; overwritten lines read as they looked at the end."""
    assert strip_sequences(data) == text


@given(st.one_of(st.binary(), st.text()))
def test_no_control_characters_are_left(data):
    """Whatever comes in, only newlines, tabs and visible text come out."""
    text = strip_sequences(data)
    assert not [c for c in text if unicodedata.category(c) == "Cc" and c not in "\n\t"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x1b[1000C" * 20_000 + b"x",
        b"\x1b[1K" * 10_000,
        b"\x1b]" * 200_000,
        b"x" * 1_000_000,
        b"\x1b[" + b"9" * 500_000,
        b"\rx" * 200_000,
    ],
)
def test_hostile_output_costs_little(data):
    """Sequences made to be expensive are not, and no line grows without bound."""
    started = time.monotonic()
    text = strip_sequences(data)
    assert max(map(len, text.split("\n"))) <= MAX_LINE
    assert time.monotonic() - started < 5
