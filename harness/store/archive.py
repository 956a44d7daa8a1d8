"""A session as one file: a ZIP that anybody can open and `verify_archive` can check offline.

ZIP and not tar.gz: its members are read one by one by name with their sizes known
beforehand, it knows no links or devices to follow, and every desktop opens it.

```
session.json        the session's row and the head of its chain
events.jsonl        one event a line, each field exactly as it was hashed
blobs/ab/<sha256>   what the events name: terminal recordings, sealed submissions
attachments/...     what the caller added, such as the shadow repository's bundle
manifest.json       SHA-256 and size of every other member
```
The archive's comment is the SHA-256 of all bytes before it, so that no byte can change unseen.
Damage in the store is exported as it is; verifying the archive shows it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Literal, Self

from pydantic import Field

import harness
from harness.errors import HarnessError, UsageError
from harness.models.base import Model
from harness.models.session import Session
from harness.store.blobs import CHUNK_BYTES, open_regular, sync_folder
from harness.store.failures import store_error
from harness.store.rows import Record

MANIFEST, SESSION, EVENTS = "manifest.json", "session.json", "events.jsonl"
ATTACHMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,3}")
"""Names that are plain on every file system."""

SEAL_BYTES = 64
"""Length of the archive's comment."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_COMPRESSION = 6


class HeadMark(Model):
    """The last event, as the session's row keeps it."""

    seq: int = Field(ge=0)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


class SessionFile(Model):
    """`session.json`."""

    session: Session
    head: HeadMark


class Member(Model):
    """One file of the archive."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(Model):
    """`manifest.json`."""

    format: Literal["harness-session-1"] = "harness-session-1"
    harness_version: str
    session: str
    members: dict[str, Member]


class ArchiveWriter:
    """Writes members one after the other; the same content gives the same bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION)
        self._members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write one member."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(_info(name), "w", force_zip64=True) as target:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        self._members[name] = Member(sha256=digest.hexdigest(), bytes=size)

    def finish(self, session_id: str) -> None:
        """Write the manifest; closing adds the archive's directory with room for the seal."""
        manifest = Manifest(
            harness_version=harness.__version__, session=session_id, members=self._members
        )
        self._zip.writestr(_info(MANIFEST), manifest.model_dump_json(indent=1))
        self._zip.comment = b"0" * SEAL_BYTES


def seal_of(stream: BinaryIO) -> bytes:
    """What an archive's comment must be: the hash of all that stands before it."""
    left = stream.seek(0, os.SEEK_END) - SEAL_BYTES
    stream.seek(0)
    digest = hashlib.sha256()
    while chunk := stream.read(min(CHUNK_BYTES, max(0, left))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest().encode()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    info.create_system = 3  # Unix, so that the mode above counts wherever it was written
    return info


def write_archive(
    dest: Path,
    session: SessionFile,
    records: Iterable[Record],
    blobs: Iterable[tuple[str, Path]],
    attachments: Mapping[str, Path],
) -> Path:
    """Write `dest` whole or not at all.

    Args:
        dest: The archive; replaced when there is one.
        session: The session's row and head.
        records: Its events as stored.
        blobs: Hash and file; asked for after all records were taken.
        attachments: Name inside `attachments/` -> regular file.

    Raises:
        UsageError: An attachment's name is not plain.
        StoreError: A file cannot be read or the archive not be written.
    """
    for name in attachments:
        if not ATTACHMENT.fullmatch(name):
            raise UsageError(f"An attachment cannot be named {name[:80]!r} in an archive.")
    with _replacing(dest) as stream:
        with ArchiveWriter(stream) as writer:
            writer.add(SESSION, [session.model_dump_json(indent=1).encode()])
            writer.add(EVENTS, map(event_line, records))
            for sha256, path in sorted(blobs):
                with open_regular(path) as source:
                    writer.add(f"blobs/{sha256[:2]}/{sha256}", _chunks(source))
            for name, path in sorted(attachments.items()):
                with open_regular(path) as source:
                    writer.add(f"attachments/{name}", _chunks(source))
            writer.finish(session.session.id)
        seal = seal_of(stream)
        stream.seek(-SEAL_BYTES, os.SEEK_END)
        stream.write(seal)
    return dest


def event_line(record: Record) -> bytes:
    """One line of `events.jsonl`; the payload stays a string, so that it is never re-encoded."""
    return json.dumps(record._asdict(), separators=(",", ":")).encode() + b"\n"


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


@contextlib.contextmanager
def _replacing(dest: Path) -> Iterator[BinaryIO]:
    """A file that takes `dest`'s place when everything was written."""
    try:
        descriptor, name = tempfile.mkstemp(dir=dest.parent, prefix=f".{dest.name[:40]}.")
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "w+b") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(dest)
            sync_folder(dest.parent)
        finally:
            unfinished.unlink(missing_ok=True)
    except HarnessError:
        raise
    except OSError as error:
        raise store_error(error, where=str(dest), doing="write the archive") from error
