"""Bring a ledger to the newest revision. How a new revision is written is in `revise`. Imports Alembic; a ready ledger never comes here."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent


def config(con: sa.Connection | None = None) -> Config:
    """Alembic's settings, without a file. Paths with a `%` are escaped: it is a sign to Alembic."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = con
    return made


def known_revisions() -> frozenset[str]:
    """Every revision this version knows."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def newest_revision() -> str:
    """The revision that none follows."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None, "there is always a first revision"  # noqa: S101
    return head


def upgrade(con: sa.Connection) -> None:
    """Run what is missing, inside the caller's transaction."""
    command.upgrade(config(con), "head")
