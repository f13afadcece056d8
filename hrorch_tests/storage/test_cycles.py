"""What a cycle touched is settled when it ends and taken over when it never did."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import MappingProxyType

import duckdb

from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.cycles import Cycle

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def cycle(name: str) -> Cycle:
    return Cycle(name, NOW, date(2026, 3, 2), MappingProxyType({"hris": "hris-1"}), frozenset({"hris"}))


def test_a_cycle_that_never_ended_leaves_its_touched_records_to_the_next() -> None:
    with duckdb.connect(":memory:") as con:
        cycles.begin(con, cycle("crashed"), "hash", {"hris": NOW})
        con.execute("INSERT INTO cycles.touched_records VALUES ('crashed', 'hris', 'worker', '1')")
        con.execute("INSERT INTO cycles.touched_persons VALUES ('crashed', 'p1')")
        cycles.begin(con, cycle("next"), "hash", {"hris": NOW})
        assert con.execute("SELECT * FROM cycles.touched_records").fetchall() == [("next", "hris", "worker", "1")]
        assert con.execute("SELECT * FROM cycles.touched_persons").fetchall() == [("next", "p1")]
        assert con.execute("SELECT cycle_id FROM cycles.runs").fetchall() == [("next",)]
        cycles.finish(con, cycle("next"))
        cycles.begin(con, cycle("last"), "hash", {"hris": NOW})
        assert con.execute("SELECT * FROM cycles.touched_records").fetchall() == []
        assert con.execute("SELECT * FROM cycles.touched_persons").fetchall() == []
        assert con.execute("SELECT cycle_id FROM cycles.runs ORDER BY 1").fetchall() == [("last",), ("next",)]


def test_a_cycle_notes_which_snapshot_of_each_system_it_used_and_what_was_stale() -> None:
    with duckdb.connect(":memory:") as con:
        con.execute("SET TimeZone = 'UTC'")
        cycles.begin(con, cycle("one"), "hash", {"hris": NOW})
        assert con.execute("SELECT * FROM cycles.sources").fetchall() == [("one", "hris", "hris-1", NOW, True)]
