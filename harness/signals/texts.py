"""Numbers as people read them."""

from __future__ import annotations


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 file`, `3 files`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def share(value: float) -> str:
    """A share of the time allowed, in whole per cent."""
    if 0 < value < 0.01:  # noqa: PLR2004  # below one per cent
        return "under 1 % of the time allowed"
    return f"{value * 100:.0f} % of the time allowed"


def one_line(text: str, limit: int) -> str:
    """Text of a candidate or interviewer on one line, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "\u2026"
