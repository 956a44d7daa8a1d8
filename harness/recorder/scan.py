"""The hostile work tree, read through directory handles without following anything.

Every folder is opened below its parent's handle with O_NOFOLLOW, every file the
same way and only when it is a regular one, so a link swapped in at any moment
never leads out of the tree, and a fifo never blocks. Git is not involved.

A file is read again when its status (change time, inode, size, mode) differs from
what was last recorded. Change times cannot be set by programs; files changed in
the last moments are read again anyway (git's "racy" rule). Stores through an old
writable mapping may not touch the change time, so `full` scans read everything.
"""

from __future__ import annotations

import io
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.errors import RecordingError
from harness.models.recording import SkippedFile
from harness.recorder.paths import path_text
from harness.recorder.plumbing import object_id

EXCLUDED_FOLDERS = frozenset(
    {
        "__pycache__",
        "node_modules",
        ".venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".aider.tags.cache.v4",
        ".cache",
        ".npm",
        ".gradle",
        ".eggs",
    }
)
"""Folders that tools fill and nobody writes by hand; never recorded, wherever they are.

The candidate's own ignore files change nothing about what is recorded.
"""

TREE_MODE = "040000"
"""A folder, as `git ls-tree` writes it."""

LINK_MODE = "120000"
"""A symbolic link; its content is its target."""

EXCLUDED_NAMES = frozenset({".git"})
"""Never recorded, whatever it is: git data of the candidate's. The files beside it are."""

MAX_DEPTH = 100
"""Nested folders."""

MAX_PATH_BYTES = 1000
"""Of a path below the work tree. Lists of 100,000 paths then still fit into memory."""

OBJECT_BYTES = 4096
"""Disk space of a small object: a file's own, and one for each folder above it."""

RACY_NS = 20_000_000
"""Change times come from the kernel's tick, up to 10 ms old; twice that is safe."""

Signature = tuple[int, int, int, int]
"""Change time in ns, inode, size, mode."""

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

Reason = Literal["too-large", "unreadable", "not-a-file", "over-budget"]


@dataclass(slots=True)
class Entry:
    """A recorded file or link."""

    signature: Signature | None
    """None when it has to be read again."""
    mode: str
    """As git writes it."""
    oid: str
    """Git's id of its content."""


@dataclass(slots=True)
class Folder:
    """What is recorded of one folder."""

    files: dict[str, Entry] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    oid: str | None = None
    """Git's id of its tree; None when something in it changed."""

    def add(self, path: str, mode: str, oid: str) -> None:
        """Put in a file of unknown status, or a folder's tree id, by its path below this one."""
        *parents, name = path.split("/")
        folder = self
        for parent in parents:
            folder = folder.folders.setdefault(parent, Folder())
        if mode == TREE_MODE:
            folder.folders.setdefault(name, Folder()).oid = oid
        else:
            folder.files[name] = Entry(None, mode, oid)


@dataclass(slots=True)
class ScanResult:
    """What a scan could not record."""

    skipped: dict[str, SkippedFile] = field(default_factory=dict)
    """By path; at most `Scan.max_skipped` of them."""
    more_skipped: int = 0


class Scan:
    """One pass over a work tree; brings `root` up to date while it goes.

    Args:
        root: What is recorded; becomes what is there. Not usable after an error.
        keep: Called with id and bytes of each content that may be new.
        room: Whether that many more bytes may be kept.
        max_file_bytes: Larger files are skipped.
        max_entries: Files and folders beyond that many are skipped.
        max_skipped: Skipped paths listed; the others are counted.
    """

    def __init__(
        self,
        root: Folder,
        *,
        keep: Callable[[str, bytes], None],
        room: Callable[[int], bool],
        max_file_bytes: int,
        max_entries: int,
        max_skipped: int,
    ) -> None:
        self._root = root
        self._keep = keep
        self._room = room
        self._max_file_bytes = max_file_bytes
        self._max_entries = max_entries
        self._max_skipped = max_skipped
        self._entries = 0
        self._racy_from = time.time_ns() - RACY_NS
        self.result = ScanResult()

    def run(self, work_tree: Path) -> tuple[int, int]:
        """Scan; returns the root folder's device and inode.

        Raises:
            RecordingError: The work tree itself cannot be read.
        """
        try:
            handle = os.open(work_tree, _FOLDER_FLAGS)
        except OSError as exc:
            raise _unreadable(work_tree, exc) from exc
        try:
            status = os.fstat(handle)
            self._entries = _count(self._root)
            self._folder(handle, self._root, "", 0)
        except OSError as exc:
            raise _unreadable(work_tree, exc) from exc
        finally:
            os.close(handle)
        return status.st_dev, status.st_ino

    def _folder(self, handle: int, folder: Folder, prefix: str, depth: int) -> None:
        seen: set[str] = set()
        inner: list[str] = []
        files = folder.files
        with os.scandir(handle) as entries:
            for entry in entries:
                name = entry.name
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # gone since it was listed
                mode = status.st_mode
                known = files.get(name)
                if known is not None and known.signature == (
                    status.st_ctime_ns,
                    status.st_ino,
                    status.st_size,
                    mode,
                ):
                    seen.add(name)
                elif stat.S_ISDIR(mode):
                    inner.append(name)
                elif name not in EXCLUDED_NAMES and self._file(
                    handle, name, status, folder, prefix
                ):
                    seen.add(name)
        if len(seen) != len(files):
            gone = [name for name in files if name not in seen]
            for name in gone:
                del files[name]
            self._entries -= len(gone)
            folder.oid = None
        self._inner(handle, inner, folder, prefix, depth)

    def _inner(
        self, handle: int, names: list[str], folder: Folder, prefix: str, depth: int
    ) -> None:
        there: set[str] = set()
        for name in names:
            if name in EXCLUDED_FOLDERS or name in EXCLUDED_NAMES:
                continue
            known = folder.folders.get(name)
            if known is None and self._entries >= self._max_entries:
                self._skip(f"{prefix}{name}/", "over-budget")
                continue
            inner = known or Folder()
            if self._enter(handle, name, inner, prefix, depth) and (inner.files or inner.folders):
                there.add(name)
                self._entries += known is None
                folder.folders[name] = inner
                if inner.oid is None:
                    folder.oid = None
        for name in [name for name in folder.folders if name not in there]:
            self._entries -= 1 + _count(folder.folders.pop(name))
            folder.oid = None

    def _enter(self, parent: int, name: str, folder: Folder, prefix: str, depth: int) -> bool:
        """Scan a folder; False when nothing of it is to be recorded."""
        path = f"{prefix}{name}/"
        if depth >= MAX_DEPTH or len(os.fsencode(path)) > MAX_PATH_BYTES:
            self._skip(path, "over-budget")
            return False
        try:
            handle = os.open(name, _FOLDER_FLAGS, dir_fd=parent)
        except PermissionError:
            self._skip(path, "unreadable")
            return False
        except OSError:
            return False  # gone, or a link by now: the next scan sees what it is
        try:
            self._folder(handle, folder, path, depth + 1)
        finally:
            os.close(handle)
        return True

    def _file(
        self,
        parent: int,
        name: str,
        status: os.stat_result,
        folder: Folder,
        prefix: str,
    ) -> bool:
        """Bring one entry up to date; False when it is not to be in the tree."""
        path = prefix + name
        known = folder.files.get(name)
        if known is None and (
            self._entries >= self._max_entries or len(os.fsencode(path)) > MAX_PATH_BYTES
        ):
            return self._skip(path, "over-budget", status.st_size)
        content = self._content(parent, name, path, status)
        if content is None:
            return False
        signature, mode, data = content
        oid = object_id(b"blob", data)
        if known is not None and known.oid == oid and known.mode == mode:
            known.signature = signature
            return True
        if not self._room(len(data) + OBJECT_BYTES * (2 + prefix.count("/"))):
            return self._skip(path, "over-budget", len(data))
        self._keep(oid, data)
        self._entries += known is None
        folder.files[name] = Entry(signature, mode, oid)
        folder.oid = None
        return True

    def _content(
        self, parent: int, name: str, path: str, status: os.stat_result
    ) -> tuple[Signature | None, str, bytes] | None:
        if stat.S_ISLNK(status.st_mode):
            try:
                target = os.readlink(os.fsencode(name), dir_fd=parent)
            except OSError:
                return None
            return self._signature(status), LINK_MODE, target
        if not stat.S_ISREG(status.st_mode):
            self._skip(path, "not-a-file")
            return None
        if status.st_size > self._max_file_bytes:
            self._skip(path, "too-large", status.st_size)
            return None
        return self._regular(parent, name, path)

    def _regular(
        self, parent: int, name: str, path: str
    ) -> tuple[Signature | None, str, bytes] | None:
        try:
            handle = os.open(name, _FILE_FLAGS, dir_fd=parent)
        except PermissionError:
            self._skip(path, "unreadable")
            return None
        except OSError:
            return None  # gone, or a link by now
        with os.fdopen(handle, "rb", buffering=0) as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                self._skip(path, "not-a-file")
                return None
            try:
                data = _read(file, self._max_file_bytes + 1)
            except OSError:
                self._skip(path, "unreadable", status.st_size)
                return None
        if len(data) > self._max_file_bytes:
            self._skip(path, "too-large", len(data))
            return None
        mode = "100755" if status.st_mode & stat.S_IXUSR else "100644"
        return self._signature(status), mode, data

    def _signature(self, status: os.stat_result) -> Signature | None:
        if status.st_ctime_ns >= self._racy_from:
            return None
        return status.st_ctime_ns, status.st_ino, status.st_size, status.st_mode

    def _skip(self, path: str, reason: Reason, size: int = 0) -> bool:
        skipped = self.result.skipped
        if len(skipped) < self._max_skipped:
            text = path_text(os.fsencode(path))
            skipped[path] = SkippedFile(path=text, reason=reason, size=size)
        else:
            self.result.more_skipped += 1
        return False


def _unreadable(work_tree: Path, exc: OSError) -> RecordingError:
    return RecordingError(
        f"The workspace folder {work_tree} cannot be read: {exc.strerror}.",
        remedy="Check that the session's volume is mounted (`harness doctor`).",
        slug="recording-workspace",
    )


def _read(file: io.RawIOBase, limit: int) -> bytes:
    chunks: list[bytes] = []
    left = limit
    while left > 0 and (chunk := file.read(min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _count(folder: Folder) -> int:
    """Files and folders recorded in a folder and below."""
    inner = folder.folders.values()
    return len(folder.files) + len(inner) + sum(map(_count, inner))
