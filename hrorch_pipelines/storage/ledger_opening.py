"""How the ledger's database is addressed, connected to, made and brought up to date. Its transactions are in `ledger`."""

from __future__ import annotations

import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from hrorch_pipelines.storage.ledger_errors import (
    LedgerError,
    LedgerReadOnly,
    LedgerTooNew,
    LedgerUnreachable,
    NotALedger,
    reason_of,
    told,
)
from hrorch_pipelines.storage.ledger_tables import metadata
from hrorch_pipelines.storage.migrations import HEAD, VERSION_TABLE

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_ABANDONED = 300
"""Seconds after which PostgreSQL ends a transaction that does nothing: its holder hangs, and everybody waits for it."""

_REASONS = {
    "refused": "no server answers there",
    "authentication failed": "the user or the password is refused",
    "no password": "the user or the password is refused",
    "does not exist": "there is no such database or user",
    "translate host": "the host's name is unknown",
    "resolve": "the host's name is unknown",
    "not known": "the host's name is unknown",
    "timeout": "the server does not answer in time",
    "No such file": "no server answers there",
}


def address(given: str | None, folder: Path) -> sa.URL:
    """What is meant by `HRORCH_LEDGER_URL`, or a file in `folder`. Raises LedgerUnreachable."""
    if given is None:
        _make_folder(folder)
        return sa.URL.create("sqlite", database=str(folder / "ledger.sqlite"))
    try:
        url = sa.make_url(given)
    except (sa.exc.ArgumentError, ValueError):
        raise LedgerUnreachable("HRORCH_LEDGER_URL", "what it says is no address of a database") from None
    if url.drivername not in _DRIVERS:
        raise LedgerUnreachable("HRORCH_LEDGER_URL", "it must begin with sqlite:/// or postgresql://")
    return url.set(drivername=_DRIVERS[url.drivername])


def place_of(url: sa.URL) -> str:
    """An address as it may be shown: where, without who and with what password."""
    if url.get_backend_name() == "sqlite":
        return url.database or "memory"
    return f"{url.host or 'the local socket'}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def engine_for(url: sa.URL, patience: timedelta) -> sa.Engine:
    """SQLAlchemy's engine, with each connection prepared. Nothing is connected yet."""
    milliseconds = int(patience.total_seconds() * 1000)
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True)
        sa.event.listen(engine, "connect", lambda connection, _: _prepare_sqlite(connection, milliseconds))
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = sa.create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10, "prepare_threshold": 3}
        )
    except ImportError:
        raise LedgerUnreachable(place_of(url), "the driver is missing; install hrorch[postgres]") from None
    sa.event.listen(engine, "connect", lambda connection, _: _prepare_postgresql(connection, milliseconds))
    return engine


def reach(engine: sa.Engine, url: sa.URL, patience: timedelta) -> None:
    """Connect once. Raises LedgerUnreachable, NotALedger, LedgerReadOnly, LedgerBusy."""
    try:
        engine.connect().close()
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        original: Any = getattr(error, "orig", None) or error
        raise _told(original, url, patience.total_seconds()) from None


def is_ready(con: sa.Connection) -> bool:
    """Whether the ledger is of this version's revision. One query, and Alembic stays out of it."""
    return _revision(con) == HEAD


def make_ready(con: sa.Connection, url: sa.URL) -> None:
    """Make the tables or bring them up to date; in one transaction, with no other writer about.

    Raises NotALedger, LedgerTooNew.
    """
    found = _revision(con)
    if found == HEAD:
        return  # another process was quicker
    from hrorch_pipelines.storage.migrations.upgrade import known_revisions, upgrade

    if found is None:
        tables = set(sa.inspect(con).get_table_names())
        strange = tables if con.dialect.name == "sqlite" else tables & set(metadata.tables)
        if strange:
            raise NotALedger(place_of(url), "it holds tables, and no mark that HRORCH made them")
    elif found not in known_revisions():
        raise LedgerTooNew(found)
    upgrade(con)


def _revision(con: sa.Connection) -> str | None:
    if not sa.inspect(con).has_table(VERSION_TABLE):
        return None
    return con.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _told(error: Any, url: sa.URL, patience: float) -> LedgerError:
    place = place_of(url)
    name = str(getattr(error, "sqlite_errorname", ""))
    if name.startswith("SQLITE_NOTADB"):
        return NotALedger(place, "the file is no SQLite database")
    if name.startswith("SQLITE_CANTOPEN"):
        file = Path(url.database or "")
        if file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
            return LedgerReadOnly()
        return LedgerUnreachable(place, "the file cannot be opened or made")
    if name:
        return told(error, patience)
    # Before a session stands, PostgreSQL's client gives words and no code.
    words = str(error)
    return LedgerUnreachable(
        place, next((why for sign, why in _REASONS.items() if sign in words), "the server does not let us in")
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnreachable(str(folder), f"the folder cannot be made ({reason_of(error)})") from None


def _begin_sqlite(con: sa.Connection) -> None:
    """A writer takes the lock at once: one that read first and then wrote could not be made to wait, only to fail."""
    writes = con.get_execution_options().get("hrorch_writes")
    con.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    con.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_sqlite(connection: Any, milliseconds: int) -> None:
    connection.isolation_level = None  # we say BEGIN IMMEDIATE ourselves
    cursor = connection.cursor()
    # The patience comes first: every later word may find the file in use.
    for pragma in (f"busy_timeout={milliseconds}", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # SQLite does not wait here, whatever the patience: of two that begin at once, one is told "locked".
        Retrying(
            retry=retry_if_exception(_is_busy),
            wait=wait_random_exponential(multiplier=0.01, max=0.2),
            stop=stop_after_delay(milliseconds / 1000),
            reraise=True,
        )(cursor.execute, "PRAGMA journal_mode=WAL")
    cursor.close()


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def _prepare_postgresql(connection: Any, milliseconds: int) -> None:
    with connection.cursor() as cursor:
        for setting in (
            f"lock_timeout = {milliseconds}",
            f"idle_in_transaction_session_timeout = {_ABANDONED * 1000}",
            "TimeZone = 'UTC'",
        ):
            cursor.execute(f"SET {setting}")
    connection.commit()
