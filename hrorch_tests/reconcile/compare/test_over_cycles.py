"""What a discrepancy is over time: first seen once, resolved once, its id the same for ever; other days beside today."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.reconcile.as_of import compare_as_of
from hrorch_pipelines.reconcile.compare import compare
from hrorch_pipelines.storage.errors import WarehouseError
from hrorch_tests.authority.house import NOW, House, declare
from hrorch_tests.reconcile.compare.conftest import Person


def test_a_discrepancy_keeps_its_id_and_first_sight_until_it_is_resolved(house: House, person: Person) -> None:
    person.put(payroll={"legal_name": "Other"})
    house.run(house.open())
    first = house.one("SELECT discrepancy_id, first_seen_at, cycle_id FROM reconcile.discrepancies")
    person.put(payroll={"legal_name": "Another"})
    cycle = house.open(NOW + timedelta(hours=1))
    house.touch(cycle, "A")
    _, result = house.run(cycle)
    assert house.one("SELECT discrepancy_id, first_seen_at, cycle_id FROM reconcile.discrepancies") == first
    assert (result.new, result.resolved) == (0, 0)
    person.put()
    cycle = house.open(NOW + timedelta(hours=2))
    house.touch(cycle, "A")
    _, result = house.run(cycle)
    assert (result.new, result.resolved) == (0, 1)
    assert house.one("SELECT discrepancy_id, first_seen_at, resolved_at FROM reconcile.resolved") == (
        first[0],
        NOW,
        NOW + timedelta(hours=2),
    )


def test_rows_nobody_touched_keep_their_cause_and_touched_ones_are_explained_anew(house: House, person: Person) -> None:
    person.put(payroll={"legal_name": "Other"})
    house.run(house.open())
    house.con.execute("UPDATE reconcile.discrepancies SET cause = 'other'")
    house.run(house.open(NOW + timedelta(hours=1)))
    assert house.one("SELECT cause FROM reconcile.discrepancies") == "other"
    cycle = house.open(NOW + timedelta(hours=2))
    house.touch(cycle, "A")
    house.run(cycle)
    assert house.one("SELECT cause FROM reconcile.discrepancies") is None


def test_comparing_twice_in_a_cycle_changes_nothing(house: House, person: Person) -> None:
    person.put(payroll={"legal_name": "Other"})
    cycle = house.open()
    house.run(cycle)
    tables = ("discrepancies", "pair_counts", "person_profile", "resolved", "patterns", "pattern_counts")
    before = [sorted(house.all(f"FROM reconcile.{table}"), key=repr) for table in tables]
    compare(house.con, house.stack, cycle)
    assert [sorted(house.all(f"FROM reconcile.{table}"), key=repr) for table in tables] == before


def test_somebody_who_left_every_system_leaves_no_trace_in_counts(house: House, person: Person) -> None:
    person.put(payroll={"legal_name": "Other"})
    house.run(house.open())
    for system, record in (("hris", "worker"), ("payroll", "worker"), ("directory", "account")):
        house.replace(system, record, [])
    house.link([])
    cycle = house.open(NOW + timedelta(hours=1))
    house.touch(cycle, "A")
    house.run(cycle)
    for table in ("patterns", "pattern_counts", "pair_counts", "person_profile", "discrepancies"):
        assert house.all(f"FROM reconcile.{table}") == []
    assert house.one("SELECT count(*) FROM reconcile.resolved") == 1


JOBS = [
    {"id": "j1", "worker": "h", "job_title": "Nurse", "level": 3, "from": date(2020, 1, 1)},
    {"id": "j2", "worker": "h", "job_title": "Lead", "level": 3, "from": date(2026, 7, 1)},
]


def test_another_day_is_computed_beside_and_touches_nothing_stored(house: House, person: Person) -> None:
    person.put(job=JOBS, directory={"job_title": "Lead"})
    cycle = house.open()
    house.run(cycle)
    stored = house.all("FROM reconcile.discrepancies"), house.all("FROM cells.hris"), house.all("FROM cells.passes")
    with compare_as_of(house.con, house.stack, cycle, date(2026, 8, 1)) as then:
        assert house.all("SELECT job_title FROM golden.persons") == [("Lead",)]
        assert house.all("SELECT state FROM reconcile.discrepancies") == []
        assert "disagree" not in then.result.states
    assert (
        house.all("FROM reconcile.discrepancies"),
        house.all("FROM cells.hris"),
        house.all("FROM cells.passes"),
    ) == stored
    assert house.one("SELECT job_title FROM golden.persons") == "Nurse"


def test_a_failure_while_looking_from_another_day_leaves_the_connection_as_it_was(house: House, person: Person) -> None:
    person.put()
    cycle = house.open()
    house.run(cycle)
    house.con.execute("DROP TABLE identity.links")
    with pytest.raises(WarehouseError), compare_as_of(house.con, house.stack, cycle, date(2026, 8, 1)):
        pass
    assert house.one("SELECT job_title FROM golden.persons") == "Nurse"
    assert "hrorch_as_of" not in {name for (name,) in house.all("SELECT database_name FROM duckdb_databases()")}


def test_another_day_can_be_asked_of_a_read_only_copy(tmp_path: Path) -> None:
    house = House(declare(), str(tmp_path / "warehouse.duckdb"))
    person = Person(house)
    person.put(job=JOBS)
    cycle = house.open()
    house.run(cycle)
    house.con.close()
    with duckdb.connect() as reader:
        reader.execute("SET TimeZone = 'UTC'")
        reader.execute(f"ATTACH '{tmp_path / 'warehouse.duckdb'}' AS published (READ_ONLY)")
        reader.execute("USE published")
        assert reader.execute("SELECT count(*) FROM golden.decisions WHERE state = 'decided'").fetchone() == (7,)
        with compare_as_of(reader, house.stack, cycle, date(2026, 8, 1)):
            assert reader.execute("SELECT attribute, state FROM reconcile.discrepancies").fetchall() == [
                ("job_title", "disagree")
            ]
            assert reader.execute(
                "SELECT count(*) FROM golden.decisions WHERE person_id = 'A' AND state = 'decided'"
            ).fetchone() == (7,)
        assert reader.execute("SELECT state FROM reconcile.discrepancies").fetchall() == [("scheduled",)]
