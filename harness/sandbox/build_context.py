"""What goes into an image: a table of files, its hash, and its tar."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from docker.utils.build import exclude_paths

Content = Mapping[str, Path | bytes]
"""Path in the build context -> a file or symbolic link on the host, or the bytes themselves."""

_NEVER = ("**/__pycache__", "**/*.pyc", "**/.pytest_cache")
_SPOOLED_BYTES = 16 * 1024 * 1024
_CHUNK = 1024 * 1024


def tree(folder: Path, prefix: str = "") -> dict[str, Path]:
    """Every file below a folder, its `.dockerignore` heeded, under `prefix` in the context."""
    ignore = folder / ".dockerignore"
    patterns = ignore.read_text("utf-8").splitlines() if ignore.is_file() else []
    wanted = exclude_paths(str(folder), [line for line in (*patterns, *_NEVER) if line.strip()])
    return {
        f"{prefix}{name}": path
        for name in sorted(wanted)
        if (path := folder / name).is_symlink() or path.is_file()
    }


def digest(content: Content, *further: str) -> str:
    """SHA-256 over names, kinds, execute bits, bytes, and `further` (such as the base image)."""
    total = hashlib.sha256()
    for text in further:
        total.update(f"{len(text)}:{text}".encode())
    for name, source in sorted(content.items()):
        kind, size, data = _opened(source)
        total.update(f"{kind}:{len(name)}:{name}:{size}:".encode())
        with data:
            while chunk := data.read(_CHUNK):
                total.update(chunk)
    return total.hexdigest()


def packed(content: Content) -> IO[bytes]:
    """The context as a tar, the same bytes for the same content; positioned at its start."""
    spool = tempfile.SpooledTemporaryFile(_SPOOLED_BYTES)  # noqa: SIM115 - the caller closes it
    with tarfile.open(fileobj=spool, mode="w") as archive:
        for name, source in sorted(content.items()):
            entry = tarfile.TarInfo(name)
            kind, entry.size, data = _opened(source)
            with data:
                if kind == "link":
                    entry.type, entry.linkname, entry.size = (
                        tarfile.SYMTYPE,
                        str(data.read(), "utf-8"),
                        0,
                    )
                    archive.addfile(entry)
                else:
                    entry.mode = 0o755 if kind == "program" else 0o644
                    archive.addfile(entry, data)
    spool.seek(0)
    return spool


def _opened(source: Path | bytes) -> tuple[str, int, IO[bytes]]:
    """Kind (file, program, link), size in bytes, and the bytes."""
    if isinstance(source, bytes):
        return "file", len(source), io.BytesIO(source)
    info = source.lstat()
    if stat.S_ISLNK(info.st_mode):
        target = os.fsencode(source.readlink())
        return "link", len(target), io.BytesIO(target)
    kind = "program" if info.st_mode & stat.S_IXUSR else "file"
    return kind, info.st_size, source.open("rb")
