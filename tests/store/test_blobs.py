"""Blobs: kept once, on the disk, checked when read."""

from __future__ import annotations

import errno
import hashlib
import os
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import IntegrityError, StoreError
from harness.store.blobs import CHUNK_BYTES, STALE_SEC, BlobFolder


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    """An empty folder."""
    return BlobFolder(tmp_path / "blobs")


def _files(blobs: BlobFolder) -> list[Path]:
    return sorted(path for path in blobs.root.rglob("*") if path.is_file())


@given(body=st.binary(max_size=5000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_body_reads_back(blobs: BlobFolder, body: bytes) -> None:
    """Bytes come back the same under their SHA-256, whole or as a stream."""
    sha256 = blobs.put(body)
    assert sha256 == hashlib.sha256(body).hexdigest()
    assert blobs.read(sha256) == body
    with blobs.open(sha256) as stream:
        assert stream.read() == body


def test_bytes_files_and_streams_are_one_body(blobs: BlobFolder, tmp_path: Path) -> None:
    """However it comes, a body is kept once, in a file that invites no editing."""
    body = os.urandom(CHUNK_BYTES) + b"and more than one chunk"
    source = tmp_path / "source"
    source.write_bytes(body)
    assert len({blobs.put(body), blobs.put(source), blobs.put(BytesIO(body))}) == 1
    (kept,) = _files(blobs)
    assert kept == blobs.path(hashlib.sha256(body).hexdigest())
    assert kept.stat().st_mode & 0o777 == 0o400


def test_a_changed_body_is_not_handed_out(blobs: BlobFolder) -> None:
    """Reading checks the content; storing the same body again mends it."""
    sha256 = blobs.put(b"evidence")
    blobs.path(sha256).chmod(0o600)
    blobs.path(sha256).write_bytes(b"Evidence")
    for read in (lambda: blobs.read(sha256), lambda: blobs.open(sha256).__enter__()):
        with pytest.raises(IntegrityError, match="not what was recorded") as caught:
            read()
        assert caught.value.slug == "blob-changed"
    assert blobs.put(b"evidence") == sha256
    assert blobs.read(sha256) == b"evidence"


def test_a_missing_body_is_said_so(blobs: BlobFolder) -> None:
    """The message names the path."""
    for read in (lambda: blobs.read("a" * 64), lambda: blobs.open("a" * 64).__enter__()):
        with pytest.raises(IntegrityError, match="does not exist") as caught:
            read()
        assert caught.value.slug == "blob-missing"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_a_name_that_is_no_hash_reaches_no_file(blobs: BlobFolder, name: str) -> None:
    """Hashes come out of records that somebody may have written."""
    with pytest.raises(IntegrityError):
        blobs.path(name)


def test_only_regular_files_are_taken(blobs: BlobFolder, tmp_path: Path) -> None:
    """A link or a pipe in a file's place is refused at once, not followed or waited for."""
    (tmp_path / "link").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing", "."):
        with pytest.raises(StoreError):
            blobs.put(tmp_path / name)
    assert _files(blobs) == []


def test_a_failing_source_leaves_nothing(blobs: BlobFolder) -> None:
    """An error half-way removes the unfinished file and is translated."""

    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="full") as caught:
        blobs.put(Broken())
    assert caught.value.slug == "store-full"
    assert _files(blobs) == []


def test_the_readers_own_errors_are_theirs(blobs: BlobFolder) -> None:
    """An error in the block that reads a blob is not taken for the blob's."""
    with pytest.raises(FileNotFoundError), blobs.open(blobs.put(b"x")):
        raise FileNotFoundError


def test_the_folders_are_their_owners_alone(tmp_path: Path) -> None:
    """Other users of the machine read nothing about candidates."""
    root = tmp_path / "data" / "blobs"
    folder = BlobFolder(root)
    kept = folder.path(folder.put(b"x")).parent
    for made in (root.parent, root, root / "unfinished", kept):
        assert made.stat().st_mode & 0o077 == 0


def test_what_a_dead_process_left_is_swept(blobs: BlobFolder) -> None:
    """Opening removes unfinished files of yesterday and leaves those of others at work."""
    old, new = (blobs.root / "unfinished" / name for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    before = old.stat().st_mtime - STALE_SEC - 60
    os.utime(old, (before, before))
    BlobFolder(blobs.root)
    assert [new] == _files(blobs)
