"""What waits in quarantine, what is told about it, and how a case ends. Snapshots come one after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from hrorch_tests.gates.observing import START, World, worker

Make = Callable[..., World]
REQUIRED = {"rule": "required", "attribute": "last_name"}
UNIQUE = {"rule": "unique", "attribute": "employee_number"}
ADULT = {"rule": "range", "attribute": "birth_date", "min": "1926-01-01", "route": "lead", "due": "2d", "action": "Ask"}


def case(world: World, rule_id: str) -> dict[str, Any]:
    """The one case of a rule."""
    result = world.con.execute("SELECT * FROM gates.quarantine WHERE rule_id = ?", [rule_id])
    names = [column[0] for column in result.description or []]
    (row,) = result.fetchall()
    return dict(zip(names, row, strict=True))


def test_a_case_says_who_does_what_by_when_and_shows_no_personal_value(world: Make) -> None:
    here = world({"hris.worker": [ADULT]})
    snapshot_id = here.observe(worker=[worker("7", birth_date=date(1900, 5, 17))])
    here.gate()
    found = case(here, "birth_date-range")
    assert {name: found[name] for name in ("record_key", "source_id", "parent_id", "snapshot_id", "row_id")} == {
        "record_key": "7", "source_id": "7", "parent_id": "7", "snapshot_id": snapshot_id, "row_id": 0,
    }  # fmt: skip
    assert (found["expected"], found["action"]) == ("at least 1926-01-01", "Ask")
    assert (found["reviewer"], found["deputy"]) == ("lead", None)
    assert found["due_at"] - found["opened_at"] == timedelta(days=2)
    assert (found["severity"], found["kind"]) == ("error", "bad_data")
    assert "1900" not in found["found_masked"]
    assert "05-17" not in found["found_masked"]
    assert "•" in found["found_masked"]


def test_the_owner_of_the_system_and_his_deputy_review_what_has_no_route(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    here.observe(worker=[worker("1", last_name=None)])
    here.gate()
    found = case(here, "last_name-required")
    assert (found["reviewer"], found["deputy"], found["found_masked"]) == ("analyst", "lead", "(empty)")


@pytest.mark.parametrize(
    ("attribute", "secret", "shown"),
    [
        ("bonus", "48123.75", "•"),
        ("national_id", "a1b2c3d4e5", "•"),
        ("email", "jo.canary@corp.example", "•"),
        ("department", "Canaries", "Canaries"),
    ],
)  # fmt: skip
def test_a_found_value_is_shown_as_its_sensitivity_allows(world: Make, attribute: str, secret: str, shown: str) -> None:
    here = world({"hris.worker": [{"rule": "max_length", "attribute": attribute, "max": "1"}]})
    here.observe(worker=[worker("1", **{attribute: secret})])
    here.gate()
    found = case(here, f"{attribute}-max_length")["found_masked"]
    assert shown in found
    assert (secret in found) == (attribute == "department")


def test_the_last_good_version_stays_and_is_marked_until_the_source_is_mended(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    here.observe(worker=[worker("1", department="IT"), worker("2")])
    here.gate()
    here.observe(worker=[worker("1", department="HR", last_name=None), worker("2")])
    here.gate()
    assert here.accepted(column="department")["1"] == ("IT", True)
    assert here.accepted(column="department")["2"] == (None, False)
    here.observe(worker=[worker("1", department="Care"), worker("2")])
    here.gate()
    assert here.accepted(column="department")["1"] == ("Care", False)


def test_a_record_that_never_passed_is_not_accepted(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    here.observe(worker=[worker("1", last_name=None), worker("2")])
    here.gate()
    assert set(here.accepted()) == {"2"}


def test_a_case_closes_by_itself_and_reopening_goes_on_with_its_clock(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    bad, good = [worker("1", last_name=None), worker("2")], [worker("1"), worker("2")]
    here.observe(worker=bad)
    here.gate()
    opened = case(here, "last_name-required")
    here.observe(worker=good)
    here.gate()
    closed = case(here, "last_name-required")
    assert (closed["closed_at"], closed["closed_by"]) == (here.now, "gate")
    here.observe(worker=bad)
    here.gate()
    again = case(here, "last_name-required")
    assert (again["closed_at"], again["closed_by"]) == (None, None)
    assert (again["opened_at"], again["due_at"]) == (opened["opened_at"], opened["due_at"])
    assert again["last_seen_at"] == here.now == START + timedelta(hours=3)


def test_a_case_of_an_untouched_record_has_been_seen_again(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    rows = [worker("1", last_name=None), worker("2")]
    here.observe(worker=rows)
    here.gate()
    here.observe(worker=[*rows, worker("3")])
    result = here.gate()
    assert result.records["worker"].unchanged == 2
    assert case(here, "last_name-required")["last_seen_at"] == here.now


def test_a_record_that_is_gone_leaves_accepted_and_its_case_closes(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    here.observe(worker=[worker("1"), worker("2"), worker("3", last_name=None)])
    here.gate()
    here.observe(worker=[worker("2")])
    here.gate()
    assert set(here.accepted()) == {"2"}
    assert here.open_cases() == set()


def test_a_value_given_twice_fails_both_records_although_one_did_not_change(world: Make) -> None:
    here = world({"hris.worker": [UNIQUE]})
    here.observe(worker=[worker("1"), worker("2"), worker("3")])
    here.gate()
    here.observe(worker=[worker("1"), worker("2"), worker("3", employee_number="E1")])
    result = here.gate()
    counts = result.records["worker"]
    assert (counts.input, counts.passed, counts.quarantined, counts.unchanged) == (3, 0, 2, 1)
    assert here.open_cases() == {("1", "employee_number-unique"), ("3", "employee_number-unique")}
    assert {key: held for key, (_, held) in here.accepted().items()} == {"1": True, "2": False, "3": True}
    touched = here.all("SELECT source_id FROM cycles.touched_records WHERE record = 'worker' ORDER BY 1")
    assert touched == [("1",), ("3",)]


def test_mending_one_of_two_sharers_releases_the_other_too(world: Make) -> None:
    here = world({"hris.worker": [UNIQUE]})
    here.observe(worker=[worker("1"), worker("2", employee_number="E1")])
    here.gate()
    assert set(here.accepted()) == set()
    here.observe(worker=[worker("1"), worker("2")])
    here.gate()
    assert here.open_cases() == set()
    assert set(here.accepted()) == {"1", "2"}


def test_a_unique_rule_with_a_condition_sees_only_records_that_meet_it(world: Make) -> None:
    here = world({"hris.worker": [{**UNIQUE, "when": "active"}]})
    here.observe(
        worker=[worker(key, employee_number="E", active=active) for key, active in (("1", True), ("2", False), ("3", None))]
    )  # fmt: skip
    here.gate()
    assert set(here.accepted()) == {"1", "2", "3"}


def test_a_key_used_twice_quarantines_every_occurrence_and_keeps_the_last_good_one(world: Make) -> None:
    here = world()
    here.observe(worker=[worker("1", department="IT"), worker("2")])
    here.gate()
    here.observe(worker=[worker("1", department="IT"), worker("1", department="HR"), worker("2")])
    result = here.gate()
    assert (result.records["worker"].input, result.records["worker"].quarantined) == (3, 2)
    rows = here.all("SELECT occurrence, found_masked FROM gates.quarantine WHERE rule_id = 'duplicate-key' ORDER BY 1")
    assert rows == [(1, "2 records with this key"), (2, "2 records with this key")]
    assert here.accepted(column="department")["1"] == ("IT", True)
    here.observe(worker=[worker("1", department="HR"), worker("2")])
    here.gate()
    assert here.open_cases() == set()
    assert here.accepted(column="department")["1"] == ("HR", False)


def test_records_without_a_key_wait_each_in_its_own_case(world: Make) -> None:
    here = world()
    here.observe(worker=[worker(None), worker(None), worker(None, department="IT"), worker("1")])
    result = here.gate()
    assert (result.records["worker"].passed, result.records["worker"].quarantined) == (1, 3)
    rows = here.all("SELECT count(DISTINCT case_id), count(*) FROM gates.quarantine WHERE rule_id = 'missing-key'")
    assert rows == [(3, 3)]
    here.observe(worker=[worker("1")])
    here.gate()
    assert here.open_cases() == set()


def test_what_could_not_be_converted_fails_by_its_own_rule_and_is_not_called_missing(world: Make) -> None:
    here = world({"hris.worker": [{"rule": "required", "attribute": "birth_date"}]})
    fault = {"attribute": "birth_date", "code": "not_a_date", "found": "30/02/1987"}
    here.observe(worker=[worker("1", faults=[fault])])
    here.gate()
    assert here.open_cases() == {("1", "birth_date-convertible")}
    found = case(here, "birth_date-convertible")
    assert "not_a_date" in found["found_masked"]
    assert "1987" not in found["found_masked"]
    assert found["expected"] == "a readable date"


def test_a_withheld_value_is_not_missing(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    here.observe(worker=[worker("1", last_name=None, hidden=["last_name"])])
    here.gate()
    assert set(here.accepted()) == {"1"}


def test_a_warning_is_recorded_and_holds_nothing_back(world: Make) -> None:
    here = world({"hris.worker": [{**REQUIRED, "severity": "warning"}]})
    here.observe(worker=[worker("1", last_name=None)])
    result = here.gate()
    assert result.records["worker"].passed == 1
    assert here.accepted()["1"][1] is False
    assert case(here, "last_name-required")["severity"] == "warning"


def test_time_alone_releases_what_was_in_the_future(world: Make) -> None:
    here = world({"hris.worker": [{"rule": "not_future", "attribute": "seen_at"}]})
    rows = [worker("1", seen_at=START + timedelta(hours=1, minutes=30)), worker("2")]
    here.observe(worker=rows)
    here.gate()
    assert set(here.accepted()) == {"2"}
    here.observe(worker=rows)
    here.gate()
    assert set(here.accepted()) == {"1", "2"}


def test_changed_rules_judge_every_record_again(world: Make) -> None:
    here = world()
    here.observe(worker=[worker("1", last_name=None), worker("2")])
    here.gate()
    assert set(here.accepted()) == {"1", "2"}
    here.rules({"hris.worker": [REQUIRED]})
    result = here.gate()
    assert result.records["worker"].unchanged == 0
    assert here.open_cases() == {("1", "last_name-required")}
    assert here.accepted()["1"][1] is True
    here.rules({})
    here.gate()
    assert here.open_cases() == set()
    assert here.accepted()["1"][1] is False


def test_a_changed_catalogue_is_a_changed_rule(world: Make) -> None:
    here = world()
    catalogue = here.folder / "departments.csv"
    catalogue.write_text("code,name\n1,Care\n", encoding="utf-8")
    here.rules({"hris.worker": [{"rule": "one_of", "attribute": "department", "values_from": "departments.csv#name"}]})
    here.observe(worker=[worker("1", department="Care"), worker("2", department="IT")])
    here.gate()
    assert set(here.accepted()) == {"1"}
    catalogue.write_text("code,name\n1,Care\n2,IT\n", encoding="utf-8")
    here.gate()
    assert set(here.accepted()) == {"1", "2"}


def test_values_at_the_edge_of_what_a_cell_can_hold_reach_quarantine_whole(world: Make) -> None:
    here = world(
        {
            "hris.worker": [
                {"rule": "max_length", "attribute": "department", "max": "100"},
                {"rule": "pattern", "attribute": "last_name", "pattern": "^[^\\x00]*$"},
                {"rule": "range", "attribute": "start_date", "min": "1950-01-01", "max": "2100-01-01"},
            ]
        }
    )
    here.observe(
        worker=[
            worker("huge", department="x" * 10_000_000),
            worker("nul", last_name="a\x00b"),
            worker("first", start_date=date(1, 1, 1)),
            worker("last", start_date=date(9999, 12, 31)),
            worker("formula", department="=cmd|' /C calc'!A0"),
        ]
    )
    here.gate()
    assert here.open_cases() == {
        ("huge", "department-max_length"), ("nul", "last_name-pattern"), ("first", "start_date-range"),
        ("last", "start_date-range"),
    }  # fmt: skip
    assert len(case(here, "department-max_length")["found_masked"]) < 200
    assert here.accepted(column="department")["formula"] == ("=cmd|' /C calc'!A0", False)


def test_two_rules_of_one_name_keep_their_cases_apart(world: Make) -> None:
    rules = [{"rule": "sql", "sql": "level > 1"}, {"rule": "sql", "sql": "level > 2"}]
    here = world({"hris.worker": rules})
    here.observe(worker=[worker("1", level=0)])
    here.gate()
    assert here.open_cases() == {("1", "sql"), ("1", "sql-2")}
