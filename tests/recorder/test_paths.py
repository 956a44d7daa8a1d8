"""File names a candidate chose."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.recorder.paths import path_bytes, path_text


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw))
def test_every_name_finds_its_file_again(raw):
    """Turning a path into text loses nothing, whatever bytes it has."""
    assert path_bytes(path_text(raw)) == raw


@given(st.binary(min_size=1))
def test_text_is_printable(raw):
    """The text of a path never has anything that moves a cursor or reorders text."""
    assert path_text(raw).isprintable()


def test_bidirectional_overrides_are_visible():
    """A name that would display reversed shows its bytes instead."""
    assert path_text("a\u202egpj.py".encode()) == "a\\xe2\\x80\\xaegpj.py"
