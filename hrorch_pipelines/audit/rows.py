"""Rows of the audit log in and out, in bulk, past SQLAlchemy's cost per row. What they mean is in `log` and `verify`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

REPEATED = ("action", "actor", "person_id", "system", "attribute", "case_id", "correction_id")
"""Columns that repeat parts of the envelope, to be asked for."""

_LOG = ("sequence", "at", "envelope", "hash", *REPEATED)
_VALUES = ("sequence", "person_id", "before_sealed", "after_sealed")
_FEW = 200
"""From here on PostgreSQL's COPY is worth its round trips."""
_CHUNK = 10_000


def insert(con: sa.Connection, entries: Sequence[tuple[Any, ...]], values: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of `audit_log` (sequence, at as the database stores it, envelope, hash, then `REPEATED`) and `audit_values`."""
    for table, columns, rows in (("audit_log", _LOG, entries), ("audit_values", _VALUES, values)):
        if not rows:
            continue
        names = ", ".join(columns)
        if con.dialect.name == "postgresql" and len(rows) >= _FEW:
            _copy(con, f"COPY {table} ({names}) FROM STDIN", rows)
        else:
            mark = "%s" if con.dialect.name == "postgresql" else "?"
            con.exec_driver_sql(
                f"INSERT INTO {table} ({names}) VALUES ({', '.join([mark] * len(columns))})", list(rows)
            )


def read(con: sa.Connection, first: int, last: int | None = None) -> Iterator[list[tuple[Any, ...]]]:
    """Chunks of (sequence, at as text, envelope, hash, *`REPEATED`) from `first` to `last`, in order."""
    at = (
        """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        if con.dialect.name == "postgresql"
        else "at"
    )
    statement = (
        f"SELECT sequence, {at}, envelope, hash, {', '.join(REPEATED)} FROM audit_log "
        f"WHERE sequence >= {int(first)} {f'AND sequence <= {int(last)}' if last is not None else ''} ORDER BY sequence"
    )
    con.exec_driver_sql("SELECT 1")  # SQLAlchemy begins the transaction in which the driver is asked
    driver: Any = con.connection.driver_connection
    on_server = {"name": "hrorch_audit"} if con.dialect.name == "postgresql" else {}
    with closing(driver.cursor(**on_server)) as cursor, _as_sqlalchemy_tells(statement):
        cursor.execute(statement)
        while rows := cursor.fetchmany(_CHUNK):
            yield rows


def _copy(con: sa.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    driver: Any = con.connection.driver_connection
    with _as_sqlalchemy_tells(statement), driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


@contextmanager
def _as_sqlalchemy_tells(statement: str) -> Iterator[None]:
    """Errors of a driver we asked ourselves, wrapped as SQLAlchemy would, so that one place translates them."""
    try:
        yield
    except Exception as error:
        if hasattr(error, "sqlstate") or isinstance(error, sqlite3.Error):
            raise sa.exc.DBAPIError(statement, None, error, hide_parameters=True) from None
        raise
