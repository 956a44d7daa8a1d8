"""Writes git objects: a few as loose files from here, many through `git fast-import`.

A snapshot with one edited file needs about five small objects; starting git for
them would cost more than writing them. A first snapshot of a large tree goes into
a pack instead, in one process.

Source: git-fast-import(1); object formats in gitformat-loose and "Git Objects" of Pro Git.
"""

from __future__ import annotations

import os
import subprocess
import zlib
from contextlib import ExitStack
from types import TracebackType

from harness.errors import RecordingError
from harness.recorder.plumbing import REF, Plumbing, object_id
from harness.recorder.scan import Folder

LOOSE_AT_MOST = 64
"""Contents written as loose objects per snapshot; the ones after that go into a pack."""

TIMEOUT_SEC = 600.0
"""A first snapshot of 100,000 files on a slow disk ends well below."""

_IDENTITY = b"recorder <recorder@harness.invalid> %d +0000"


class ObjectWriter:
    """Writes the objects of one snapshot; use it as a context."""

    def __init__(self, git: Plumbing) -> None:
        self._git = git
        self._objects = git.git_dir / "objects"
        self._exit = ExitStack()
        self._packer: subprocess.Popen[bytes] | None = None
        self._loose = 0

    def __enter__(self) -> ObjectWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit.close()

    def blob(self, oid: str, data: bytes) -> None:
        """Store a content whose id the caller has computed.

        Raises:
            RecordingError: It could not be stored.
        """
        if self._loose < LOOSE_AT_MOST:
            self._loose += 1
            self._store(oid, b"blob", data)
        else:
            self._pack(b"blob\ndata %d\n%b\n" % (len(data), data))

    def finish_blobs(self) -> None:
        """Wait until every content is on disk; before the tree that names them.

        Raises:
            RecordingError: Git could not store them.
        """
        if self._packer is not None:
            self._pack(b"done\n")
            self._git.finish(self._packer, "fast-import")

    def tree(self, folder: Folder) -> str:
        """Store a folder and the folders below it, as far as they are new."""
        if folder.oid is None:
            entries = [
                (os.fsencode(name), entry.mode.encode(), entry.oid)
                for name, entry in folder.files.items()
            ]
            entries += [
                (os.fsencode(name) + b"/", b"40000", self.tree(inner))
                for name, inner in folder.folders.items()
            ]
            entries.sort()  # git sorts folders as if their name ended in a slash
            folder.oid = self._add(
                b"tree",
                b"".join(
                    b"%b %b\0%b" % (mode, name.rstrip(b"/"), bytes.fromhex(oid))
                    for name, mode, oid in entries
                ),
            )
        return folder.oid

    def commit(self, tree: str, parent: str | None, *, when: int, message: str) -> str:
        """Store a commit and move the ref to it.

        Args:
            tree: Id of its tree.
            parent: The commit before.
            when: Unix seconds.
            message: One line.

        Raises:
            RecordingError: It could not be stored; the ref is where it was.
        """
        identity = _IDENTITY % when
        lines = [b"tree " + tree.encode()]
        if parent is not None:
            lines.append(b"parent " + parent.encode())
        lines += [b"author " + identity, b"committer " + identity, b"", message.encode(), b""]
        commit = self._add(b"commit", b"\n".join(lines))
        self._replace("refs/heads", REF.rpartition("/")[2], commit.encode() + b"\n")
        return commit

    def _add(self, kind: bytes, data: bytes) -> str:
        oid = object_id(kind, data)
        self._store(oid, kind, data)
        return oid

    def _store(self, oid: str, kind: bytes, data: bytes) -> None:
        folder, name = f"objects/{oid[:2]}", oid[2:]
        if not (self._objects / oid[:2] / name).exists():
            body = zlib.compress(b"%b %d\0%b" % (kind, len(data), data), 1)
            self._replace(folder, name, body)

    def _replace(self, folder: str, name: str, data: bytes) -> None:
        """A file appears whole or not at all."""
        place = self._git.git_dir / folder
        temporary = place / "tmp_recorder"
        try:
            try:
                temporary.write_bytes(data)
            except FileNotFoundError:
                place.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(data)
            temporary.replace(place / name)
        except OSError as exc:
            raise RecordingError(
                f"The shadow repository {self._git.git_dir} cannot be written: {exc.strerror}.",
                remedy="Look at the disk's free space and the folder's permissions; "
                "recording goes on by itself once it works again.",
                slug="recording-shadow",
            ) from exc

    def _pack(self, data: bytes) -> None:
        if self._packer is None:
            self._packer = self._exit.enter_context(
                self._git.start(
                    "fast-import", "--quiet", "--done", stdin=True, timeout_sec=TIMEOUT_SEC
                )
            )
        assert self._packer.stdin is not None
        try:
            self._packer.stdin.write(data)
            if data == b"done\n":
                self._packer.stdin.close()
        except BrokenPipeError as exc:
            self._git.finish(self._packer, "fast-import")
            raise RecordingError("git fast-import went away.", slug="recording-shadow") from exc
