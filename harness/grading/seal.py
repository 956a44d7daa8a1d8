"""From a hostile folder to a deterministic tar; `unseal` goes back.

Nothing in the folder is trusted: names, links, special files and sizes are the
candidate's, and may change while they are read. Every file is opened relative to
its folder's descriptor without following links.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import StoreError, SubmissionError
from harness.models.base import Model
from harness.models.session import Submission

LEFT_OUT = frozenset(
    {
        ".git",
        "__pycache__",
        ".venv",
        "node_modules",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".aider.tags.cache.v4",
        "lost+found",
    }
)
"""Names that are never part of a submission."""

MAX_SKIPPED = 200
"""Skipped paths that are named; the rest is counted."""

_OURS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
"""Errors that say something about our disk and process, not about the file."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class SealLimits(Model):
    """What a submission may be; more is refused, since leaving files out would change it."""

    files: int = 20_000
    """Files, links and folders."""
    bytes: int = 256 * 1024 * 1024
    """Content of all files together."""
    depth: int = 40
    """Folders within folders."""
    path_bytes: int = 1024
    """Length of one path."""


LIMITS = SealLimits()


def seal(tree: Path, dest_dir: Path, *, limits: SealLimits = LIMITS) -> Submission:
    """Pack a folder into `dest_dir/<sha256>.tar`; the same tree gives the same bytes.

    Regular files and relative links that stay inside are taken, with modes 644 and
    755, no owner and no times. Version control and caches are left out silently;
    anything else that is not taken is named in `Submission.skipped`.

    Raises:
        SubmissionError: There is no file in it, or it is beyond a limit.
    """
    packer = _Packer(limits)
    dest_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=dest_dir, prefix=".seal-", delete=False) as file:
        scratch = Path(file.name)
    try:
        with (
            tarfile.open(scratch, "w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive,
            _opened_root(tree) as root,
        ):
            packer.add_folder(archive, root, (), 0)
        packer.require_files()
        with scratch.open("rb") as sealed:
            sha256 = hashlib.file_digest(sealed, "sha256").hexdigest()
        target = dest_dir / f"{sha256}.tar"
        scratch.replace(target)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return Submission(
        sha256=sha256,
        path=str(target),
        files=packer.files,
        bytes=packer.bytes,
        skipped=packer.told(),
    )


@dataclass
class _Packer:
    """Walks a folder by descriptors and keeps count."""

    limits: SealLimits
    files: int = 0
    bytes: int = 0
    entries: int = 0
    skipped: list[str] = field(default_factory=list)
    unnamed: int = 0

    def add_folder(
        self, archive: tarfile.TarFile, folder: int, parts: tuple[str, ...], depth: int
    ) -> None:
        if depth > self.limits.depth:
            raise _beyond(parts, f"folders are more than {self.limits.depth} deep")
        for name in self._names(folder, parts):
            path = (*parts, name)
            try:
                self._add(archive, folder, path, depth)
            except OSError as exc:
                if exc.errno in _OURS:
                    raise StoreError(f"Sealing failed: {exc.strerror}.", slug="disk") from exc
                self._skip(path, f"cannot be read ({exc.strerror})")

    def require_files(self) -> None:
        if self.files == 0:
            skipped = f" Skipped: {'; '.join(self.skipped[:5])}." if self.skipped else ""
            raise SubmissionError(
                f"The submission is empty: it has no file that can be graded.{skipped}",
                slug="submission-empty",
            )

    def told(self) -> tuple[str, ...]:
        more = (f"and {self.unnamed} more",) if self.unnamed else ()
        return (*self.skipped, *more)

    def _names(self, folder: int, parts: tuple[str, ...]) -> list[str]:
        names: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name in LEFT_OUT or entry.name.endswith(".pyc"):
                    continue
                names.append(entry.name)
                self.entries += 1
                if self.entries > self.limits.files:
                    raise _beyond(parts, f"there are more than {self.limits.files} files")
        return sorted(names, key=os.fsencode)

    def _add(
        self, archive: tarfile.TarFile, folder: int, path: tuple[str, ...], depth: int
    ) -> None:
        name = path[-1]
        if len(os.fsencode("/".join(path))) > self.limits.path_bytes:
            raise _beyond(path, f"a path is longer than {self.limits.path_bytes} bytes")
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            archive.addfile(_member(path, tarfile.DIRTYPE, 0o755))
            below = os.open(name, _FOLDER, dir_fd=folder)
            try:
                self.add_folder(archive, below, path, depth + 1)
            finally:
                os.close(below)
        elif stat.S_ISLNK(mode):
            self._add_link(archive, folder, path)
        elif stat.S_ISREG(mode):
            self._add_file(archive, folder, path)
        else:
            self._skip(path, f"is {_KINDS.get(stat.S_IFMT(mode), 'special')}, not a file")

    def _add_link(self, archive: tarfile.TarFile, folder: int, path: tuple[str, ...]) -> None:
        target = os.readlink(path[-1], dir_fd=folder)
        if not stays_inside(path, target):
            self._skip(path, "is a link that leads out of the folder")
            return
        member = _member(path, tarfile.SYMTYPE, 0o777)
        member.linkname = target
        archive.addfile(member)

    def _add_file(self, archive: tarfile.TarFile, folder: int, path: tuple[str, ...]) -> None:
        file = os.open(path[-1], _FILE, dir_fd=folder)
        with os.fdopen(file, "rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode):
                self._skip(path, "is not a file any more")
                return
            left = self.limits.bytes - self.bytes
            # a sparse file's length is checked before a byte of it is read
            data = b"" if found.st_size > left else opened.read(left + 1)
        if found.st_size > left or len(data) > left:
            raise _beyond(path, f"it holds more than {self.limits.bytes} bytes")
        member = _member(path, tarfile.REGTYPE, 0o755 if found.st_mode & 0o100 else 0o644)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
        self.files += 1
        self.bytes += len(data)

    def _skip(self, path: tuple[str, ...], why: str) -> None:
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(f"{shown('/'.join(path))}: {why}")
        else:
            self.unnamed += 1


_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def stays_inside(path: tuple[str, ...], target: str) -> bool:
    """Whether a link at `path` (parts, from the root) can only lead to somewhere inside.

    Steps up are allowed at the start alone: further on they would start from
    wherever another link leads.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = len([part for part in parts if part == ".."])
    leading = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    return bool(target) and not target.startswith("/") and ups == leading and ups < len(path)


def shown(text: str) -> str:
    """A name for a message: undecodable bytes and control characters escaped."""
    decoded = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in decoded
    )


@contextmanager
def _opened_root(tree: Path) -> Iterator[int]:
    try:
        root = os.open(tree, _FOLDER)
    except OSError as exc:
        raise SubmissionError(
            f"The submission {tree} is not a folder that can be read: {exc.strerror}.",
            slug="submission-folder",
        ) from exc
    try:
        yield root
    finally:
        os.close(root)


def _member(path: tuple[str, ...], kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo("/".join(path))
    member.type = kind
    member.mode = mode
    return member


def _beyond(path: tuple[str, ...], why: str) -> SubmissionError:
    where = f" (at {shown('/'.join(path))[:200]})" if path else ""
    return SubmissionError(
        f"The submission cannot be sealed: {why}{where}.",
        remedy="Remove generated files and data from the folder and submit again.",
        slug="submission-limit",
    )
