"""Cells: one row per person and system, each unusual cell marked, nothing invented where something is not known."""

from __future__ import annotations

from datetime import date, timedelta

from hrorch_pipelines.authority.cells import assemble
from hrorch_tests.authority.house import NOW, House, declare


def test_of_several_records_the_live_one_speaks_and_the_others_stay_visible(house: House) -> None:
    house.put("hris", "worker", [
        {"id": "9", "employment_status": "terminated", "end_date": date(2024, 1, 1), "start_date": date(2020, 1, 1)},
        {"id": "5", "employment_status": "active", "start_date": date(2026, 1, 1)},
        {"id": "7", "employment_status": "active", "start_date": date(2027, 1, 1)},
    ])  # fmt: skip
    house.link([("hris", "9", "A"), ("hris", "5", "A"), ("hris", "7", "A")])
    house.run(house.open())
    assert house.one("SELECT source_id FROM cells.hris") == "5"
    assert sorted(house.all("SELECT source_id, chosen FROM cells.spells WHERE system = 'hris'")) == [
        ("5", True),
        ("7", False),
        ("9", False),
    ]


def test_the_record_that_speaks_changes_with_the_day_without_anything_being_touched(house: House) -> None:
    house.put("hris", "worker", [
        {"id": "1", "employment_status": "active", "start_date": date(2020, 1, 1), "end_date": date(2026, 6, 20)},
        {"id": "2", "employment_status": "active", "start_date": date(2026, 6, 25)},
    ])  # fmt: skip
    house.link([("hris", "1", "A"), ("hris", "2", "A")])
    house.run(house.open())
    assert house.one("SELECT source_id FROM cells.hris") == "1"
    cells, _ = house.run(house.open(NOW + timedelta(days=11)))
    assert not cells.full
    assert house.one("SELECT source_id FROM cells.hris") == "2"


def test_references_become_persons_and_an_unknown_one_is_marked_not_emptied_silently(house: House) -> None:
    house.put("hris", "worker", [{"id": "1", "manager": "2"}, {"id": "2", "manager": "404"}, {"id": "3"}])
    house.link([("hris", "1", "A"), ("hris", "2", "B"), ("hris", "3", "C")])
    house.run(house.open())
    assert sorted(house.all("SELECT person_id, manager, unresolved FROM cells.hris")) == [
        ("A", "B", []), ("B", None, ["manager"]), ("C", None, []),
    ]  # fmt: skip


def test_relinking_a_manager_reaches_everybody_who_reports_to_them(house: House) -> None:
    house.put("hris", "worker", [{"id": "1", "manager": "2"}, {"id": "2"}])
    house.link([("hris", "1", "A"), ("hris", "2", "B")])
    house.run(house.open())
    house.link([("hris", "1", "A"), ("hris", "2", "B2")])
    cycle = house.open(NOW + timedelta(hours=1))
    house.touch(cycle, "B", "B2")
    cells, _ = house.run(cycle)
    assert not cells.full
    assert house.one("SELECT manager FROM cells.hris WHERE person_id = 'A'") == "B2"


def test_held_hidden_faulty_and_never_passed_are_marked(house: House) -> None:
    house.put("hris", "worker", [
        {"id": "1", "held": True}, {"id": "2", "hidden": ["ssn"]},
        {"id": "3", "faults": [{"attribute": "start_date", "code": "not_a_date", "found": "30/02"}]}, {"id": "4"},
    ])  # fmt: skip
    house.put("hris", "job", [{"id": "j", "worker": "4", "job_title": "x", "from": date(2026, 1, 1)}], accepted=False)
    house.link([("hris", str(n), f"P{n}") for n in range(1, 5)])
    house.run(house.open())
    rows = {
        person: (held, hidden) for person, held, hidden in house.all("SELECT person_id, held, hidden FROM cells.hris")
    }
    assert set(rows["P1"][0]) == {
        "legal_name",
        "employment_status",
        "start_date",
        "end_date",
        "email",
        "manager",
        "ssn",
    }
    assert rows["P2"] == ([], ["ssn"])
    assert rows["P3"] == (["start_date"], [])
    assert rows["P4"] == (["job_title", "level"], [])


def test_two_different_records_under_one_key_are_held_and_two_equal_ones_are_not(house: House) -> None:
    house.put("payroll", "worker", [
        {"id": "1", "pay": 1, "occurrence": 1}, {"id": "1", "pay": 2, "occurrence": 2},
        {"id": "2", "pay": 5, "occurrence": 1}, {"id": "2", "pay": 5, "occurrence": 2},
    ])  # fmt: skip
    house.link([("payroll", "1", "A"), ("payroll", "2", "B")])
    house.run(house.open())
    assert {p: bool(held) for p, held in house.all("SELECT person_id, held FROM cells.payroll")} == {
        "A": True,
        "B": False,
    }


def test_a_record_marked_as_deleted_is_no_record(house: House) -> None:
    house.put("payroll", "worker", [{"id": "1", "deleted": True}])
    house.link([("payroll", "1", "A")])
    house.run(house.open())
    assert house.all("FROM cells.payroll") == []
    assert house.one("SELECT present FROM cells.spells") is False


def test_a_system_never_read_has_no_cells_even_if_a_table_is_there(house: House) -> None:
    house.put("payroll", "worker", [{"id": "1"}])
    house.link([("payroll", "1", "A")])
    house.run(house.open(sources=["hris", "ats"]))
    assert house.all("FROM cells.payroll") == []


def test_running_a_stage_twice_in_a_cycle_changes_nothing(house: House) -> None:
    house.put("hris", "worker", [{"id": "1", "manager": "1"}])
    house.link([("hris", "1", "A")])
    cycle = house.open()
    assemble(house.con, house.stack, cycle)
    before = house.all("FROM cells.hris"), house.all("FROM cells.spells"), house.all("FROM cells.due")
    assemble(house.con, house.stack, cycle)
    assert (house.all("FROM cells.hris"), house.all("FROM cells.spells"), house.all("FROM cells.due")) == before


def test_a_changed_stack_file_is_noticed_and_everybody_assembled_anew(house: House) -> None:
    house.put("hris", "worker", [{"id": "1", "employment_status": "active"}])
    house.link([("hris", "1", "A")])
    house.run(house.open())
    assert not house.run(house.open())[0].full
    house.stack = declare(presence__payroll__grace="9d")
    assert house.run(house.open())[0].full


def test_live_is_unknown_where_the_condition_is(house: House) -> None:
    house.put("payroll", "worker", [{"id": "1"}, {"id": "2", "employment_status": "terminated"}])
    house.link([("payroll", "1", "A"), ("payroll", "2", "B")])
    house.run(house.open())
    assert sorted(house.all("SELECT person_id, live FROM cells.payroll")) == [("A", None), ("B", False)]
