"""The one place where a database's or file system's error becomes a `StoreError`."""

from __future__ import annotations

import errno
from typing import NamedTuple

from harness.errors import StoreError


class Cause(NamedTuple):
    """What an error code means to the operator."""

    slug: str
    why: str
    remedy: str


_FULL = Cause(
    "store-full",
    "the disk is full",
    "Free space and repeat; what was written before is whole.",
)
_LOCKED = Cause(
    "store-locked",
    "another process held the lock for too long",
    "Stop the process that is stuck and repeat.",
)
_DENIED = Cause(
    "store-denied",
    "this user may not read or write it",
    "Give the harness's user access, or set HARNESS_DATA_DIR or HARNESS_DATABASE_URL elsewhere.",
)
_DAMAGED = Cause(
    "store-damaged",
    "the file is damaged or not a database",
    "Restore it from a backup; exported sessions still verify with `harness session verify`.",
)
_DEVICE = Cause(
    "store-device",
    "the disk reported an error",
    "Look at the machine's kernel log and the disk's health, then repeat.",
)
_UNREACHABLE = Cause(
    "store-unreachable",
    "the database server does not answer",
    "Check that it runs and that HARNESS_DATABASE_URL names its host, port and database.",
)
_REFUSED = Cause(
    "store-denied",
    "the database server refused this user or password",
    "Check the user and password in HARNESS_DATABASE_URL and the server's pg_hba.conf.",
)
_FOREIGN = Cause(
    "store-foreign",
    "its tables are not the harness's",
    "Give the harness a database of its own.",
)
_BUSY_SERVER = Cause(
    "store-unreachable",
    "the database server has no connection or memory left",
    "Raise its limits or stop other clients, then repeat.",
)

_CAUSES: tuple[tuple[str, Cause], ...] = (
    # SQLite result codes, by name and longest prefix first
    ("SQLITE_FULL", _FULL),
    ("SQLITE_BUSY", _LOCKED),
    ("SQLITE_LOCKED", _LOCKED),
    ("SQLITE_READONLY", _DENIED),
    ("SQLITE_CANTOPEN", _DENIED),
    ("SQLITE_PERM", _DENIED),
    ("SQLITE_AUTH", _DENIED),
    ("SQLITE_CORRUPT", _DAMAGED),
    ("SQLITE_NOTADB", _DAMAGED),
    ("SQLITE_IOERR", _DEVICE),
    # SQLSTATE codes and classes
    ("53100", _FULL),
    ("53", _BUSY_SERVER),
    ("55P03", _LOCKED),
    ("40P01", _LOCKED),
    ("28", _REFUSED),
    ("3D000", _UNREACHABLE),
    ("42501", _DENIED),
    ("42P07", _FOREIGN),
    ("42P01", _FOREIGN),
    ("42703", _FOREIGN),
    ("08", _UNREACHABLE),
    ("57P", _UNREACHABLE),
    ("58", _DEVICE),
    ("XX00", _DAMAGED),
)

_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
    errno.EIO: _DEVICE,
}


def store_error(error: Exception, *, where: str, doing: str) -> StoreError:
    """The error to raise instead of `error`.

    Args:
        error: From SQLAlchemy, a database driver or the operating system.
        where: The database's URL without its password, or the blob folder.
        doing: What was tried, as in "append to session 'x'".
    """
    original = getattr(error, "orig", None) or error
    cause = _cause(original)
    said = " ".join(str(original).split()) or type(original).__name__
    if cause is None:
        return StoreError(f"Could not {doing} in {where}: {said}.")
    return StoreError(
        f"Could not {doing} in {where}: {cause.why} ({said}).",
        remedy=cause.remedy,
        slug=cause.slug,
    )


def _cause(error: BaseException) -> Cause | None:
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0)
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    if code is None:
        return _cause_without_code(error)
    return next((cause for prefix, cause in _CAUSES if str(code).startswith(prefix)), None)


def _cause_without_code(error: BaseException) -> Cause | None:
    """What a driver says without a code: psycopg has none when no connection came about."""
    text = str(error)
    if type(error).__name__ not in {"OperationalError", "ConnectionTimeout"}:
        return None
    if "password authentication failed" in text or "no pg_hba.conf entry" in text:
        return _REFUSED
    return _UNREACHABLE
