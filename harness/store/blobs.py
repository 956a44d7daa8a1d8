"""Large bodies as files named after their SHA-256: written once, checked when read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from harness.errors import HarnessError, IntegrityError, StoreError
from harness.store.failures import store_error

CHUNK_BYTES = 1024 * 1024
STALE_SEC = 24 * 3600
"""An unfinished file this old was left by a process that died."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class BlobFolder:
    """`root/ab/<sha256>` for every body; processes may share it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._unfinished = root / "unfinished"
        with self._translated("make the blob folder"):
            root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (root, self._unfinished):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._sweep()

    def path(self, sha256: str) -> Path:
        """Where a body of that hash is or would be."""
        if not _SHA256.fullmatch(sha256):
            raise IntegrityError(f"{sha256[:80]!r} is not the SHA-256 of a blob.")
        return self.root / sha256[:2] / sha256

    def put(self, source: bytes | Path | BinaryIO) -> str:
        """Keep a body; on the disk when this returns.

        Args:
            source: Bytes, a regular file (links are not followed), or an open binary file.

        Returns:
            Its SHA-256, hex.
        """
        with self._translated("store a blob"), _opened(source) as stream:
            descriptor, name = tempfile.mkstemp(dir=self._unfinished)
            unfinished = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as target:
                    sha256 = _copy(stream, target)
                    target.flush()
                    os.fsync(target.fileno())
                if not self._is_whole(sha256):
                    self._place(unfinished, self.path(sha256))
                sync_folder(self.path(sha256).parent)
            finally:
                unfinished.unlink(missing_ok=True)
        return sha256

    @contextlib.contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """A body for reading, from its start, checked before the first byte is handed out.

        Raises:
            IntegrityError: It is missing, or not what its name says.
        """
        with self._checked(sha256) as stream:
            yield stream

    def _checked(self, sha256: str) -> BinaryIO:
        path = self.path(sha256)
        with self._translated(f"read blob {sha256}"), contextlib.ExitStack() as closing:
            try:
                stream = closing.enter_context(path.open("rb"))
            except FileNotFoundError as error:
                raise _missing(sha256, path) from error
            if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise _changed(sha256, path)
            stream.seek(0)
            closing.pop_all()
            return stream

    def read(self, sha256: str) -> bytes:
        """A whole body."""
        path = self.path(sha256)
        with self._translated(f"read blob {sha256}"):
            try:
                body = path.read_bytes()
            except FileNotFoundError as error:
                raise _missing(sha256, path) from error
        if hashlib.sha256(body).hexdigest() != sha256:
            raise _changed(sha256, path)
        return body

    def _is_whole(self, sha256: str) -> bool:
        """A body of that hash is there and unchanged; a changed one is written anew."""
        try:
            with self.path(sha256).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False

    def _place(self, unfinished: Path, path: Path) -> None:
        """Rename into place so that the name survives a power cut too."""
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.root)
        unfinished.chmod(0o400)
        unfinished.replace(path)

    def _sweep(self) -> None:
        for path in self._unfinished.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - STALE_SEC:
                    path.unlink()

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except HarnessError:
            raise
        except OSError as error:
            raise store_error(error, where=str(self.root), doing=doing) from error


@contextlib.contextmanager
def _opened(source: bytes | Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield BytesIO(source)
    elif isinstance(source, Path):
        with open_regular(source) as stream:
            yield stream
    else:
        yield source


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file; a link, pipe or device in its place is refused, not followed.

    Raises:
        StoreError: It is something else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise store_error(error, where=str(path), doing="read a file") from error
    stream = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise StoreError(f"{path} is not a regular file.")
    return stream


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def sync_folder(path: Path) -> None:
    """Let renames inside a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _missing(sha256: str, path: Path) -> IntegrityError:
    return IntegrityError(
        f"Blob {sha256} is missing: {path} does not exist.",
        remedy="Restore the data folder from a backup.",
        slug="blob-missing",
    )


def _changed(sha256: str, path: Path) -> IntegrityError:
    return IntegrityError(
        f"Blob {sha256} is not what was recorded: {path} has other content.",
        remedy="Restore it from a backup.",
        slug="blob-changed",
    )
