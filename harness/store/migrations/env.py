"""Alembic's environment: always on the connection `harness.store.upgrade` hands in.

The caller holds the database's write lock on that connection, so that processes
which open a new store at once migrate it one after the other.
"""

from __future__ import annotations

from alembic import context

from harness.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
