"""Verifies an exported session without any store. The archive may be an attacker's.

Nothing is ever unpacked to disk. What is read is bounded before it is read: the
archive's directory, the number of members, the size each declares and their sum.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.models.base import Model
from harness.models.event import GENESIS
from harness.store.archive import (
    ATTACHMENT,
    EVENTS,
    MANIFEST,
    SEAL_BYTES,
    SESSION,
    Manifest,
    SessionFile,
    seal_of,
)
from harness.store.blobs import CHUNK_BYTES, open_regular
from harness.store.chain import ChainChecker, ChainProblem, ChainReport
from harness.store.rows import MAX_PAYLOAD_BYTES, Record

_SEAL = re.compile(rb"[0-9a-f]{64}")
_BLOB = re.compile(r"blobs/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_END_BYTES = 22 + SEAL_BYTES
"""A ZIP's end record with our comment."""
_END64_BYTES = _END_BYTES + 20 + 56
"""The same with the 64-bit locator and record before it."""
_ModelT = TypeVar("_ModelT", bound=Model)


class Caps(NamedTuple):
    """How much of an archive is read; more is a problem of the kind "archive"."""

    directory_bytes: int = 32 * 1024 * 1024
    members: int = 100_000
    json_bytes: int = 32 * 1024 * 1024
    total_bytes: int = 16 * 1024**3
    """Of all members unpacked."""


CAPS = Caps()


class _RefusedError(Exception):
    """This is not an archive that will be read further."""


def verify_archive(path: Path, *, known_head: str | None = None, caps: Caps = CAPS) -> ChainReport:
    """Check an exported session: its chain, its blobs, its attachments.

    Args:
        path: What `Store.export` wrote, or what somebody claims it did.
        known_head: A head hash kept elsewhere, such as a scorecard's; some event must have it.
        caps: How much is read at most.

    Raises:
        StoreError: The file cannot be opened.
    """
    with open_regular(path) as stream:
        try:
            _check_directory(stream, caps)
            sealed = seal_of(stream)
            with zipfile.ZipFile(stream) as archive:
                return _verify(archive, sealed, known_head, caps)
        except _RefusedError as error:
            return _refused(str(error))
        # zipfile reports hostile structures as any of these
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            NotImplementedError,
            RuntimeError,
            struct.error,
        ) as error:
            return _refused(f"The archive cannot be read: {type(error).__name__}.")


def _refused(message: str) -> ChainReport:
    problem = ChainProblem(seq=None, kind="archive", message=message)
    return ChainReport(session="", events=0, head=GENESIS, problems=(problem,))


def _check_directory(stream: BinaryIO, caps: Caps) -> None:
    """Refuse a huge directory before zipfile reads it whole into memory.

    Only an end record followed by our seal alone is taken: then it is the one that
    zipfile, which looks for the last one, takes too.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _END64_BYTES))
    tail = stream.read(_END64_BYTES)
    end, seal = tail[-_END_BYTES:-SEAL_BYTES], tail[-SEAL_BYTES:]
    length = SEAL_BYTES.to_bytes(2, "little")
    if end.rfind(b"PK\5\6") != 0 or end[-2:] != length or not _SEAL.fullmatch(seal):
        raise _RefusedError("This is not an archive that the harness wrote, or its end is gone.")
    directory_bytes = struct.unpack_from("<I", end, 12)[0]
    if len(tail) == _END64_BYTES and tail[56:60] == b"PK\6\7":
        directory_bytes = max(directory_bytes, struct.unpack_from("<Q", tail, 40)[0])
    if min(directory_bytes, size) > caps.directory_bytes:
        raise _RefusedError("The archive's directory is larger than the harness reads.")


def _verify(
    archive: zipfile.ZipFile, seal: bytes, known_head: str | None, caps: Caps
) -> ChainReport:
    members = _members(archive, caps)
    manifest = _parse(archive, members, MANIFEST, Manifest, caps)
    session = _parse(archive, members, SESSION, SessionFile, caps)
    checker = ChainChecker(
        session.session.id, head=(session.head.seq, session.head.hash), known_head=known_head
    )
    if archive.comment != seal:
        checker.note(None, "archive", "The archive's bytes were changed after it was written.")
    if manifest.session != session.session.id:
        checker.note(None, "archive", "The manifest is another session's.")
    found = {name: _digest(archive, info) for name, info in members.items() if name != MANIFEST}
    _check_manifest(checker, manifest, found)
    for record in _records(archive, members, checker):
        checker.read(record)
    report = checker.report()
    _check_blobs(checker, found)
    return report.model_copy(update={"problems": tuple(checker.problems)})


def _members(archive: zipfile.ZipFile, caps: Caps) -> dict[str, zipfile.ZipInfo]:
    """Every member by name, each of a kind and size that is safe to read."""
    infos = archive.infolist()
    if len(infos) > caps.members:
        raise _RefusedError(f"The archive has more than {caps.members:,} members.")
    if sum(info.file_size for info in infos) > caps.total_bytes:
        raise _RefusedError(f"The archive unpacks to more than {caps.total_bytes:,} bytes.")
    members = {info.filename: info for info in infos}
    if len(members) < len(infos):
        raise _RefusedError("The archive has two members of one name.")
    for info in infos:
        _check_member(info)
    return members


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.filename
    known = name in {MANIFEST, SESSION, EVENTS} or _BLOB.fullmatch(name)
    attached = name.startswith("attachments/") and ATTACHMENT.fullmatch(name.split("/", 1)[1])
    mode = info.external_attr >> 16
    plain = stat.S_IFMT(mode) in {0, stat.S_IFREG}
    stored = info.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    if not (known or attached):
        raise _RefusedError(f"The archive has a member that does not belong there: {name[:80]!r}.")
    if not plain or not stored or info.flag_bits & 1:
        raise _RefusedError(f"The archive's member {name[:80]!r} is not a plain file.")


def _parse(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    name: str,
    model: type[_ModelT],
    caps: Caps,
) -> _ModelT:
    info = members.get(name)
    if info is None or info.file_size > caps.json_bytes:
        raise _RefusedError(f"The archive's {name} is missing or too large.")
    try:
        return model.model_validate_json(archive.read(info))
    except ValidationError as error:
        raise _RefusedError(f"The archive's {name} does not have the form it must have.") from error


def _digest(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """A member's SHA-256; empty when its bytes do not even match the archive's own checksum."""
    digest = hashlib.sha256()
    try:
        with archive.open(info) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return ""
    return digest.hexdigest()


def _check_manifest(checker: ChainChecker, manifest: Manifest, found: dict[str, str]) -> None:
    for name, member in manifest.members.items():
        if name not in found:
            checker.note(None, "file-missing", f"{name[:120]!r} is not in the archive.")
        elif found[name] != member.sha256:
            checker.note(None, "file-changed", f"{name!r} is not what the manifest says.")
    for name in sorted(found.keys() - manifest.members.keys()):
        checker.note(None, "file-unexpected", f"{name!r} is not in the manifest.")
    for name, sha256 in found.items():
        blob = _BLOB.fullmatch(name)
        if blob and blob[2] != sha256:
            checker.note(None, "blob-changed", f"Blob {blob[2]} is not what its name says.")


def _check_blobs(checker: ChainChecker, found: dict[str, str]) -> None:
    for sha256, (seq, role) in checker.blobs.items():
        if f"blobs/{sha256[:2]}/{sha256}" not in found:
            checker.note(seq, "blob-missing", f"Event {seq}'s {role} is not in the archive.")


def _records(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], checker: ChainChecker
) -> Iterator[Record]:
    """The events, line by line; a line that is none is noted."""
    info = members.get(EVENTS)
    if info is None:
        return
    longest = 6 * MAX_PAYLOAD_BYTES + 4096  # every byte escaped as \u00xx
    with archive.open(info) as stream:
        number = 0
        while line := stream.readline(longest):
            number += 1
            try:
                fields = _LINE.validate_json(line)
            except ValidationError:
                checker.note(None, "edited", f"Line {number} of {EVENTS} is not an event.")
                continue
            yield Record(**fields.model_dump())


class _Line(Model):
    """One line of `events.jsonl`."""

    session: str
    seq: int
    at: str
    offset_sec: float
    payload: str
    prev: str
    hash: str


_LINE = TypeAdapter(_Line)
