"""From a sealed tree back to a folder; the tar is checked as if a stranger had made it."""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import tarfile
from pathlib import Path

from harness.errors import IntegrityError
from harness.grading.seal import shown, stays_inside
from harness.models.session import Submission

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def verify(submission: Submission) -> int:
    """Check that a sealed tree is what was sealed, and is safe to unpack.

    Returns:
        How many files, links and folders it holds.

    Raises:
        IntegrityError: It is not.
    """
    data = io.BytesIO(_sealed(submission))
    with tarfile.open(fileobj=data, mode="r:", encoding="utf-8") as archive:
        return len([_checked(member) for member in archive.getmembers()])


def unpack(submission: Submission, dest: Path, uid: int | None = None, gid: int = -1) -> None:
    """Put a sealed tree into an empty folder.

    Args:
        submission: Its tar is read once and must be what its hash says.
        dest: An existing folder that nothing else writes to meanwhile.
        uid: Owner of everything, where we may choose; None leaves it to us.
        gid: Its group.

    Raises:
        IntegrityError: The tar is not what was sealed.
    """
    data = _sealed(submission)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:", encoding="utf-8") as archive:
        members = [_checked(member) for member in archive.getmembers()]
        # links last, so that no file is ever written through one
        for member in sorted(members, key=lambda member: (member.issym(), member.name)):
            _extract(archive, member, dest)
    if uid is not None and os.geteuid() == 0:
        for folder, names, files in os.walk(dest):
            for name in [".", *names, *files]:
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)


def _sealed(submission: Submission) -> bytes:
    try:
        data = Path(submission.path).read_bytes()
    except OSError as exc:
        raise IntegrityError(
            f"Sealed submission {submission.path} cannot be read: {exc.strerror}."
        ) from exc
    found = hashlib.sha256(data).hexdigest()
    if found != submission.sha256:
        raise IntegrityError(
            f"Sealed submission {submission.path} has hash {found}, not {submission.sha256}."
        )
    return data


def _checked(member: tarfile.TarInfo) -> tarfile.TarInfo:
    path = member.name
    clean = not path.startswith("/") and posixpath.normpath(path) == path and path[:3] != "../"
    known = member.isreg() or member.isdir() or member.issym()
    linked = not member.issym() or stays_inside(tuple(path.split("/")), member.linkname)
    if not (clean and known and linked) or path in ("", ".", ".."):
        raise IntegrityError(f"Sealed submission holds an unsafe entry '{shown(path)}'.")
    return member


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, dest: Path) -> None:
    path = dest / member.name
    if member.isdir():
        path.mkdir(mode=0o755, exist_ok=True)
    elif member.issym():
        path.symlink_to(member.linkname)
    else:
        content = archive.extractfile(member)
        assert content is not None
        with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file:
            file.write(content.read())
            os.fchmod(file.fileno(), member.mode & 0o755)
