"""Which cells are comparable, and what is shown of those that are not in order (METRICS.md, M2)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from hrorch_tests.authority.house import NOW, House, declare
from hrorch_tests.reconcile.compare.conftest import Person


def test_a_company_in_order_has_no_discrepancies_and_agrees_everywhere(house: House, person: Person) -> None:
    person.put()
    _, result = house.run(house.open())
    assert person.rows() == []
    assert set(result.states) == {"agree", "both_empty", "not_supplied"}


def test_a_difference_is_one_row_with_both_values_and_their_origin(house: House, person: Person) -> None:
    person.put(payroll={"start_date": date(2020, 2, 1), "snapshot": "payroll-0"})
    house.run(house.open())
    assert person.rows() == [("payroll", "start_date", "disagree", "2020-01-01", "2020-02-01")]
    row = house.one(
        """SELECT authority_system, authority_source_id, copy_source_id, authority_snapshot_id, data_type, stage, cause
           FROM reconcile.discrepancies"""
    )
    assert row == ("hris", "h", "p", "hris-0", "employment", "worker", None)


@pytest.mark.parametrize(
    ("attribute", "copy", "same"),
    [
        ("pay", 50000.5, True), ("pay", 50000.51, False), ("employment_status", "ACTIVE", True),
        ("legal_name", "Ann  Lee", False), ("legal_name", "ANN LEE", False), ("legal_name", "Ann Lee", True),
    ],
)  # fmt: skip
def test_equality_follows_the_kind_of_attribute(
    house: House, person: Person, attribute: str, copy: Any, same: bool
) -> None:
    person.put(payroll={attribute: copy})
    house.run(house.open())
    assert house.states()["A", "payroll", attribute] == ("a" if same else "d")


@pytest.mark.parametrize(("ours", "theirs", "letter"), [(None, None, "e"), (None, "x", "d"), ("x", None, "d")])
def test_both_empty_is_not_comparable_and_one_empty_is_a_disagreement(
    house: House, person: Person, ours: Any, theirs: Any, letter: str
) -> None:
    person.put(hris={"legal_name": ours}, payroll={"legal_name": theirs})
    house.run(house.open())
    assert house.states()["A", "payroll", "legal_name"] == letter


def test_a_hidden_value_is_never_empty_and_never_compared(house: House, person: Person) -> None:
    person.put(hris={"ssn": "k1"}, payroll={"ssn": None, "hidden": ["ssn"]})
    house.run(house.open())
    assert house.states()["A", "payroll", "ssn"] == "h"
    assert person.rows() == []


def test_a_secret_disagreement_shows_no_value(house: House, person: Person) -> None:
    person.put(hris={"ssn": "k1"}, payroll={"ssn": "k2"})
    house.run(house.open())
    assert person.rows() == [("payroll", "ssn", "disagree", None, None)]


def test_a_fresh_change_of_the_authority_is_in_flight_and_then_counts_by_itself(house: House, person: Person) -> None:
    person.put(hris={"legal_name": "Ann Day"})
    house.changed("hris", "worker", "h", "legal_name", NOW - timedelta(hours=23))
    _, result = house.run(house.open())
    assert {row[2] for row in person.rows()} == {"in_flight"}
    assert result.states["in_flight"] == 2
    assert "disagree" not in result.states
    cells, later = house.run(house.open(NOW + timedelta(hours=1)))
    assert not cells.full
    assert {row[2] for row in person.rows()} == {"disagree"}
    assert later.states["disagree"] == 2


def test_a_change_that_already_arrived_is_in_flight_and_not_shown(house: House, person: Person) -> None:
    person.put()
    house.changed("hris", "worker", "h", "legal_name", NOW - timedelta(hours=1))
    _, result = house.run(house.open())
    assert result.states["in_flight"] == 2
    assert person.rows() == []


def test_an_attribute_has_its_own_grace(house: House, person: Person) -> None:
    person.put(job=[{"id": "j", "worker": "h", "job_title": "Lead", "level": 4, "from": date(2026, 6, 13)}])
    house.run(house.open())
    assert [(row[1], row[2]) for row in person.rows()] == [("job_title", "in_flight"), ("level", "disagree")]


def test_a_row_that_comes_into_force_changes_only_what_differs_from_the_row_before(
    house: House, person: Person
) -> None:
    jobs = [
        {"id": "j1", "worker": "h", "job_title": "Nurse", "level": 3, "from": date(2020, 1, 1)},
        {"id": "j2", "worker": "h", "job_title": "Nurse", "level": 4, "from": date(2026, 6, 15)},
    ]
    person.put(job=jobs)
    house.run(house.open())
    assert house.states()["A", "directory", "job_title"] == "a"
    assert house.states()["A", "directory", "level"] == "Y"


def test_a_value_to_come_is_announced_and_applied_early_it_is_a_disagreement(house: House, person: Person) -> None:
    jobs = [
        {"id": "j1", "worker": "h", "job_title": "Nurse", "level": 3, "from": date(2020, 1, 1)},
        {"id": "j2", "worker": "h", "job_title": "Lead", "level": 3, "from": date(2026, 7, 1)},
    ]
    person.put(job=jobs)
    _, result = house.run(house.open())
    assert person.rows() == [("directory", "job_title", "scheduled", "Lead", "Nurse")]
    assert "scheduled" not in result.states
    person.put(job=jobs, directory={"job_title": "Lead"})
    house.run(house.open(full=True))
    assert person.rows() == [("directory", "job_title", "disagree", "Nurse", "Lead")]
    person.put(job=jobs, directory={"job_title": "Lead"})
    house.run(house.open(NOW + timedelta(days=30)))
    assert person.rows() == []


def test_where_nothing_counts_yet_the_pair_is_scheduled(house: House, person: Person) -> None:
    person.put(job=[{"id": "j", "worker": "h", "job_title": "Nurse", "level": 3, "from": date(2026, 7, 1)}])
    _, result = house.run(house.open())
    assert result.states["scheduled"] == 2
    assert {row[2] for row in person.rows()} == {"scheduled"}


def test_quarantined_cells_are_neither_agreement_nor_disagreement(house: House, person: Person) -> None:
    person.put(payroll={"legal_name": "Other", "held": True})
    _, result = house.run(house.open())
    assert person.rows() == []
    assert result.states["quarantined"] == 6


def test_a_stale_system_suspends_its_rows_and_gives_them_back_with_their_age(house: House, person: Person) -> None:
    person.put(payroll={"legal_name": "Other"}, directory={"legal_name": "Third"})
    house.run(house.open())
    first = house.all("SELECT discrepancy_id, first_seen_at FROM reconcile.discrepancies ORDER BY ALL")
    cells, result = house.run(house.open(NOW + timedelta(hours=1), stale=["payroll"]))
    assert not cells.full
    assert [row[0] for row in person.rows()] == ["directory"]
    assert result.states["disagree"] == 1
    assert result.states["stale"] == 6
    assert house.all("FROM reconcile.person_profile") == [(1, 4, 1)]
    house.run(house.open(NOW + timedelta(hours=2)))
    assert house.all("SELECT discrepancy_id, first_seen_at FROM reconcile.discrepancies ORDER BY ALL") == first
    assert house.all("FROM reconcile.resolved") == []


def test_an_attribute_one_side_does_not_map_is_not_supplied(house: House, person: Person) -> None:
    person.put()
    house.run(house.open())
    found = dict(
        house.all(
            "SELECT attribute, n FROM reconcile.pair_counts WHERE copy_system = 'payroll' AND state = 'not_supplied'"
        )
    )
    assert found == {"end_date": 1, "job_title": 1, "level": 1, "email": 1}


def test_every_cell_has_one_state_and_counts_add_up(house: House, person: Person) -> None:
    person.put(payroll={"pay": 1, "ssn": None, "hidden": ["ssn"]})
    house.run(house.open())
    assert house.one("SELECT sum(n) FROM reconcile.pair_counts WHERE state <> 'not_supplied'") == len(house.states())
    wrong = house.one("SELECT sum(n) FROM reconcile.pair_counts WHERE state IN ('disagree', 'missing_record', 'ghost')")
    assert wrong == house.one(
        "SELECT count(*) FROM reconcile.discrepancies WHERE state IN ('disagree', 'missing_record', 'ghost')"
    )
    assert wrong == house.one("SELECT sum(disagreeing * persons) FROM reconcile.person_profile")


def test_an_attribute_marked_not_to_compare_is_not() -> None:
    house = House(declare(attributes__start_date__compare=False))
    Person(house).put(payroll={"start_date": date(1999, 1, 1)})
    house.run(house.open())
    assert house.all("FROM reconcile.discrepancies") == []


def test_a_field_hidden_for_everybody_takes_the_quick_way_to_the_same_result(house: House) -> None:
    people = [f"{n}" for n in range(40)]
    house.put(
        "hris", "worker", [{"id": n, "legal_name": f"N{n}", "employment_status": "active", "ssn": "k"} for n in people]
    )
    house.put(
        "payroll",
        "worker",
        [{"id": n, "legal_name": "N1", "employment_status": "active", "hidden": ["ssn"]} for n in people],
    )
    house.link([(system, n, f"P{n}") for n in people for system in ("hris", "payroll")])
    _, result = house.run(house.open(full=True))
    assert result.states["hidden"] == 40
    everybody = house.states()
    cycle = house.open()
    house.touch(cycle, *(f"P{n}" for n in people))
    house.run(cycle)
    assert house.states() == everybody
