"""Brings a database to this harness's schema, whoever else opens it at the same time."""

from __future__ import annotations

import sqlalchemy as sa

from harness.errors import StoreError
from harness.store.database import Database
from harness.store.schema import HEAD_REVISION

_ADVISORY_LOCK = 0x68_61_72_6E_65_73_73
"""The word "harness"; PostgreSQL's advisory locks are told apart by number."""


def upgrade(database: Database) -> None:
    """Run the migrations that are missing.

    Raises:
        StoreError: A newer harness or another program made this database.
    """
    with database.reading("read the schema's version") as connection:
        if _revision(connection) == HEAD_REVISION:
            return
    with database.writing("upgrade the schema") as connection:
        if not database.sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        revision = _revision(connection)
        if revision != HEAD_REVISION:
            _migrate(connection, revision, database.where)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def _migrate(connection: sa.Connection, revision: str | None, where: str) -> None:
    # Alembic is imported here because a store that is up to date does without it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "harness.store:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreError(
            f"The database {where} has schema '{revision}', which this harness (schema "
            f"'{HEAD_REVISION}') does not know: a newer harness or another program made it.",
            remedy="Upgrade the harness, or give it a database of its own.",
            slug="store-newer",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
