"""What is said about alerts: when each happened and was detected, and every message on its way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hrorch_pipelines.storage.ledger_tables import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEEDED = {"watch": "'other'", "action": "''", "not_before": "since", "detected_at": "since"}
"""Columns every alert has, and what those written before say in them."""


def upgrade() -> None:
    """Forward only: a ledger is never made older."""
    waiting = sa.text("sent_at IS NULL AND gave_up_at IS NULL")
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.String(length=64), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=True),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", Moment(length=32), nullable=False),
        sa.Column("due_at", Moment(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", Moment(length=32), nullable=True),
        sa.Column("gave_up_at", Moment(length=32), nullable=True),
        sa.Column("fault", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notices_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index(
            "ix_notices_due", ["due_at"], unique=False, sqlite_where=waiting, postgresql_where=waiting
        )

    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("watch", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("system", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("action", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("not_before", Moment(length=32), nullable=True))
        batch_op.add_column(sa.Column("detected_at", Moment(length=32), nullable=True))
        # Delivery is told per message now.
        batch_op.drop_index("ix_alerts_due")
        batch_op.drop_column("attempts")
        batch_op.drop_column("next_try_at")
        batch_op.drop_column("fault")
    op.execute("UPDATE alerts SET " + ", ".join(f"{name} = {told}" for name, told in NEEDED.items()))
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        for name in NEEDED:
            batch_op.alter_column(name, nullable=False)
        batch_op.create_index("ix_alerts_open", ["state", "detected_at"], unique=False)
