"""Alembic asks this module how to run. The connection, its transaction and its lock are the caller's (`upgrade`)."""

from __future__ import annotations

from alembic import context

from hrorch_pipelines.storage.ledger_tables import metadata
from hrorch_pipelines.storage.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by making it anew
    user_module_prefix="",
)
with context.begin_transaction():
    context.run_migrations()
