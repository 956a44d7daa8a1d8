"""A unified diff of one file, cut into hunks and numbered lines.

Git wrote the structure, the candidate wrote the lines, and the recorder may have cut it short. So
lines belong to a hunk for as long as its header says, whatever they look like (a removed line
"-- a" reads "--- a"), and a patch that ends early gives what there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

LineKind = Literal["same", "add", "del", "note"]

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)
_KINDS: dict[str, LineKind] = {" ": "same", "+": "add", "-": "del", "\\": "note", "": "same"}


@dataclass
class Line:
    """One line of a hunk, without its sign."""

    kind: LineKind
    text: str
    old: int | None = None
    """Its number in the given tree."""
    new: int | None = None
    """Its number in the submission."""


@dataclass
class Hunk:
    """One run of changed lines with its context."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    context: str
    """What git found above it, such as the function's first line; candidate-controlled."""
    lines: list[Line] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Lines added and removed."""
        return sum(line.kind in ("add", "del") for line in self.lines)

    def holds(self, line: int) -> bool:
        """Whether a line number of the submission lies in it."""
        return self.new_start <= line < self.new_start + self.new_count


def hunks(patch: str) -> tuple[Hunk, ...]:
    """The hunks of one file's patch; none for a binary file or a bare rename."""
    found: list[Hunk] = []
    old = new = old_left = new_left = 0
    for text in patch.removesuffix("\n").split("\n"):
        header = _HEADER.fullmatch(text)  # lines of the candidate always have a sign before them
        if header:
            hunk = _opened(header)
            old, new = hunk.old_start, hunk.new_start
            old_left, new_left = hunk.old_count, hunk.new_count
            found.append(hunk)
        elif found and (old_left or new_left or text.startswith("\\")):
            kind = _KINDS.get(text[:1], "same")
            has_old, has_new = kind in ("same", "del"), kind in ("same", "add")
            found[-1].lines.append(
                Line(kind, text[1:], old if has_old else None, new if has_new else None)
            )
            old, new = old + has_old, new + has_new
            old_left, new_left = max(0, old_left - has_old), max(0, new_left - has_new)
    return tuple(found)


def _opened(header: re.Match[str]) -> Hunk:
    old_start, old_count, new_start, new_count, context = header.groups()
    return Hunk(
        old_start=_number(old_start),
        old_count=_number(old_count),
        new_start=_number(new_start),
        new_count=_number(new_count),
        context=context,
    )


def _number(digits: str | None) -> int:
    """A count of a hunk header, which is 1 when left out; capped, as no file is that long."""
    return 1 if digits is None else int(digits[:9])
