"""Differences between recorded trees."""

from __future__ import annotations

import os
from collections.abc import Iterator

from harness.errors import RecordingError
from harness.models.recording import ChangeKind, FileChange
from harness.models.scorecard import FileDiff
from harness.recorder.paths import path_bytes, path_text
from harness.recorder.plumbing import Plumbing

_DIFF = ("diff-tree", "-r", "-M", "-l200", "--no-ext-diff", "--no-textconv", "--no-color")
"""Renames are looked for among at most 200 files; exact ones among any number."""

_KINDS: dict[bytes, ChangeKind] = {
    b"A": "added",
    b"M": "modified",
    b"D": "deleted",
    b"R": "renamed",
    b"T": "type-changed",
}

Counts = dict[bytes, tuple[bytes, bytes]]
"""New path -> lines added and removed, `-` for binary."""


def changes(git: Plumbing, old: str, new: str) -> list[FileChange]:
    """Every path that differs, in git's order.

    Line counts that git cannot make within its time (a candidate can build such files)
    are left at 0, and the file counts as binary.
    """
    try:
        out = git.run(*_DIFF, "-z", "--raw", "--numstat", old, new, timeout_sec=20)
    except RecordingError:
        out = git.run(*_DIFF, "--no-renames", "-z", "--raw", old, new)
    raw, counts = _parse(iter(out.split(b"\0")))
    return [_change(kind, source, path, counts.get(path)) for kind, source, path in raw]


def _parse(fields: Iterator[bytes]) -> tuple[list[tuple[bytes, bytes | None, bytes]], Counts]:
    raw: list[tuple[bytes, bytes | None, bytes]] = []
    counts: Counts = {}
    for field in fields:
        if field.startswith(b":"):
            kind = field.rsplit(b" ", 1)[1][:1]
            source = next(fields) if kind == b"R" else None
            raw.append((kind, source, next(fields)))
        elif field:
            added, removed, path = field.split(b"\t", 2)
            if not path:
                next(fields)
                path = next(fields)
            counts[path] = (added, removed)
    return raw, counts


def _change(
    kind: bytes, source: bytes | None, path: bytes, count: tuple[bytes, bytes] | None
) -> FileChange:
    added, removed = count or (b"-", b"-")
    return FileChange(
        path=path_text(path),
        kind=_KINDS[kind],
        added=0 if added == b"-" else int(added),
        removed=0 if removed == b"-" else int(removed),
        binary=added == b"-",
        old_path=None if source is None else path_text(source),
    )


def patch(
    git: Plumbing, old: str, new: str, paths: tuple[str, ...], max_bytes: int
) -> tuple[str, bool]:
    """Unified diff of some paths, and whether it was cut (at a line end)."""
    out = git.run(*_DIFF, "-p", "--full-index", old, new, "--", *paths, max_bytes=max_bytes + 1)
    if len(out) <= max_bytes:
        return out.decode("utf-8", "replace"), False
    return out[: out.rfind(b"\n", 0, max_bytes) + 1].decode("utf-8", "replace"), True


def file_diff(git: Plumbing, old: str, new: str, change: FileChange, max_bytes: int) -> FileDiff:
    """A change with its patch."""
    names = (change.path,) if change.old_path is None else (change.old_path, change.path)
    raw = tuple(os.fsdecode(path_bytes(name)) for name in names)
    text, truncated = patch(git, old, new, raw, max_bytes)
    return FileDiff(change=change, patch=text, truncated=truncated)
