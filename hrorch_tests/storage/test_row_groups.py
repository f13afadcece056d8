"""No row is lost between an insert of nothing and an insert of a whole row group in one transaction (DuckDB 2.0.0)."""

from __future__ import annotations

import duckdb
import pytest

from hrorch_pipelines.storage.engine import connect, transaction

ROWS = 260_000


def _insert_nothing_then_much(con: duckdb.DuckDBPyConnection, kind: str) -> int:
    con.execute(f"CREATE TABLE source AS SELECT i AS a, i::VARCHAR AS b FROM range({ROWS}) t(i)")
    with transaction(con):
        con.execute(f"CREATE {kind} target (a BIGINT, b VARCHAR)")
        con.execute("INSERT INTO target SELECT * FROM source WHERE a < 0")
        con.execute("INSERT INTO target SELECT * FROM source")
    return con.execute("SELECT count(b) FROM target").fetchone()[0]


@pytest.mark.parametrize("kind", ["TABLE", "TEMP TABLE"])
@pytest.mark.parametrize("stored", [True, False])
def test_every_row_is_found_again(tmp_path, kind, stored):
    with connect(tmp_path / "w.duckdb" if stored else None, temporary=tmp_path) as con:
        con.execute("SET threads = 2")
        assert _insert_nothing_then_much(con, kind) == ROWS
