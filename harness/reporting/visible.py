"""Candidate-controlled text made visible: nothing hides, reorders or overflows.

Control characters, bidirectional overrides, zero-width and other format characters, lone
surrogates and fillers that look like nothing are shown as escapes, so that a reader sees what an
editor or a terminal would have hidden. Source: "Trojan Source: Invisible Vulnerabilities",
Boucher and Anderson 2021 (CVE-2021-42574).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from markupsafe import Markup, escape

_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANKS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and marks by category that are drawn as nothing."""
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_SUSPECT = re.compile(rf"(?<=[{_MARKS}]{{4}})[{_MARKS}]|[^\t\n\x20-\x7e]")
"""Anything but plain text; group-free, so `sub` sees one character at a time."""
_STACKED = re.compile(rf"[{_MARKS}]{{5}}$")


def visible(text: str) -> str:
    r"""The text with everything hidden in it shown as `\x1b`, `\u202e` or `\U000e0041`.

    Tabs and newlines stay. The result has no lone surrogates: it can always be encoded.
    """
    return _SUSPECT.sub(_shown, text)


def marked(text: str) -> Markup:
    """As `visible`, for HTML: escaped, each escape in `<span class="hid">`.

    So a reader can tell a hidden character from somebody who typed backslash, u, 2, 0, 2, e.
    """
    pieces: list[str] = []
    end = 0
    for start, stop, shown in _hidden_runs(text):
        pieces += (escape(text[end:start]), f'<span class="hid">{shown}</span>')
        end = stop
    pieces.append(escape(text[end:]))
    return Markup("".join(pieces))  # noqa: S704 - every piece is escaped above


def _hidden_runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Where hidden characters stand next to each other, and their escapes together."""
    start = end = -1
    shown: list[str] = []
    for found in _SUSPECT.finditer(text):
        if (escaped := _shown(found)) == found.group():
            continue
        if found.start() != end and shown:
            yield start, end, "".join(shown)
            shown = []
        start, end = (start if shown else found.start()), found.end()
        shown.append(escaped)
    if shown:
        yield start, end, "".join(shown)


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters, an ellipsis for the rest.

    Only spaces, tabs and newlines are folded: other white space is for `visible` to show.
    """
    text = re.sub(r"[ \t\n]+", " ", text[: limit * 4]).strip(" ")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def head(text: str, limit: int) -> tuple[str, int]:
    """The first `limit` characters and how many were left out."""
    return text[:limit], max(0, len(text) - limit)


def tail(text: str, limit: int) -> tuple[str, int]:
    """The last `limit` characters and how many were left out."""
    return text[max(0, len(text) - limit) :], max(0, len(text) - limit)


def _shown(found: re.Match[str]) -> str:
    char = found.group()
    stacked = _STACKED.search(found.string, found.start() - 4, found.end()) is not None
    return _escaped(char) if stacked or _is_hidden(char) else char


@cache
def _is_hidden(char: str) -> bool:
    if char == "\ufe0f":  # picks the coloured form of the emoji before it
        return False
    return (
        unicodedata.category(char) in _HIDDEN_CATEGORIES
        or char in _BLANKS
        # Marks by category that can carry hidden bytes.
        or "\ufe00" <= char <= "\ufe0e"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


def _escaped(char: str) -> str:
    code = ord(char)
    for digits, letter in ((2, "x"), (4, "u"), (8, "U")):
        if code < 16**digits:
            return f"\\{letter}{code:0{digits}x}"
    raise AssertionError(code)
