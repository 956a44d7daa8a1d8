"""Alembic migrations; `harness.store.upgrade` runs them whenever a store is opened."""
