"""Deterministic keys: what links, what is asked about, what is left alone."""

from __future__ import annotations

from datetime import date

import pytest

from hrorch_tests.identity.world import PERSON, World, make_stack


def test_strongest_key_links_and_everyone_has_one_link(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put("payroll", "p1", employee_number="100", legal_last_name="BLÁCK")
    world.put("directory", "d1", work_email="x@y.example")
    result = world.run()
    assert world.partition() == {frozenset({("hris", "1"), ("payroll", "p1")}), frozenset({("directory", "d1")})}
    assert (result.new_persons, result.linked, result.reviews_opened) == (2, 1, 0)
    world.all_linked_once()


def test_bridging_record_joins_two_persons_that_fit(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put("directory", "d1", work_email="Rob@Corp.example", legal_last_name="Black")
    world.run()
    first = world.person("hris", "1")
    world.put("payroll", "p1", employee_number="100", work_email="rob@corp.example", legal_last_name="Black")
    assert world.run().merged == 1
    assert world.together(("hris", "1"), ("payroll", "p1"), ("directory", "d1"))
    survivors = {first, world.person("hris", "1")}
    merged = world.con.execute(
        "SELECT person_id, merged_into FROM identity.persons WHERE merged_into IS NOT NULL"
    ).fetchall()
    assert len(merged) == 1
    assert merged[0][1] in survivors


def test_key_with_contradicting_confirmation_is_asked_not_linked(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put(
        "payroll",
        "p1",
        employee_number="100",
        legal_first_name="Ingrid",
        legal_last_name="Svensson",
        date_of_birth=date(1991, 1, 5),
    )
    world.run()
    assert not world.together(("hris", "1"), ("payroll", "p1"))
    assert world.asked() == {("unconfirmed_key", "hris", "1", "payroll", "p1")}


@pytest.mark.parametrize(
    ("first", "last"),
    [("Bob", "Whiteley"), ("Rboert", "Whiteley"), ("Róbert", "Whiteley"), ("Xavier", "Blakc"), ("Black", "Robert")],
    ids=["nickname", "transposed letters", "accent", "last name typo", "names exchanged"],
)
def test_nicknames_typos_and_exchanged_names_confirm_a_key(world: World, first: str, last: str) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put("payroll", "p1", employee_number="100", legal_first_name=first, legal_last_name=last)
    world.run()
    assert world.together(("hris", "1"), ("payroll", "p1"))


def test_value_shared_by_two_records_of_one_system_is_no_key(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put("hris", "2", employee_number="100", **PERSON)
    world.put("payroll", "p1", employee_number="100", legal_first_name="Robert", legal_last_name="Black")
    world.run()
    assert len(world.partition()) == 3
    assert {kind for kind, *_ in world.asked()} == {"shared_key"}
    assert len(world.reviews()) == 3


def test_shared_value_becomes_a_key_again_when_the_second_holder_is_corrected(world: World) -> None:
    test_value_shared_by_two_records_of_one_system_is_no_key(world)
    world.put(
        "hris", "2", employee_number="101", **{**PERSON, "legal_first_name": "Carla", "date_of_birth": date(1999, 9, 9)}
    )
    result = world.run()
    assert world.together(("hris", "1"), ("payroll", "p1"))
    assert result.reviews_closed == 3
    assert world.reviews() == []


def test_keys_that_lead_to_two_persons_of_one_system_are_a_conflict(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put(
        "hris",
        "2",
        employee_number="200",
        work_email="c@corp.example",
        legal_first_name="Carla",
        legal_last_name="Black",
    )
    world.run()
    world.put(
        "payroll",
        "p1",
        employee_number="100",
        work_email="c@corp.example",
        legal_first_name="Robert",
        legal_last_name="Black",
    )
    world.run()
    assert world.together(("hris", "1"), ("payroll", "p1")), "the stronger, confirmed key stands"
    assert not world.together(("hris", "1"), ("hris", "2"))


def test_keys_that_cannot_be_told_apart_by_strength_are_asked(world: World) -> None:
    world.put("hris", "1", personal_email="home@x.example", **PERSON)
    world.put(
        "payroll",
        "p1",
        employee_number="100",
        personal_email="home@x.example",
        legal_last_name="Black",
        legal_first_name="Robert",
    )
    world.put(
        "payroll",
        "p2",
        employee_number="200",
        work_email="w@x.example",
        legal_last_name="Black",
        legal_first_name="Robert",
    )
    world.put(
        "directory",
        "d1",
        personal_email="home@x.example",
        legal_last_name="Black",
        legal_first_name="Robert",
        work_email="w@x.example",
    )
    world.run()
    assert not world.together(("payroll", "p1"), ("payroll", "p2"))
    assert "conflict" in {kind for kind, *_ in world.asked()}


def test_row_slip_of_a_weaker_key_asks_nobody_when_two_systems_keep_the_persons_apart(world: World) -> None:
    ann = {"legal_first_name": "Ann", "legal_last_name": "Ek", "date_of_birth": date(1970, 2, 3)}
    for number, who in (("100", dict(PERSON)), ("200", ann)):
        world.put("hris", number, employee_number=number, work_email=f"w{number}@x.example", **who)
    world.put("payroll", "100", employee_number="100", work_email="w200@x.example", **PERSON)
    world.put("payroll", "200", employee_number="200", work_email="w200@x.example", **ann)
    world.run()
    assert world.partition() == {frozenset({("hris", n), ("payroll", n)}) for n in ("100", "200")}
    assert world.reviews() == []


def test_family_mailbox_never_links_father_and_son_of_one_name(world: World) -> None:
    world.put("hris", "1", personal_email="family@x.example", **PERSON)
    world.put("payroll", "p1", personal_email="family@x.example", **{**PERSON, "date_of_birth": date(2004, 11, 30)})
    world.run()
    assert not world.together(("hris", "1"), ("payroll", "p1"))


def test_number_outweighs_one_mistyped_birth_date(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put("payroll", "p1", employee_number="100", **{**PERSON, "date_of_birth": date(1963, 12, 1)})
    world.run()
    assert world.together(("hris", "1"), ("payroll", "p1"))


def test_placeholder_shared_by_many_is_counted_and_asked_about_once() -> None:
    world = World(make_stack(keys=[{"attributes": ["phone"]}], probabilistic=None))
    for number in range(40):
        world.put("hris", f"{number:03}", phone="+10000000000", legal_last_name=f"Person{number}")
    result = world.run()
    assert result.keys_skipped == 1
    assert len(world.partition()) == 40
    assert [kind for kind, *_ in world.asked()] == ["shared_key"]


def test_full_run_on_the_same_warehouse_keeps_everything(world: World) -> None:
    test_keys_that_cannot_be_told_apart_by_strength_are_asked(world)
    before = world.con.execute(
        "SELECT system, source_id, person_id, method, edge_id, since FROM identity.links ORDER BY ALL"
    ).fetchall()
    asked = world.asked()
    result = world.run(full=True)
    assert (
        world.con.execute(
            "SELECT system, source_id, person_id, method, edge_id, since FROM identity.links ORDER BY ALL"
        ).fetchall()
        == before
    )
    assert world.asked() == asked
    assert (result.new_persons, result.linked, result.merged, result.reviews_opened, result.reviews_closed) == (
        0,
        0,
        0,
        0,
        0,
    )


def test_person_ids_are_the_same_in_a_rebuilt_warehouse_with_the_same_salt() -> None:
    ids = []
    for _ in range(2):
        world = World(make_stack())
        world.put("hris", "1", employee_number="100", **PERSON)
        world.run()
        ids.append(world.person("hris", "1"))
    assert ids[0] == ids[1]


def test_touched_persons_are_those_of_touched_records_and_of_both_sides_of_a_merge(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put("hris", "2", employee_number="200", legal_last_name="Ek")
    world.run()
    world.touch("hris", "2")
    world.run()
    touched = world.con.execute("SELECT person_id FROM cycles.touched_persons WHERE cycle_id = 'c0002'").fetchall()
    assert touched == [(world.person("hris", "2"),)]
