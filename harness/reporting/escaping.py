"""Text for Markdown that stays text: no HTML, no links, no images, no structure."""

from __future__ import annotations

import re

from harness.reporting.visible import one_line, visible

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&!$])")
_LINKED = re.compile(r"(://|(?<=www)\.|@)", re.IGNORECASE)
"""What turns bare text into a link or a mention, even where it is escaped with a backslash."""
_OPENING = re.compile(r"^(\d{0,9})([#+=:.)-])")
"""What would make a line a heading, a list or a rule."""
_TICKS = re.compile(r"`+")


def inline(text: str, limit: int = 600) -> str:
    """Prose on one line in which nothing means anything.

    Source: CommonMark 0.31.2 section 2.4 (backslash escapes); for `://`, `www.` and `@`, which
    cmark-gfm links after it has removed the backslashes, a code span round the mark.
    """
    text = _SPECIAL.sub(r"\\\1", visible(one_line(text, limit)))
    return _OPENING.sub(r"\1\\\2", _LINKED.sub(r"`\1`", text))


def code(text: str, limit: int = 200) -> str:
    """A code span on one line, its fence longer than any run of backticks inside.

    A pipe would end a table's cell even inside of a code span, so it is written as its escape.
    """
    shown = visible(one_line(text, limit)).replace("|", "\\x7c") or " "
    fence = "`" * (_longest(shown) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(text: str, language: str = "text") -> list[str]:
    """A fenced block, its fence longer than any run of backticks inside."""
    shown = visible(text.rstrip("\n"))
    fence = "`" * max(3, _longest(shown) + 1)
    return [f"{fence}{language}", *shown.split("\n"), fence]


def _longest(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)
