"""The ledger: one transactional database that runs, sensors, console and command line use at the same time.

SQLite beside the warehouse, or PostgreSQL by `HRORCH_LEDGER_URL`. Its tables are in `ledger_tables`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger_tables import metadata

LEDGER_URL = "HRORCH_LEDGER_URL"


@dataclass(frozen=True)
class Ledger:
    """The ledger of one home. `engine` is SQLAlchemy's; `home` holds the key that wraps the persons' keys."""

    engine: sa.Engine
    home: Home
    clock: Clock

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: all of it or nothing. Short: others wait for it."""
        with self.engine.connect().execution_options(hrorch_writes=True) as con, con.begin():
            yield con

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent look; nothing can be changed through it."""
        with self.engine.connect() as con:
            yield con
            con.rollback()


def open_ledger(home: Home, clock: Clock, url: str | None = None) -> Ledger:
    """Open, and make or migrate where needed. `url`, else `HRORCH_LEDGER_URL`, else a file in the home."""
    home.root.mkdir(parents=True, exist_ok=True)
    given = url or os.environ.get(LEDGER_URL)
    engine = sa.create_engine(given or f"sqlite:///{home.root / 'ledger.sqlite'}", hide_parameters=True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare)
        sa.event.listen(engine, "begin", _begin)
    metadata.create_all(engine)
    return Ledger(engine, home, clock)


def _begin(con: sa.Connection) -> None:
    """A writer takes the lock at once: one that read first and then wrote could not be made to wait, only to fail."""
    con.exec_driver_sql("BEGIN IMMEDIATE" if con.get_execution_options().get("hrorch_writes") else "BEGIN")


def _prepare(connection: object, _: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN IMMEDIATE ourselves
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=20000", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
