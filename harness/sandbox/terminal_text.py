"""Lines of other programs' output, made safe to print."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST = 500


def plain(line: bytes | str) -> str:
    """The line without escape sequences and control characters, at most 500 long."""
    text = line.decode(errors="replace") if isinstance(line, bytes) else line
    return _CONTROLS.sub("", _ESCAPES.sub("", text)).rstrip()[:_LONGEST]
