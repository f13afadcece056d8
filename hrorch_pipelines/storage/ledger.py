"""The ledger: one transactional database that runs, sensors, console and command line use at the same time.

SQLite beside the warehouse, or PostgreSQL by `HRORCH_LEDGER_URL`. Its tables are in `ledger_tables`, how it is opened, made and
brought up to date in `ledger_opening`, its errors in `ledger_errors`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.storage import ledger_opening
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger_errors import LedgerError, ledger_errors

LEDGER_URL = "HRORCH_LEDGER_URL"
PATIENCE = timedelta(seconds=20)
WRITER_LOCK = 7_240_931
"""PostgreSQL's advisory lock of the one writer. SQLite has one writer anyway."""

_WRITING = threading.local()


@dataclass(frozen=True)
class Ledger:
    """The ledger of one home. `engine` is SQLAlchemy's; `home` holds the key that wraps the persons' keys.

    `patience` is how long a writer waits for another.
    """

    engine: sa.Engine
    home: Home
    clock: Clock
    patience: timedelta = PATIENCE

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: all of it or nothing. Short: others wait for it, on both databases.

        There is one writer at a time. Every change ends in the audit log's one chain, so that writers would wait there in
        any case; waiting at the start instead keeps what they read from changing under them, and none can deadlock.
        Raises LedgerBusy, LedgerFull, LedgerReadOnly, LedgerError; none of them quotes a value.
        """
        with (
            self._alone(),
            ledger_errors(self.patience.total_seconds()),
            self.engine.connect().execution_options(hrorch_writes=True) as con,
            con.begin(),
        ):
            if con.dialect.name == "postgresql":
                con.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
            yield con

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent look: all of it as of one moment; nothing can be changed through it."""
        with ledger_errors(self.patience.total_seconds()), self.engine.connect() as con:
            if con.dialect.name == "postgresql":
                con.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield con
            con.rollback()

    def close(self) -> None:
        """Close its connections. It opens new ones when used again."""
        self.engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A second transaction in the same thread would wait for the first, which waits for it."""
        open_here: set[int] = _WRITING.__dict__.setdefault("engines", set())
        if id(self.engine) in open_here:
            raise LedgerError("nested", "a transaction of this thread is open already")
        open_here.add(id(self.engine))
        try:
            yield
        finally:
            open_here.discard(id(self.engine))


def open_ledger(home: Home, clock: Clock, url: str | None = None, *, patience: timedelta = PATIENCE) -> Ledger:
    """Open, and make or migrate where needed. `url`, else `HRORCH_LEDGER_URL`, else a file in the home.

    A ready ledger costs one query. Raises LedgerUnreachable, NotALedger, LedgerTooNew, LedgerReadOnly, LedgerBusy.
    """
    given = url or os.environ.get(LEDGER_URL)
    address = ledger_opening.address(given, home.root)
    engine = ledger_opening.engine_for(address, patience)
    ledger_opening.reach(engine, address, patience)
    ledger = Ledger(engine, home, clock, patience)
    with ledger.read() as con:
        ready = ledger_opening.is_ready(con)
    if not ready:
        with ledger.write() as con:
            ledger_opening.make_ready(con, address)
    return ledger
