"""The statutory steps of cases about adverse results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hrorch_pipelines.storage.ledger_tables import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward only: a ledger is never made older."""
    op.create_table(
        "screenings",
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("wait_seconds", sa.Integer(), nullable=True),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("rule_since", sa.Date(), nullable=False),
        sa.Column("began_at", Moment(length=32), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("done_by", sa.String(length=64), nullable=True),
        sa.Column("done_at", Moment(length=32), nullable=True),
        sa.Column("not_before", sa.Date(), nullable=True),
        sa.Column("waits_from", Moment(length=32), nullable=True),
        sa.Column("waits_until", Moment(length=32), nullable=True),
        sa.Column("ended_at", Moment(length=32), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "round", "position", name=op.f("pk_screenings")),
    )
