"""Which tables a connection would find: in the warehouse, in its published copy, for another day, and for a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.catalog import columns_of, drop_temporary, has_table, stored_tables, tables_in, temporary
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.storage.warehouse import Warehouse, open_published, publish

CLOCK = SetClock(datetime(2026, 3, 2, tzinfo=UTC))
MADE = """
CREATE SCHEMA golden; CREATE SCHEMA accepted;
CREATE TABLE accepted."hris.worker" (source_id VARCHAR, day DATE);
CREATE VIEW golden.persons AS SELECT source_id AS person_id FROM accepted."hris.worker";
"""
WORKER, PERSONS = ("accepted", "hris.worker"), ("golden", "persons")


@pytest.fixture(params=["warehouse", "published"])
def con(request: pytest.FixtureRequest, home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    warehouse = Warehouse(home, CLOCK)
    with warehouse.write() as con:
        con.execute(MADE)
    if request.param == "warehouse":
        with warehouse.write() as con:
            yield con
    else:
        publish(home)
        with open_published(home) as con:
            yield con


def test_tables_and_views_are_there_and_others_are_not(con: duckdb.DuckDBPyConnection) -> None:
    assert has_table(con, *WORKER)
    assert has_table(con, *PERSONS)
    assert not has_table(con, "accepted", "persons")
    assert not has_table(con, "accepted", "hris.work_r")
    assert tables_in(con, "golden", "accepted", "cells") == {WORKER, PERSONS}
    assert tables_in(con, "golden") == {PERSONS}
    assert tables_in(con) == frozenset()


def test_columns_come_in_the_tables_order(con: duckdb.DuckDBPyConnection) -> None:
    assert list(columns_of(con, *WORKER).items()) == [("source_id", "VARCHAR"), ("day", "DATE")]
    assert columns_of(con, *PERSONS) == {"person_id": "VARCHAR"}
    assert columns_of(con, "cells", "hris") == {}
    assert stored_tables(con) == {WORKER: frozenset({"source_id", "day"})}


def test_asking_for_what_is_not_there_leaves_the_transaction_whole(con: duckdb.DuckDBPyConnection) -> None:
    con.begin()
    con.execute("CREATE TEMP TABLE kept AS SELECT 1 AS x")
    assert not has_table(con, "cells", "hris")
    assert columns_of(con, "cells", "hris") == {}
    con.commit()
    assert con.execute("FROM kept").fetchall() == [(1,)]


def test_a_temporary_table_is_found_as_a_query_finds_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TEMP TABLE touched (x INTEGER)")
    con.execute("CREATE TEMP VIEW persons AS FROM touched")
    assert has_table(con, "main", "touched")
    assert has_table(con, "main", "persons")
    assert not has_table(con, "accepted", "touched")
    assert stored_tables(con).keys() == {WORKER}
    assert temporary(con) == {"persons": "VIEW", "touched": "TABLE"}


def test_only_what_is_temporary_is_dropped(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TEMP TABLE touched (x INTEGER)")
    con.execute("CREATE TEMP VIEW persons AS FROM touched")
    drop_temporary(con, "touched", "persons", "hris.worker", "never made")
    assert temporary(con) == {}
    assert tables_in(con, "golden", "accepted") == {WORKER, PERSONS}


def test_another_database_counts_only_where_a_query_would_look_in_it(con: duckdb.DuckDBPyConnection) -> None:
    own = con.execute("SELECT current_database()").fetchall()[0][0]
    con.execute("ATTACH ':memory:' AS beside")
    con.execute("CREATE SCHEMA beside.golden; CREATE TABLE beside.golden.wide (person_id VARCHAR)")
    assert not has_table(con, "golden", "wide")
    assert columns_of(con, "golden", "wide") == {}
    con.execute(f"SET search_path = '{ident(own)}.main,beside.golden'")
    assert tables_in(con, "golden", "accepted") == {WORKER, ("golden", "wide")}
    for schema, table in (("golden", "wide"), PERSONS, WORKER):
        assert has_table(con, schema, table) is _answers(con, schema, table)
    con.execute(f"USE {ident(own)}")
    assert tables_in(con, "golden", "accepted") == {WORKER, PERSONS}


def _answers(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    try:
        con.execute(f"FROM {ident(schema, table)} LIMIT 0")
    except duckdb.CatalogException:
        return False
    return True
