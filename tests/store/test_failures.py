"""Errors of the database and the disk say whose turn it is and what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from harness.errors import StoreError
from harness.models.event import NoteTaken
from harness.store import Store, database
from harness.store.failures import store_error
from harness.testing.builders import a_session

from .conftest import SESSION_ID


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A SQLite store's file with one session."""
    path = tmp_path / "harness.db"
    with Store.open(f"sqlite:///{path}", tmp_path) as store:
        store.create_session(a_session())
    return path


def _opened(path: Path) -> Store:
    return Store.open(f"sqlite:///{path}", path.parent)


def test_a_full_disk_loses_nothing_that_was_written(path: Path) -> None:
    """The append fails, says so, and the record before it is whole."""
    with _opened(path) as store:
        store.append(SESSION_ID, NoteTaken(by="a", text="before"))
        cursor = store._journal._writer._connected()
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
        with pytest.raises(StoreError, match="disk is full") as caught:
            store.append(SESSION_ID, NoteTaken(by="a", text="x" * 100_000))
        assert caught.value.slug == "store-full"
        assert caught.value.remedy
        cursor.execute("PRAGMA max_page_count = 100000")
        store.append(SESSION_ID, NoteTaken(by="a", text="after"))
        assert store.verify(SESSION_ID).events == 2
        assert store.verify(SESSION_ID).ok


def test_a_lock_that_is_never_given_back_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer waits only so long for another process."""
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SEC", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with _opened(path) as store:
        with pytest.raises(StoreError, match="held the lock") as caught:
            store.append(SESSION_ID, NoteTaken(by="a", text="b"))
        assert caught.value.slug == "store-locked"
        assert list(store.events(SESSION_ID)) == []
        other.execute("ROLLBACK")
        assert store.append(SESSION_ID, NoteTaken(by="a", text="b")).seq == 1
    other.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """Opening anything else says so and leaves it as it was."""
    path = tmp_path / "harness.db"
    path.write_bytes(b"a letter to my aunt " * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        _opened(path)
    assert caught.value.slug == "store-damaged"
    assert path.read_bytes().startswith(b"a letter")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the data folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        Store.open(f"sqlite:///{tmp_path}/file/harness.db", tmp_path)
    with pytest.raises(StoreError, match="file"):
        Store.open(f"sqlite:///{tmp_path}/harness.db", tmp_path / "file")


def test_the_database_is_its_owners_alone(path: Path) -> None:
    """Other users of the machine read nothing about candidates."""
    assert path.stat().st_mode & 0o077 == 0


def test_durability_is_what_sqlite_is_asked_for(path: Path) -> None:
    """Write-ahead log, flushed at every commit."""
    with _opened(path) as store:
        cursor = store._journal._writer._connected()
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "nonsense", ""]
)
def test_an_unfit_url_names_the_fit_ones(tmp_path: Path, url: str) -> None:
    """A record cannot be kept in memory or in databases we never tried."""
    with pytest.raises(StoreError, match="HARNESS_DATABASE_URL") as caught:
        Store.open(url, tmp_path)
    assert caught.value.slug == "store-url"


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    """Nobody listens on that socket."""
    url = f"postgresql://me:secret@/db?host={tmp_path}"
    with pytest.raises(StoreError, match="does not answer") as caught:
        Store.open(url, tmp_path)
    assert caught.value.slug == "store-unreachable"
    assert "secret" not in str(caught.value)


@pytest.mark.postgres
def test_a_missing_database_is_named(postgres_server: str, tmp_path: Path) -> None:
    """The server answers, but has no such database."""
    with pytest.raises(StoreError, match="no_such") as caught:
        Store.open(postgres_server % "no_such", tmp_path)
    assert caught.value.slug == "store-unreachable"


@pytest.mark.postgres
def test_a_lost_connection_is_opened_again(postgres_url: str, tmp_path: Path) -> None:
    """A server that dropped our idle connections does not cost an event."""
    with Store.open(postgres_url, tmp_path) as store:
        store.create_session(a_session())
        store.append(SESSION_ID, NoteTaken(by="a", text="1"))
        engine = sa.create_engine(postgres_url)
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                    "datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        engine.dispose()
        assert store.append(SESSION_ID, NoteTaken(by="a", text="2")).seq == 2
        assert store.session(SESSION_ID) == a_session()
        assert store.verify(SESSION_ID).ok


@pytest.mark.postgres
def test_postgres_flushes_every_commit(postgres_url: str, tmp_path: Path) -> None:
    """A server set to answer before it has flushed is overruled; a stricter one is not."""
    with Store.open(postgres_url, tmp_path) as store:
        for configured, used in (("off", "on"), ("remote_apply", "remote_apply")):
            with store._database.writing("configure") as connection:
                name = connection.scalar(sa.text("SELECT current_database()"))
                statement = f"ALTER DATABASE {name} SET synchronous_commit TO {configured}"
                connection.execute(sa.text(statement))
            with Store.open(postgres_url, tmp_path) as again:
                cursor = again._journal._writer._connected()
                cursor.execute("SHOW synchronous_commit")
                assert cursor.fetchone() == (used,)


@pytest.mark.parametrize(
    ("number", "slug"),
    [
        (errno.ENOSPC, "store-full"),
        (errno.EDQUOT, "store-full"),
        (errno.EACCES, "store-denied"),
        (errno.EROFS, "store-denied"),
        (errno.EIO, "store-device"),
        (errno.EXDEV, "store"),
    ],
)
def test_errors_of_the_disk_have_their_slugs(number: int, slug: str) -> None:
    """Each errno an operator can do something about is told apart."""
    error = store_error(OSError(number, "said the kernel"), where="/blobs", doing="store a blob")
    assert error.slug == slug
    assert "store a blob in /blobs" in str(error)
    assert "said the kernel" in str(error)


@pytest.mark.parametrize(
    ("code", "slug"),
    [
        ("SQLITE_IOERR_WRITE", "store-device"),
        ("SQLITE_READONLY_DBMOVED", "store-denied"),
        ("SQLITE_BUSY_SNAPSHOT", "store-locked"),
        ("53100", "store-full"),
        ("53300", "store-unreachable"),
        ("57P01", "store-unreachable"),
        ("28P01", "store-denied"),
        ("23505", "store"),
    ],
)
def test_errors_of_databases_have_their_slugs(code: str, slug: str) -> None:
    """SQLite's names and SQLSTATE's numbers."""

    class DriverError(Exception):
        sqlite_errorname = code if code.startswith("SQLITE") else None
        sqlstate = None if code.startswith("SQLITE") else code

    assert store_error(DriverError("?"), where="db", doing="append").slug == slug
