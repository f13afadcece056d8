"""For developers: write the revision that takes a migrated ledger to what `ledger_tables` says now.

`python -m hrorch_pipelines.storage.migrations.revise "what changed"`; read what it wrote, then set `HEAD`.
"""

from __future__ import annotations

import sys

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from hrorch_pipelines.storage.migrations.upgrade import config, upgrade


def revise(what: str) -> str:
    """Compare a ledger made by the revisions so far with the models; returns the new revision's number."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as con:
        known = list(ScriptDirectory.from_config(config()).walk_revisions())
        if known:
            upgrade(con)
        number = f"{len(known) + 1:04}"
        settings = config(con)
        settings.set_main_option("file_template", "rev_%%(rev)s_%%(slug)s")
        command.revision(settings, what, autogenerate=True, rev_id=number)
    return number


if __name__ == "__main__":
    sys.stdout.write(f"revision {revise(sys.argv[1])}; set HEAD in hrorch_pipelines/storage/migrations/__init__.py\n")
