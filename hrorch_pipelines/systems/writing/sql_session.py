"""Transactions on a database that is written: opened late, locks waited for a limited time, errors that quote nothing.

What is executed in them is `sql`, what an error means for the write is `sql_faults`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.stack.systems import System
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.sql import database_url
from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_pipelines.systems.writing.sql_faults import write_fault


class SqlSession:
    """One system's connections. `folder` is the stack file's: a relative SQLite path starts there."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system, self.folder = system, folder
        self._engine: sa.Engine | None = None

    @contextmanager
    def transaction(self, *, writing: bool = False) -> Iterator[sa.Connection]:
        """One transaction, committed when `writing`, else taken back. Raises WriteFault for whatever the database says."""
        con = self._connected()
        try:
            try:
                self._begin(con, writing=writing)
                yield con
            except sa.exc.SQLAlchemyError as error:
                raise write_fault(error, "work") from None
            if writing:
                self._commit(con)
        finally:
            self._release(con)

    def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            self._engine.dispose()

    def _connected(self) -> sa.Connection:
        try:
            url = database_url(self.system, self.folder)  # asked each time: a SQLite file may have been taken away
            if self._engine is None:
                self._engine = sa.create_engine(url, hide_parameters=True, **self._options(url))
            return self._engine.connect()
        except ReadFault as wrong:
            raise WriteFault(wrong.code, wrong.detail, outcome="not_done", remedy=wrong.remedy) from None
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise fault("not_reachable", f"no connection ({type(error).__name__})", "not_done") from None

    def _options(self, url: sa.URL) -> dict[str, Any]:
        options = dict(self.system.connection.options)
        if url.get_backend_name() != "sqlite":
            return {"pool_pre_ping": True, **options}
        # A connection that is kept would go on writing into a file that was replaced, and find its writes there.
        seconds = self.system.connection.timeout.total_seconds()
        kept = {"poolclass": sa.NullPool, **options}
        return {**kept, "connect_args": {"timeout": seconds, **options.get("connect_args", {})}}

    def _begin(self, con: sa.Connection, *, writing: bool) -> None:
        """Wait for locks no longer than the system's timeout; SQLite takes its write lock before the first look."""
        milliseconds = str(int(self.system.connection.timeout.total_seconds() * 1000))
        match con.dialect.name:
            case "sqlite" if writing:
                con.exec_driver_sql("BEGIN IMMEDIATE")
            case "postgresql":
                for setting in ("lock_timeout", "statement_timeout"):
                    con.execute(sa.select(sa.func.set_config(setting, milliseconds, True)))

    def _commit(self, con: sa.Connection) -> None:
        try:
            con.commit()
        except sa.exc.SQLAlchemyError as error:
            raise write_fault(error, "commit") from None

    def _release(self, con: sa.Connection) -> None:
        try:
            con.close()
        except sa.exc.SQLAlchemyError:
            con.invalidate()  # it broke before; what that means for the write has been said
