"""Sessions with the head of their chain, their events, and leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("task_digest", sa.Text, nullable=False),
        sa.Column("rubric", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("candidate", sa.Text, nullable=False),
        sa.Column("loop", sa.Text),
        sa.Column("minutes", sa.Double, nullable=False),
        sa.Column("backend", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("started_at", sa.Text),
        sa.Column("running_since", sa.Text),
        sa.Column("used_sec", sa.Double, nullable=False),
        sa.Column("container", sa.Text),
        sa.Column("network", sa.Text),
        sa.Column("volume", sa.Text),
        sa.Column("image", sa.Text),
        sa.Column("submission_sha256", sa.Text),
        sa.Column("head_seq", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.Text, nullable=False),
        sa.Column("head_at", sa.Text, nullable=False),
        sa.Column("head_offset_sec", sa.Double, nullable=False),
        sa.Column("head_boot_id", sa.Text, nullable=False),
        sa.Column("head_moment_sec", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_table(
        "events",
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("offset_sec", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("prev", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_events_session_id"),
    )
    op.create_table(
        "leases",
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("claimed_at", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("pid_namespace", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_ticks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "purpose", name="pk_leases"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_leases_session_id"),
    )


def downgrade() -> None:
    """Drop everything."""
    op.drop_table("leases")
    op.drop_table("events")
    op.drop_table("sessions")
