"""A database is read in one read-only statement, every value as the text a person would see, and its errors tell no value."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest

from hrorch_pipelines.systems.raw import RawRecords, SystemUnavailable
from hrorch_pipelines.systems.sql import SqlConnector
from hrorch_tests.systems.conftest import NOW, system

UID = UUID("550e8400-e29b-41d4-a716-446655440000")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "hr.db"
    with sqlite3.connect(path) as con:
        con.executescript(
            """
            CREATE TABLE "staff list" (id TEXT, name TEXT, pay REAL, big INTEGER, note BLOB);
            INSERT INTO "staff list" VALUES ('007', ' Ann ', 70000.0, 12345678901234567, NULL),
                                            ('008', '', 0.1, -1, x'ff00'), ('009', NULL, 1e20, 0, x'616263');
            CREATE TABLE nobody (id TEXT);
            """
        )
    con.close()
    return path


def connector(url: str, folder: Path, clock: Any, read: dict[str, Any], **more: Any) -> SqlConnector:
    records = {"worker": {"read": read, "key": "id", **more.pop("record", {})}}
    return SqlConnector("hris", system("sql", url, records, **more), clock, folder)


def rows(raw: RawRecords) -> list[list[str | None]]:
    return [list(row.values())[1:] for row in pq.read_table(raw.path).to_pylist()]


def test_a_table_beside_the_stack_file(database, tmp_path, into, clock):
    reader = connector("sqlite:///hr.db", tmp_path, clock, {"table": "staff list"})
    reader.check()
    raw = reader.read("worker", into=into, until=NOW)
    assert raw.columns == ("id", "name", "pay", "big", "note")
    assert rows(raw) == [
        ["007", " Ann ", "70000", "12345678901234567", None],
        ["008", "", "0.1", "-1", "ff00"],
        ["009", None, "100000000000000000000", "0", "abc"],
    ]
    assert pq.read_table(raw.path).column("_line").to_pylist() == [1, 2, 3]


def test_a_query_with_colons_of_its_own(database, tmp_path, into, clock):
    query = "SELECT id, ' :x' AS mark FROM \"staff list\" WHERE id > '007' ORDER BY id;"
    reader = connector("sqlite:///hr.db", tmp_path, clock, {"query": query})
    reader.check()
    assert rows(reader.read("worker", into=into, until=NOW)) == [["008", " :x"], ["009", " :x"]]


def test_it_never_writes(database, tmp_path, into, clock):
    reader = connector("sqlite:///hr.db", tmp_path, clock, {"query": "DELETE FROM nobody"})
    before = database.read_bytes()
    with pytest.raises(SystemUnavailable) as refused:
        reader.read("worker", into=into, until=NOW)
    assert refused.value.code == "database_error"
    assert database.read_bytes() == before


def test_many_rows_in_batches(database, tmp_path, into, clock):
    query = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 45001) SELECT id FROM n"
    raw = connector("sqlite:///hr.db", tmp_path, clock, {"query": query}).read("worker", into=into, until=NOW)
    table = pq.read_table(raw.path)
    assert raw.rows == table.num_rows == 45001
    assert table.column("id").to_pylist() == [str(n) for n in range(1, 45002)]
    assert table.column("_line").to_pylist() == list(range(1, 45002))


def test_empty_and_missing(database, tmp_path, into, clock):
    empty = connector("sqlite:///hr.db", tmp_path, clock, {"table": "nobody"}).read("worker", into=into, until=NOW)
    assert (empty.rows, empty.report.complete, empty.report.problems[0].code) == (0, True, "empty_answer")
    renamed = connector(
        "sqlite:///hr.db", tmp_path, clock, {"table": "staff list"}, record={"key": "Id No", "fields": {"x": "names"}}
    )
    details = [problem.detail for problem in renamed.read("worker", into=into, until=NOW).report.problems]
    assert "worker: column `names` is missing; nearest: `name`" in details
    with pytest.raises(SystemUnavailable):
        connector("sqlite:///hr.db", tmp_path, clock, {"table": "gone"}).check()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sqlite:///elsewhere.db", "no_file"),
        ("nonsense", "database_error"),
        ("nosuchdb://x/y", "database_error"),
        ("postgresql+psycopg://user:Canary-pw@127.0.0.1:1/hr", "database_error"),
    ],
)
def test_a_database_that_is_not_there(tmp_path, clock, url, code):
    with pytest.raises(SystemUnavailable) as refused:
        connector(url, tmp_path, clock, {"table": "t"}).check()
    assert refused.value.code == code
    assert "Canary" not in str(refused.value)


def test_a_cut_database_file(database, tmp_path, into, clock):
    database.write_bytes(database.read_bytes()[:5000])
    with pytest.raises(SystemUnavailable) as refused:
        connector("sqlite:///hr.db", tmp_path, clock, {"table": "staff list"}).read("worker", into=into, until=NOW)
    assert refused.value.code == "database_error"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pgserver = pytest.importorskip("pgserver", reason="install the dev extra: pip install pgserver")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        try:
            server = pgserver.get_server(folder, cleanup_mode="delete")
        except Exception as error:  # noqa: BLE001  (whatever keeps it from starting is the reason to skip)
            pytest.skip(f"pgserver cannot start PostgreSQL here: {type(error).__name__}")
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            server.cleanup()


def test_postgresql_values_of_every_kind_and_read_only(postgres, tmp_path, into, clock):
    query = f"""
        SELECT '007'::text AS id, 1.50::numeric(10,2) AS amount, true AS yes, DATE '2024-02-29' AS day,
               TIMESTAMP '2024-02-29 10:30' AS moment, ARRAY['a','b'] AS list, '{{"a": 1.0}}'::json AS doc, NULL AS none,
               '{UID}'::uuid AS uid, '12%'::text AS share
    """
    reader = connector(postgres, tmp_path, clock, {"query": query})
    reader.check()
    assert rows(reader.read("worker", into=into, until=NOW)) == [
        ["007", "1.50", "true", "2024-02-29", "2024-02-29 10:30:00", '["a", "b"]', '{"a": 1.0}', None, str(UID), "12%"]
    ]  # fmt: skip


def test_postgresql_is_read_only(postgres, tmp_path, into, clock):
    reader = connector(postgres, tmp_path, clock, {"query": "SELECT current_setting('transaction_read_only') AS id"})
    assert rows(reader.read("worker", into=into, until=NOW)) == [["on"]]


def test_database_errors_hold_no_values(postgres, tmp_path, into, clock):
    reader = connector(postgres, tmp_path, clock, {"query": "SELECT CAST('Canary' AS integer) AS id"})
    with pytest.raises(SystemUnavailable) as refused:
        reader.read("worker", into=into, until=NOW)
    assert "Canary" not in str(refused.value)
    assert "22P02" in str(refused.value)
