"""The golden record: the authority of the person's stage and nobody else, with the rule that chose each value."""

from __future__ import annotations

import pytest

from hrorch_tests.authority.house import House, declare


def decisions(house: House, person: str) -> dict[str, tuple[str, str]]:
    rows = house.all("SELECT attribute, system, state FROM golden.decisions WHERE person_id = ?", person)
    return {attribute: (system, state) for attribute, system, state in rows}


def two_systems(house: House, status: str = "active") -> None:
    house.put("ats", "candidate", [{"id": "a", "legal_name": "From ATS", "pay": 1}])
    house.put(
        "hris",
        "worker",
        [{"id": "h", "legal_name": "From HRIS", "employment_status": status, "held": status == "leave"}],
    )
    house.put("directory", "account", [{"id": "d", "email": "x@y.org"}])
    house.link([("ats", "a", "A"), ("hris", "h", "A"), ("directory", "d", "A")])


def test_the_authority_follows_the_stage(house: House) -> None:
    two_systems(house)
    house.run(house.open())
    assert house.one("SELECT stage, legal_name, pay, email FROM golden.persons") == (
        "worker",
        "From HRIS",
        None,
        "x@y.org",
    )
    house = House(declare())
    two_systems(house, status="offered")
    house.run(house.open())
    assert house.one("SELECT stage, legal_name, employment_status FROM golden.persons") == (
        "candidate",
        "From ATS",
        None,
    )


def test_an_empty_authority_is_empty_and_no_other_system_is_asked(house: House) -> None:
    two_systems(house)
    house.run(house.open())
    found = decisions(house, "A")
    assert found["pay"] == ("hris", "empty")
    assert found["legal_name"] == ("hris", "decided")
    rule, snapshot, stale = house.one(
        "SELECT rule, snapshot_id, stale FROM golden.decisions WHERE attribute = 'legal_name'"
    )
    assert (rule, snapshot, stale) == ("authority.personal.worker: hris", "hris-1", False)


def test_an_empty_authority_is_held_where_the_policy_says_so(house: House) -> None:
    house.put("hris", "worker", [{"id": "h", "employment_status": "active", "email": "z@y.org"}])
    house.put("directory", "account", [{"id": "d"}])
    house.link([("hris", "h", "A"), ("directory", "d", "A")])
    house.run(house.open())
    assert decisions(house, "A")["email"] == ("directory", "held")
    assert house.states()["A", "hris", "email"] == "k"


def test_a_quarantined_value_is_the_last_good_one_and_marked(house: House) -> None:
    two_systems(house, status="leave")
    house.run(house.open())
    assert house.one("SELECT legal_name FROM golden.persons") == "From HRIS"
    assert decisions(house, "A")["legal_name"] == ("hris", "held")


def test_without_a_record_in_the_authority_nothing_is_decided(house: House) -> None:
    house.put("payroll", "worker", [{"id": "p", "legal_name": "Somebody", "pay": 5}])
    house.link([("payroll", "p", "A")])
    house.run(house.open())
    assert house.one("SELECT stage, legal_name FROM golden.persons") == ("candidate", None)
    assert decisions(house, "A")["legal_name"] == ("ats", "unavailable")
    assert house.states()["A", "payroll", "legal_name"] == "k"


@pytest.mark.parametrize(("policy", "value", "letter"), [("last_good", "From HRIS", "d"), ("hold", None, "k")])
def test_a_stale_authority_keeps_its_last_good_value_or_is_withheld(
    policy: str, value: str | None, letter: str
) -> None:
    house = House(declare(authority__personal__worker={"system": "hris", "when_unavailable": policy}))
    two_systems(house)
    house.put("payroll", "worker", [{"id": "p", "legal_name": "Other"}])
    house.link([*[(s, i, "A") for s, i in (("ats", "a"), ("hris", "h"), ("directory", "d"), ("payroll", "p"))]])
    house.run(house.open())
    assert house.states()["A", "payroll", "legal_name"] == "d"
    house.run(house.open(stale=["hris"]))
    assert house.one("SELECT legal_name FROM golden.persons") == value
    assert house.states()["A", "payroll", "legal_name"] == letter
    state = house.one(
        "SELECT state FROM reconcile.pair_counts WHERE copy_system = 'payroll' AND attribute = 'legal_name'"
    )
    assert state == ("stale" if policy == "last_good" else "held")


def test_where_the_authority_of_a_stage_was_never_read_nobody_falls_into_a_later_stage(house: House) -> None:
    two_systems(house)
    house.put("payroll", "worker", [{"id": "p", "legal_name": "Other"}])
    house.link([("ats", "a", "A"), ("payroll", "p", "A")])
    house.run(house.open(sources=["ats", "payroll", "directory"]))
    assert house.one("SELECT stage FROM golden.persons") is None
    assert house.states() == {}


def test_a_stage_without_a_rule_has_no_authority_and_nothing_is_compared(house: House) -> None:
    two_systems(house, status="offered")
    house.put("payroll", "worker", [{"id": "p", "employment_status": "active"}])
    house.con.execute("INSERT INTO identity.links VALUES ('payroll', 'p', 'A')")
    house.run(house.open())
    assert "employment_status" not in decisions(house, "A")
    assert ("A", "payroll", "employment_status") not in house.states()
