"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hrorch_pipelines.storage.ledger_tables import Moment

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward only: a ledger is never made older."""
    ${upgrades if upgrades else "raise AssertionError('this revision changes nothing')"}
