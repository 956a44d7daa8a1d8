"""Migrations: they make what the tables say, once, whoever opens the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from harness.errors import StoreError
from harness.store import Store
from harness.store.database import Database
from harness.store.schema import HEAD_REVISION, METADATA
from harness.store.upgrade import upgrade

from .conftest import tamper


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", "harness.store:migrations")
    return config


def test_migrations_make_the_tables_that_the_code_uses(store_url: str, tmp_path: Path) -> None:
    """Migrations and metadata agree, types and defaults included."""
    Store.open(store_url, tmp_path).close()
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_code_knows_the_newest_migration() -> None:
    """Opening compares with this name instead of importing alembic."""
    assert ScriptDirectory.from_config(_scripts()).get_current_head() == HEAD_REVISION


def test_migrations_go_down_and_up_again(store_url: str, tmp_path: Path) -> None:
    """Every migration can be taken back."""
    Store.open(store_url, tmp_path).close()
    database = Database(store_url)
    with database.writing("migrate down") as connection:
        config = _scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert set(sa.inspect(connection).get_table_names()) == {"alembic_version"}
    upgrade(database)
    with database.reading("look") as connection:
        assert set(METADATA.tables) < set(sa.inspect(connection).get_table_names())
    database.close()


def test_a_newer_schema_is_left_alone(store_url: str, tmp_path: Path) -> None:
    """An older harness refuses instead of guessing."""
    Store.open(store_url, tmp_path).close()
    tamper(store_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"9999.*Upgrade the harness") as caught:
        Store.open(store_url, tmp_path)
    assert caught.value.slug == "store-newer"


def test_another_programs_tables_are_left_alone(store_url: str, tmp_path: Path) -> None:
    """A database with a table of our name that we did not make is refused, unchanged."""
    if store_url.startswith("sqlite"):
        Path(store_url.removeprefix("sqlite:///")).parent.mkdir()
    tamper(store_url, "CREATE TABLE events (id INTEGER)")
    with pytest.raises(StoreError) as caught:
        Store.open(store_url, tmp_path)
    assert "already exists" in str(caught.value)
    engine = sa.create_engine(store_url)
    assert sa.inspect(engine).get_table_names() == ["events"]
    engine.dispose()


def test_processes_may_open_a_new_store_at_once(store_url: str, tmp_path: Path) -> None:
    """Four processes open what does not exist yet: one makes it, all of them can use it."""
    code = (
        "import sys; from pathlib import Path; from harness.store import Store\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "with Store.open(sys.argv[1], Path(sys.argv[2])) as store: print(store.sessions())\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, store_url, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [process.communicate(timeout=120) for process in processes]
    assert outcomes == [("[]\n", "")] * 4
