"""Which tables a connection would find, with their columns, and the temporary ones it holds.

Never asked by trying: a query that names a table which is not there would abort the transaction it stands in.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.storage.sql import ident

_NAMES = """
(SELECT database_name, schema_name, table_name AS name FROM duckdb_tables()
 UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views() WHERE NOT internal)"""
_FOUND = """
(in_search_path(database_name, schema_name)
 OR database_name = current_database() AND NOT list_contains(current_schemas(true), schema_name))"""
"""Whether a query that names the schema, but no database, means this one: another database attached does not count, and one
whose schema stands in the search path (`temp`, a comparison of another day) hides the current one's."""
_TABLE = "TABLE_RELATION"


def has_table(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether a query would find the table or view: a young warehouse lacks some."""
    return _found(con, schema, table) is not None


def tables_in(con: duckdb.DuckDBPyConnection, *schemas: str) -> frozenset[tuple[str, str]]:
    """(schema, name) of all tables and views of some schemas."""
    rows = con.execute(
        f"SELECT schema_name, name FROM {_NAMES} WHERE list_contains(?, schema_name) AND {_FOUND}", [list(schemas)]
    ).fetchall()
    return frozenset((str(schema), str(name)) for schema, name in rows)


def columns_of(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
    """Column → the engine's name of its type, in the table's order; empty when the table or view is not there."""
    found = _found(con, schema, table)
    return dict(zip(found.columns, map(str, found.types), strict=True)) if found is not None else {}


def stored_tables(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], frozenset[str]]:
    """(schema, table) → its columns, of every table kept in the current database, by name. Views keep nothing."""
    rows = con.execute(
        """
        SELECT schema_name, table_name, list(column_name) FROM duckdb_columns() SEMI JOIN
            (FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary) USING (schema_name, table_name)
        WHERE database_name = current_database() GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    return {(str(schema), str(table)): frozenset(columns) for schema, table, columns in rows}


def temporary(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Name → VIEW or TABLE, of what lasts as long as the connection; views first, since they read the tables."""
    rows = con.execute(
        """SELECT view_name, 'VIEW' FROM duckdb_views() WHERE temporary AND NOT internal
           UNION ALL SELECT table_name, 'TABLE' FROM duckdb_tables() WHERE temporary
           ORDER BY 2 DESC, 1"""
    ).fetchall()
    return dict(rows)


def drop_temporary(con: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Drop temporary tables and views where they are there, so that they do not hold memory until the connection closes."""
    there = [(name, found.type) for name in names if (found := _found(con, "temp", name)) is not None]
    for name, kind in there:
        con.execute(f"DROP {'TABLE' if kind == _TABLE else 'VIEW'} temp.{ident(name)}")


def _found(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> duckdb.DuckDBPyRelation | None:
    """What a query would read by this name. Unlike a statement that fails, a relation that fails leaves the transaction whole,
    and it takes a tenth of the time of asking the catalogue's own tables, which tell of everything there is."""
    try:
        return con.table(ident(schema, table))
    except duckdb.CatalogException:
        return None
