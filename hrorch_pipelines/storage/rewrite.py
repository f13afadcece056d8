"""The warehouse's file written anew, so that what was deleted from its tables is not left in its blocks."""

from __future__ import annotations

import secrets
from pathlib import Path

import duckdb

from hrorch_pipelines.storage.durable import sync_file, sync_folder
from hrorch_pipelines.storage.errors import WarehouseError
from hrorch_pipelines.storage.sql import ident, literal
from hrorch_pipelines.storage.warehouse import Warehouse

_SHAPE = """
SELECT 'column', schema_name, table_name, column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
FROM duckdb_columns() WHERE database_name = $database AND NOT internal
UNION ALL SELECT 'view', schema_name, view_name, sql FROM duckdb_views() WHERE database_name = $database AND NOT internal
UNION ALL SELECT 'constraint', schema_name, table_name, constraint_text FROM duckdb_constraints() WHERE database_name = $database
UNION ALL SELECT 'index', schema_name, table_name, sql FROM duckdb_indexes() WHERE database_name = $database
ORDER BY ALL
"""


def rewrite(warehouse: Warehouse) -> int:
    """Copy all tables and views into a new file and put it in place of the old one. Returns the bytes it has now.

    DuckDB neither zeroes nor hands back the blocks of deleted rows. The copy is compared with the original, table by table,
    before it takes its place; a crash on the way leaves the original. Nobody else can write meanwhile: the old file stays
    locked until the new one has its name (closing it then leaves a write-ahead log of the new one alone).
    Raises WarehouseBusy, WarehouseError.
    """
    home = warehouse.home
    made = home.scratch / f"rewrite-{secrets.token_hex(8)}.duckdb"
    with warehouse.write() as con:
        con.execute("CHECKPOINT")
        try:
            _copy(con, made)
            sync_file(made)
            made.replace(home.warehouse)
            sync_folder(home.warehouse.parent)
        finally:
            for leftover in (made, made.with_name(f"{made.name}.wal")):
                leftover.unlink(missing_ok=True)
    return home.warehouse.stat().st_size


def _copy(con: duckdb.DuckDBPyConnection, made: Path) -> None:
    (old,) = con.execute("SELECT current_database()").fetchall()[0]
    con.execute(f"ATTACH {literal(str(made))} AS rewritten")
    con.execute(f"COPY FROM DATABASE {ident(old)} TO rewritten")
    con.execute("CHECKPOINT rewritten")
    if _shape(con, old) != _shape(con, "rewritten"):
        raise WarehouseError("copy_differs", None)
    con.execute("DETACH rewritten")


def _shape(con: duckdb.DuckDBPyConnection, database: str) -> list[tuple[object, ...]]:
    """Everything the file declares, and how many rows each table has."""
    shape: list[tuple[object, ...]] = [
        tuple(str(part).replace(f"{database}.", "") for part in row)
        for row in con.execute(_SHAPE, {"database": database}).fetchall()
    ]
    tables = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary ORDER BY ALL",
        [database],
    ).fetchall()
    for schema, table in tables:
        rows = con.execute(f"SELECT count(*) FROM {ident(database, schema, table)}").fetchall()[0][0]
        shape.append((schema, table, rows))
    return shape
