"""How a DuckDB connection is opened here, and how its errors are told. What is stored where is in `warehouse`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from hrorch_pipelines.storage.errors import WarehouseError

_OFFLINE: dict[str, str | bool] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
_NAMES_ONLY = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
"""Errors about the statement, raised before any row is read: their first line holds names of ours."""


def connect(
    database: Path | None, *, temporary: Path, memory_limit: str = "60%", keep_order: bool = False
) -> duckdb.DuckDBPyConnection:
    """Open a database file (None: in memory), offline, in UTC, spilling into `temporary`.

    `memory_limit` is a share of the machine's memory or an amount (`4GB`). With `keep_order` rows are read in the order
    of their file, which is for reading sources only: DuckDB 2.0.0 with that setting **loses rows** when one transaction
    inserts none into a table and then a row group (122,880) or more (`test_row_groups` holds this). Raises
    duckdb.IOException while another process holds the file.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        **_OFFLINE,
        "memory_limit": memory_limit,
        "preserve_insertion_order": keep_order,
        "temp_directory": str(temporary),
    }
    con = duckdb.connect(str(database) if database else ":memory:", config=config)
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")  # it would stand among what a command prints
    return con


@contextmanager
def engine_errors(table: str | None = None) -> Iterator[None]:
    """Turn the engine's errors into WarehouseError, whose message never quotes a value. `table`: what is worked on."""
    try:
        yield
    except duckdb.Error as error:
        raise told(error, table) from None


def told(error: duckdb.Error, table: str | None = None) -> WarehouseError:
    """The same error without the engine's words, except names in errors about the statement itself."""
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__.removesuffix("Exception")).lower() or "engine"
    detail = str(error).splitlines()[0] if isinstance(error, _NAMES_ONLY) else None
    return WarehouseError(code, table, detail)


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection, table: str | None = None) -> Iterator[None]:
    """All or nothing. Not to be nested: DuckDB aborts the outer transaction when a second one is begun."""
    with engine_errors(table):
        con.begin()
        try:
            yield
        except BaseException:
            con.rollback()
            raise
        con.commit()
