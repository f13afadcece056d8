"""Reads a table or a SELECT of a database through SQLAlchemy, read-only; every value becomes the text a person would see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.systems import SqlRead, System
from hrorch_pipelines.systems.columns_needed import column_problems
from hrorch_pipelines.systems.errors import ReadFault, unavailable
from hrorch_pipelines.systems.formats.parsed import BATCH, FlatWriter, column_names
from hrorch_pipelines.systems.raw import Problem, RawRecords, ReadReport
from hrorch_pipelines.systems.rest_auth import fill


@dataclass
class SqlConnector:
    """One database. `folder` is the stack file's: a relative SQLite path starts there."""

    name: str
    system: System
    clock: Clock
    folder: Path

    def check(self) -> None:
        """Connect, and let the database plan each read. Raises SystemUnavailable."""
        try:
            with self._connection() as con:
                for record in self.system.records:
                    con.execute(sa.text(f"SELECT * FROM ({self._select(con, record)}) AS t LIMIT 0"))
        except ReadFault as fault:
            raise unavailable(self.name, fault) from fault

    def read(self, record: str, *, into: Path, until: datetime, since: datetime | None = None) -> RawRecords:
        """Read one record type whole, in one statement, streamed. See `raw.Connector`."""
        del until, since
        started, path = self.clock.now(), into / f"{record}.parquet"
        try:
            with self._connection() as con:
                result = con.execute(sa.text(self._select(con, record)))
                columns, duplicates = column_names(list(result.keys()))
                with FlatWriter(path, columns) as writer:
                    for rows in result.partitions(BATCH):
                        first = writer.rows + 1
                        cells = [as_texts(values) for values in zip(*rows, strict=True)]
                        writer.add(cells, range(first, first + len(rows)))
        except ReadFault as fault:
            raise unavailable(self.name, fault) from fault
        problems = [
            Problem(found.code, f"{record}: {found.detail}", found.fatal)
            for found in column_problems(self.system.records[record], columns, duplicates)
        ]
        if writer.rows == 0 and not any(problem.fatal for problem in problems):
            problems.append(Problem("empty_answer", f"{record}: the table or query has no rows", fatal=False))
        report = ReadReport(started, self.clock.now(), "full", 1, 1, None, tuple(problems))
        return RawRecords(path, "flat", writer.rows, columns, report)

    def _select(self, con: sa.Connection, record: str) -> str:
        read = self.system.records[record].read
        if not isinstance(read, SqlRead):
            raise TypeError(f"{self.name}.{record} is not declared for SQL")
        if read.query is not None:
            return read.query.strip().rstrip(";").replace(":", "\\:")  # a colon is the user's own, never a parameter
        quote = con.dialect.identifier_preparer.quote
        return "SELECT * FROM " + ".".join(quote(part) for part in str(read.table).split("."))

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """A read-only connection in one transaction that is always rolled back. Errors name no value and no password."""
        try:
            engine = sa.create_engine(
                database_url(self.system, self.folder),
                poolclass=sa.NullPool,
                hide_parameters=True,
                **self.system.connection.options,
            )
            with engine.connect() as con, con.begin() as transaction:
                _make_read_only(con)
                yield con.execution_options(stream_results=True, yield_per=BATCH)
                transaction.rollback()
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            raise ReadFault("database_error", f"`base_url` cannot be used ({type(error).__name__})") from None
        except sa.exc.DBAPIError as error:
            # The driver's text quotes values and the statement; its class and SQLSTATE tell enough.
            state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
            what = f"{type(error.orig).__name__}{f', {state}' if state else ''}"
            code = (
                "not_reachable"
                if isinstance(error, sa.exc.OperationalError) and error.connection_invalidated
                else "database_error"
            )
            raise ReadFault(code, f"the database refused ({what})") from None
        except sa.exc.SQLAlchemyError as error:
            raise ReadFault("database_error", f"the read failed ({type(error).__name__})") from None


def database_url(system: System, folder: Path) -> sa.URL:
    """Where the database is, a relative SQLite path from `folder` on. Raises ReadFault `no_file`, sqlalchemy's ArgumentError."""
    url = sa.make_url(fill(system.base_url, system.credentials))
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return url
    path = folder / str(url.database)
    if not path.exists():
        raise ReadFault("no_file", "the SQLite file is not there")
    return url.set(database=str(path))


def as_texts(values: Sequence[Any]) -> list[str | None]:
    """One column's values as text; None stays None."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {str}:
        return list(values)
    return [None if value is None else _TEXTS.get(type(value), _other)(value) for value in values]


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(Decimal(repr(value)), "f")


def _bytes(value: bytes | memoryview) -> str:
    raw = bytes(value)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.hex()


def _other(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)


_TEXTS: dict[type, Callable[[Any], str]] = {
    str: str,
    bool: lambda value: "true" if value else "false",
    float: lambda value: _number(value) if value == value and abs(value) != float("inf") else str(value),
    Decimal: lambda value: format(value, "f"),
    datetime: lambda value: value.isoformat(sep=" "),
    date: date.isoformat,
    time: time.isoformat,
    bytes: _bytes,
    memoryview: _bytes,
}


def _make_read_only(con: sa.Connection) -> None:
    match con.dialect.name:
        case "sqlite":
            con.exec_driver_sql("PRAGMA query_only = ON")
        case "postgresql":
            con.exec_driver_sql("SET TRANSACTION READ ONLY")
