"""Missing records and ghosts: asserted when the grace has passed, never on an empty answer, never on doubt."""

from __future__ import annotations

from datetime import date, timedelta

from hrorch_tests.authority.house import NOW, House, declare
from hrorch_tests.reconcile.compare.conftest import Person


def test_a_person_missing_in_payroll_is_one_row_per_required_attribute(house: House, person: Person) -> None:
    person.put(paid=False)
    house.run(house.open())
    assert person.rows() == [
        ("payroll", "employment_status", "missing_record", "active", None),
        ("payroll", "legal_name", "missing_record", "Ann Lee", None),
        ("payroll", "pay", "missing_record", "50000.0000", None),
    ]


def test_a_record_that_is_there_and_not_live_is_missing_too(house: House, person: Person) -> None:
    person.put(payroll={"employment_status": "terminated", "start_date": date(1999, 1, 1)})
    house.run(house.open())
    states = house.states()
    assert [states["A", "payroll", name] for name in ("employment_status", "legal_name", "pay", "start_date")] == [
        "m",
        "m",
        "m",
        "d",
    ]


def test_a_record_whose_liveness_cannot_be_told_is_not_called_missing(house: House, person: Person) -> None:
    person.put(payroll={"employment_status": None, "hidden": ["employment_status"]})
    house.run(house.open())
    assert person.rows() == []


def test_a_new_hire_has_until_the_grace_is_over_and_falls_due_untouched(house: House, person: Person) -> None:
    person.put(paid=False, hris={"start_date": date(2026, 6, 13)})
    house.run(house.open())
    assert {row[2] for row in person.rows()} == {"in_flight"}
    house.run(house.open(NOW + timedelta(days=2)))
    assert {row[2] for row in person.rows()} == {"in_flight"}
    cells, _ = house.run(house.open(NOW + timedelta(days=3)))
    assert not cells.full
    assert {row[2] for row in person.rows()} == {"missing_record"}


def test_paid_after_termination_is_one_ghost(house: House, person: Person) -> None:
    person.put(hris={"employment_status": "terminated", "end_date": date(2026, 5, 1)})
    house.run(house.open())
    assert person.rows() == [("payroll", "employment_status", "ghost", "terminated", "active")]


def test_a_termination_entered_late_has_its_grace_from_the_entry(house: House, person: Person) -> None:
    person.put(hris={"employment_status": "terminated", "end_date": date(2026, 5, 1)})
    house.changed("hris", "worker", "h", "employment_status", NOW - timedelta(days=1))
    house.run(house.open())
    assert [row[2] for row in person.rows()] == ["in_flight"]
    house.run(house.open(NOW + timedelta(days=4)))
    assert [row[2] for row in person.rows()] == ["ghost"]


def test_a_ghost_of_a_system_that_does_not_map_the_status_is_still_told() -> None:
    house = House(declare(presence__directory={"must_not": "employment_status = 'terminated'", "grace": "1d"}))
    Person(house).put(hris={"employment_status": "terminated"}, payroll={"employment_status": "terminated"})
    house.run(house.open())
    assert house.all(
        "SELECT copy_system, attribute, state, authority_system, authority_value, copy_value FROM reconcile.discrepancies"
    ) == [("directory", "employment_status", "ghost", "hris", "terminated", None)]


def test_a_system_that_was_never_read_misses_nobody(house: House, person: Person) -> None:
    person.put(paid=False)
    _, result = house.run(house.open(sources=["ats", "hris", "directory"]))
    assert "missing_record" not in result.states
    assert person.rows() == []


def test_when_a_system_is_first_read_everybody_it_lacks_is_noticed(house: House, person: Person) -> None:
    person.put(paid=False)
    house.run(house.open(sources=["ats", "hris", "directory"]))
    house.run(house.open(NOW + timedelta(hours=1)))
    assert {row[2] for row in person.rows()} == {"missing_record"}


def test_rows_of_a_system_that_can_no_longer_be_read_wait_and_are_not_resolved(house: House, person: Person) -> None:
    person.put(payroll={"legal_name": "Other"})
    house.run(house.open())
    house.run(house.open(NOW + timedelta(hours=1), sources=["ats", "hris", "directory"]))
    assert person.rows() == []
    assert house.all("FROM reconcile.resolved") == []
    assert house.one("SELECT count(*) FROM reconcile.suspended") == 1
    house.run(house.open(NOW + timedelta(hours=2)))
    assert [row[2] for row in person.rows()] == ["disagree"]
    assert house.one("SELECT first_seen_at FROM reconcile.discrepancies") == NOW


def test_a_stale_voucher_suspends_missing_records_and_ghosts(house: House, person: Person) -> None:
    person.put(paid=False)
    house.run(house.open())
    _, result = house.run(house.open(NOW + timedelta(hours=1), stale=["hris"]))
    assert person.rows() == []
    assert "missing_record" not in result.states


def test_a_record_waiting_in_quarantine_since_its_first_day_is_not_missing() -> None:
    house = House(declare(matching={"keys": [{"attributes": ["legal_name"]}]}))
    person = Person(house)
    person.put(paid=False)
    house.put("payroll", "worker", [{"id": "p", "legal_name": "Ann Lee"}], accepted=False)
    _, result = house.run(house.open())
    assert person.rows() == []
    assert result.states["quarantined"] == 3


def test_a_person_missing_from_a_system_that_requires_no_attribute_is_not_silent() -> None:
    house = House(
        declare(
            attributes__email={"data_type": "access", "type": "email"},
            attributes__legal_name={"data_type": "personal", "type": "name"},
        )
    )
    person = Person(house)
    person.put()
    house.replace("directory", "account", [])
    house.link([("hris", "h", "A"), ("payroll", "p", "A")])
    house.run(house.open())
    assert person.rows() == [("directory", "employment_status", "missing_record", "active", None)]


def test_an_attribute_the_missing_system_itself_decides_is_missing_on_the_word_of_the_voucher(
    house: House, person: Person
) -> None:
    person.put()
    house.replace("directory", "account", [])
    house.link([("hris", "h", "A"), ("payroll", "p", "A")])
    house.run(house.open())
    assert house.all("SELECT attribute, authority_system, authority_value FROM reconcile.discrepancies ORDER BY 1") == [
        ("email", "hris", None), ("legal_name", "hris", "Ann Lee"),
    ]  # fmt: skip


def test_a_condition_on_the_calendar_is_asked_again_every_day() -> None:
    house = House(declare(presence__payroll={"must": "stage = 'worker' AND start_date <= as_of", "grace": "0s"}))
    person = Person(house)
    person.put(paid=False, hris={"start_date": date(2026, 6, 16)})
    house.run(house.open())
    assert person.rows() == []
    house.run(house.open(NOW + timedelta(days=1)))
    assert {row[2] for row in person.rows()} == {"missing_record"}
