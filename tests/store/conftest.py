"""Every store test runs on SQLite, and with --postgres on a real PostgreSQL server too."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from harness.store import Store, Tick
from harness.testing.builders import A_MOMENT, a_session

SESSION_ID = a_session().id

_INITDB_OPTIONS = ("-U", "harness", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
_SERVER_OPTIONS = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60")
_databases = itertools.count(1)


def _server_programs() -> Path | None:
    """The folder of the newest PostgreSQL server; Debian keeps them off PATH."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root; None when we are somebody else already."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server of our own on a private socket, without TCP; gives its URL up to the database."""
    programs, user = _server_programs(), _server_user()
    if programs is None:
        pytest.skip("PostgreSQL's server programs (initdb, postgres) are not installed")
    folder = Path(tempfile.mkdtemp(prefix="harness-pg-"))
    data, log = folder / "data", folder / "log"
    try:
        log.touch()
        if user is not None:
            for path in (folder, log):
                shutil.chown(path, user)
        subprocess.run(
            [programs / "initdb", "-D", data, *_INITDB_OPTIONS],
            user=user,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        with log.open("ab") as output:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, *_SERVER_OPTIONS],
                user=user,
                cwd=folder,
                stdout=output,
                stderr=output,
            )
        try:
            _wait_until_ready(server, folder, log)
            yield f"postgresql+psycopg://harness@/%s?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # "fast shutdown": does not wait for clients
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host=str(folder), user="harness", dbname="postgres").close()
            return
        if server.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"PostgreSQL did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.05)  # a server starting up tells nobody


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh database on the server."""
    name = f"test_{next(_databases)}"
    admin = (postgres_server % "postgres").replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    yield postgres_server % name
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'data' / 'harness.db'}"


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """An open store with one session, `a_session()`."""
    with Store.open(store_url, tmp_path / "data") as opened:
        opened.create_session(a_session())
        yield opened


def tamper(url: str, statement: str, **values: object) -> int:
    """Change the database behind the store's back; returns the number of rows changed."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        changed = connection.execute(sa.text(statement), values).rowcount
    engine.dispose()
    return changed


class ScriptedClock:
    """A clock that says what a test tells it to."""

    def __init__(self) -> None:
        self.tick = Tick(A_MOMENT, "boot-1", 1000.0)

    def __call__(self) -> Tick:
        return self.tick

    def wait(self, seconds: float) -> None:
        """Let time pass for both clocks."""
        at = self.tick.at + timedelta(seconds=seconds)
        self.tick = self.tick._replace(at=at, moment_sec=self.tick.moment_sec + seconds)
