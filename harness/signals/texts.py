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


def at_word(text: str, limit: int) -> tuple[str, int]:
    """The beginning of a text and how many characters come after it.

    It ends with a whole word where it can: half of a name would be found by nobody who looks
    for names.
    """
    if len(text) <= limit:
        return text, 0
    cut = max(text.rfind(space, 0, limit + 1) for space in " \n\t")
    end = cut if cut > limit // 2 else limit
    return text[:end], len(text) - end
