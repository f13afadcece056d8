"""Reads one number from the warehouse. DuckDB keeps a result open until it is read to its end; here it always is."""

from __future__ import annotations

from typing import Any

import duckdb


def count(con: duckdb.DuckDBPyConnection, query: str, parameters: Any = None) -> int:
    """The number in the first column of the only row; 0 when there is no row or it is NULL."""
    rows = con.execute(query, parameters).fetchall()
    return int(rows[0][0] or 0) if rows else 0


def count_rows(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of one of OUR tables (a name in the code, never input)."""
    return count(con, f"SELECT count(*) FROM {table}")
