"""How a ledger is made and brought up to date (Alembic). Which revision is the newest, so that a ready ledger needs no Alembic.

A changed table needs a revision: `python -m hrorch_pipelines.storage.migrations.revise "what changed"`, then set `HEAD`.
"""

from __future__ import annotations

HEAD = "0005"
VERSION_TABLE = "hrorch_version"
"""Not Alembic's own `alembic_version`: Dagster keeps that one when both share a PostgreSQL database."""
