"""The ledger's first tables."""

from __future__ import annotations

from alembic import op

from hrorch_pipelines.storage.ledger_tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward only: a ledger is never made older."""
    metadata.create_all(op.get_bind())
