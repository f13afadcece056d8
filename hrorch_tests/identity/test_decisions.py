"""Reviewers' verdicts bind later passes; merges, splits and links can be taken back; questions hold no values."""

from __future__ import annotations

import json

import pytest

from hrorch_pipelines.identity.decisions import RecordRef, decide, undo
from hrorch_pipelines.identity.errors import NotUndoable, UnknownRecord
from hrorch_tests.identity.world import PERSON, World

HRIS, PAYROLL, DIRECTORY = RecordRef("hris", "1"), RecordRef("payroll", "p1"), RecordRef("directory", "d1")


def _disputed(world: World) -> None:
    world.put(*HRIS, national_id="hash-a", **PERSON)
    world.put(*PAYROLL, national_id="hash-b", **PERSON)
    world.run()
    assert not world.together(HRIS, PAYROLL)


def _say(world: World, left: RecordRef, right: RecordRef, verdict: str) -> None:
    decide(world.con, left, right, verdict, "analyst", "looked at both", world.clock)  # type: ignore[arg-type]


def test_same_joins_closes_the_question_and_survives_full_reruns(world: World) -> None:
    _disputed(world)
    _say(world, PAYROLL, HRIS, "same")
    assert world.reviews() == []
    assert world.reviews(open_only=False)[0]["outcome"] == "same"
    assert world.run().merged == 1
    assert world.together(HRIS, PAYROLL)
    world.run(full=True)
    assert world.together(HRIS, PAYROLL)
    assert world.reviews() == []


def test_different_is_never_asked_again(world: World) -> None:
    _disputed(world)
    _say(world, HRIS, PAYROLL, "different")
    world.run()
    world.touch(*HRIS)
    world.run()
    world.run(full=True)
    assert not world.together(HRIS, PAYROLL)
    assert len(world.reviews(open_only=False)) == 1
    assert world.reviews() == []


def test_different_takes_a_linked_pair_apart_for_good(world: World) -> None:
    for record in (HRIS, PAYROLL):
        world.put(*record, employee_number="100", **PERSON)
    world.run()
    stays = world.person(*HRIS)
    _say(world, HRIS, PAYROLL, "different")
    assert world.run().split == 1
    assert world.person(*HRIS) == stays != world.person(*PAYROLL)
    world.run(full=True)
    assert not world.together(HRIS, PAYROLL)
    world.all_linked_once()


def test_latest_verdict_counts(world: World) -> None:
    _disputed(world)
    _say(world, HRIS, PAYROLL, "different")
    _say(world, HRIS, PAYROLL, "same")
    world.run()
    assert world.together(HRIS, PAYROLL)


def test_third_record_is_asked_about_when_it_fits_both_sides_of_a_different(world: World) -> None:
    for record in (HRIS, PAYROLL, DIRECTORY):
        world.put(*record, employee_number="100", **PERSON)
    world.run()
    _say(world, HRIS, PAYROLL, "different")
    world.run()
    assert not world.together(HRIS, PAYROLL)
    assert world.reviews() != []
    world.all_linked_once()


def test_merge_can_be_undone_and_stays_undone(world: World) -> None:
    world.put(*HRIS, employee_number="100", **PERSON)
    world.put(*DIRECTORY, work_email="r@x.example", legal_last_name="Black")
    world.run()
    before = {record: world.person(*record) for record in (HRIS, DIRECTORY)}
    world.put(*HRIS, employee_number="100", work_email="r@x.example", **PERSON)
    world.run()
    assert world.together(HRIS, DIRECTORY)
    [(event,)] = world.con.execute("SELECT event_id FROM identity.events WHERE kind = 'merged'").fetchall()
    undo(world.con, event, "analyst", "two persons after all", world.clock)
    assert {record: world.person(*record) for record in (HRIS, DIRECTORY)} == before
    world.run(full=True)
    assert {record: world.person(*record) for record in (HRIS, DIRECTORY)} == before
    world.all_linked_once()
    with pytest.raises(NotUndoable):
        undo(world.con, event, "analyst", "again", world.clock)


def test_split_can_be_undone_and_stays_undone(world: World) -> None:
    for record in (HRIS, PAYROLL):
        world.put(*record, employee_number="100", **PERSON)
    world.run()
    person = world.person(*HRIS)
    _say(world, HRIS, PAYROLL, "different")
    world.run()
    [(event,)] = world.con.execute("SELECT event_id FROM identity.events WHERE kind = 'split'").fetchall()
    undo(world.con, event, "analyst", "one person after all", world.clock)
    world.run(full=True)
    assert world.person(*HRIS) == world.person(*PAYROLL) == person


def test_link_can_be_undone_and_stays_undone(world: World) -> None:
    for record in (HRIS, PAYROLL):
        world.put(*record, employee_number="100", **PERSON)
    world.run()
    [(event,)] = world.con.execute("SELECT event_id FROM identity.events WHERE kind = 'linked'").fetchall()
    undo(world.con, event, "analyst", "not her", world.clock)
    world.run()
    assert not world.together(HRIS, PAYROLL)
    world.run(full=True)
    assert not world.together(HRIS, PAYROLL)
    world.all_linked_once()


def test_unknown_records_and_events_are_refused(world: World) -> None:
    world.put(*HRIS, **PERSON)
    world.run()
    with pytest.raises(UnknownRecord):
        _say(world, HRIS, PAYROLL, "same")
    with pytest.raises(NotUndoable):
        undo(world.con, "no-such-event", "analyst", "", world.clock)


def test_question_names_reviewer_deputy_why_and_action_once_per_pair(world: World) -> None:
    _disputed(world)
    world.touch(*PAYROLL)
    world.run()
    world.run(full=True)
    [review] = world.reviews(open_only=False)
    assert (review["reviewer"], review["deputy"]) == ("analyst", "lead")
    assert "national ids differ" in review["why"]
    assert "same" in review["action"]


def test_no_table_but_traits_holds_a_persons_value(world: World) -> None:
    canary = {
        "legal_first_name": "Zebulonia",
        "legal_last_name": "Quagmirelli",
        "date_of_birth": PERSON["date_of_birth"],
        "postcode": "60699",
    }
    world.put(*HRIS, national_id="hash-a", employee_number="77123", **canary)
    world.put(*PAYROLL, national_id="hash-b", employee_number="77999", **canary)
    world.put(*DIRECTORY, employee_number="77123", **{**canary, "legal_first_name": "Zebulon"})
    world.run()
    assert world.reviews() != []
    for table in ("links", "persons", "edges", "reviews", "events", "decisions", "models", "settings"):
        text = str(world.con.execute(f"SELECT * FROM identity.{table}").fetchall()).casefold()
        for value in ("zebulon", "quagmirelli", "1980-04-17", "60699", "hash-a", "hash-b", "77123", "77999"):
            assert value not in text, (table, value)
    for (evidence,) in world.con.execute("SELECT evidence FROM identity.edges").fetchall():
        assert set(json.loads(evidence).values()) <= {
            "exact",
            "close",
            "nickname",
            "similar",
            "swapped",
            "former",
            "differs",
            "missing",
        }
    leftovers = world.con.execute(
        "SELECT table_name FROM duckdb_tables() WHERE temporary AND starts_with(table_name, 'w_')"
    ).fetchall()
    assert leftovers == []
