"""What happens to people: marriage, rehire, a contract that becomes employment, twins, father and son, ids that change hands."""

from __future__ import annotations

from datetime import date

from hrorch_tests.identity.world import PERSON, World

ANNA = {
    "legal_first_name": "Anna",
    "legal_last_name": "Lindqvist",
    "date_of_birth": date(1990, 6, 2),
    "postcode": "60601",
}


def test_nickname_links_by_likelihood_when_all_else_agrees(world: World) -> None:
    world.put("hris", "1", **PERSON)
    world.put("payroll", "p1", **{**PERSON, "legal_first_name": "Bob"})
    world.run()
    assert world.together(("hris", "1"), ("payroll", "p1"))


def test_marriage_former_name_still_finds_the_person(world: World) -> None:
    world.put("hris", "1", **ANNA)
    world.run()
    world.put("hris", "1", **{**ANNA, "legal_last_name": "Okafor"})
    world.run()
    world.put("payroll", "p1", **ANNA)
    world.run()
    assert world.together(("hris", "1"), ("payroll", "p1"))


def test_marriage_does_not_take_a_linked_record_off_its_person(world: World) -> None:
    world.put("hris", "1", employee_number="7", **ANNA)
    world.put("payroll", "p1", employee_number="7", **ANNA)
    world.run()
    person = world.person("hris", "1")
    world.put("hris", "1", employee_number="7", **{**ANNA, "legal_last_name": "Okafor"})
    world.run()
    assert world.person("hris", "1") == world.person("payroll", "p1") == person
    assert world.reviews() == []


def test_twins_are_never_linked(world: World) -> None:
    world.put("hris", "1", **ANNA)
    world.put("hris", "2", **{**ANNA, "legal_first_name": "Erik"})
    world.put("payroll", "p2", **{**ANNA, "legal_first_name": "Erik"})
    world.run()
    assert not world.together(("hris", "1"), ("hris", "2"))
    assert not world.together(("hris", "1"), ("payroll", "p2"))
    assert world.together(("hris", "2"), ("payroll", "p2"))
    assert world.reviews() == []


def test_twin_alone_on_the_other_side_is_not_taken_for_the_sibling(world: World) -> None:
    world.put("hris", "1", **ANNA)
    world.put("payroll", "p2", **{**ANNA, "legal_first_name": "Erik"})
    world.run()
    assert not world.together(("hris", "1"), ("payroll", "p2"))


def test_twins_with_nearly_the_same_name_are_asked_not_linked(world: World) -> None:
    for number, name in (("1", "Jan"), ("2", "Jana")):
        world.put("hris", number, **{**ANNA, "legal_first_name": name})
    world.put("payroll", "p", **{**ANNA, "legal_first_name": "Jana"})
    world.run()
    assert not world.together(("hris", "1"), ("hris", "2"))
    assert not world.together(("hris", "1"), ("payroll", "p"))
    assert world.reviews() != []


def test_father_and_son_are_never_linked(world: World) -> None:
    son = {**PERSON, "date_of_birth": date(2005, 8, 30)}
    world.put("hris", "1", **PERSON)
    world.put("hris", "2", **son)
    world.put("payroll", "s", **son)
    world.run()
    assert world.together(("hris", "2"), ("payroll", "s"))
    assert not world.together(("hris", "1"), ("hris", "2"))


def test_different_national_ids_cap_a_likely_pair_at_review(world: World) -> None:
    world.put("hris", "1", national_id="hash-a", **PERSON)
    world.put("payroll", "p1", national_id="hash-b", **PERSON)
    world.run()
    assert not world.together(("hris", "1"), ("payroll", "p1"))
    assert world.asked() == {("probable", "hris", "1", "payroll", "p1")}


def test_different_employee_numbers_cap_a_likely_pair_at_review(world: World) -> None:
    world.put("hris", "1", employee_number="10001", **PERSON)
    world.put("payroll", "p1", employee_number="20777", **PERSON)
    world.run()
    assert not world.together(("hris", "1"), ("payroll", "p1"))
    assert world.asked() == {("probable", "hris", "1", "payroll", "p1")}


def test_day_and_month_exchanged_is_no_contradiction(world: World) -> None:
    world.put("hris", "1", **{**PERSON, "date_of_birth": date(1980, 4, 7)})
    world.put("payroll", "p1", **{**PERSON, "date_of_birth": date(1980, 7, 4)})
    world.run()
    assert world.together(("hris", "1"), ("payroll", "p1")) or world.asked() == {
        ("probable", "hris", "1", "payroll", "p1")
    }


def test_rehire_under_a_new_id_is_a_new_spell_of_the_same_person(world: World) -> None:
    world.put(
        "hris",
        "1",
        personal_email="r@home.example",
        employment_status="terminated",
        start_date=date(2019, 1, 1),
        end_date=date(2022, 5, 1),
        **PERSON,
    )
    world.run()
    person = world.person("hris", "1")
    world.put(
        "hris", "9", personal_email="r@home.example", employment_status="active", start_date=date(2026, 1, 12), **PERSON
    )
    world.run()
    assert world.person("hris", "9") == person
    assert world.reviews() == []


def test_contractor_becomes_employee(world: World) -> None:
    world.put("hris", "C-1", start_date=date(2023, 1, 1), end_date=date(2024, 6, 30), **PERSON)
    world.put("hris", "E-1", start_date=date(2024, 6, 30), **PERSON)
    world.run()
    assert world.together(("hris", "C-1"), ("hris", "E-1"))


def test_two_overlapping_spells_in_one_system_are_asked_as_a_duplicate(world: World) -> None:
    world.put("hris", "1", start_date=date(2023, 1, 1), employment_status="active", **PERSON)
    world.put("hris", "2", start_date=date(2024, 1, 1), employment_status="active", **PERSON)
    world.run()
    assert not world.together(("hris", "1"), ("hris", "2"))
    assert world.asked() == {("duplicate", "hris", "1", "hris", "2")}


def test_two_overlapping_records_are_not_both_linked_to_one_counterpart(world: World) -> None:
    world.put("hris", "1", employment_status="active", **PERSON)
    world.put("hris", "2", employment_status="active", **PERSON)
    world.put("payroll", "p1", **PERSON)
    world.run()
    assert len(world.partition()) == 3, "either could be the one: nobody tosses a coin"
    assert world.reviews() != []


def test_id_changed_by_its_system_keeps_the_person(world: World) -> None:
    world.put("hris", "old", employee_number="100", **PERSON)
    world.run()
    person = world.person("hris", "old")
    world.remove("hris", "old")
    world.put("hris", "new", employee_number="100", **PERSON)
    assert world.run().removed == 1
    assert world.person("hris", "new") == person
    world.all_linked_once()


def test_record_that_leaves_keeps_its_person_and_finds_it_again(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.run()
    person = world.person("hris", "1")
    world.remove("hris", "1")
    world.run()
    assert world.con.execute("SELECT count(*) FROM identity.links").fetchall() == [(0,)]
    assert world.con.execute("SELECT person_id FROM identity.persons").fetchall() == [(person,)]
    world.put("hris", "1", employee_number="100", **PERSON)
    world.run()
    assert world.person("hris", "1") == person


def test_id_reused_for_somebody_else_splits_and_is_asked_about(world: World) -> None:
    world.put("hris", "1", employee_number="100", **PERSON)
    world.put("payroll", "p1", employee_number="100", **PERSON)
    world.run()
    person = world.person("payroll", "p1")
    world.put("hris", "1", employee_number="555", **ANNA)
    result = world.run()
    assert result.split == 1
    assert world.person("payroll", "p1") == person
    assert world.person("hris", "1") != person
    assert world.asked() == {("id_reused", "hris", "1", "hris", "1")}
    assert world.con.execute("SELECT kind, person_id FROM identity.events WHERE kind = 'split'").fetchall() == [
        ("split", person)
    ]
    world.run(full=True)
    assert world.asked() == {("id_reused", "hris", "1", "hris", "1")}, "the question stays until somebody answers"


def test_id_reused_after_an_absence_gets_a_person_never_used_before(world: World) -> None:
    world.put("hris", "1", **PERSON)
    world.run()
    first = world.person("hris", "1")
    world.remove("hris", "1")
    world.run()
    world.put("hris", "1", **ANNA)
    world.run()
    assert world.person("hris", "1") != first


def test_whole_name_changed_with_nothing_else_to_compare_is_asked_not_split(world: World) -> None:
    world.put("directory", "d1", legal_first_name="Robert", legal_last_name="Black")
    world.run()
    person = world.person("directory", "d1")
    world.put("directory", "d1", legal_first_name="Ingrid", legal_last_name="Svensson")
    world.run()
    assert world.person("directory", "d1") == person
    assert world.asked() == {("id_reused", "directory", "d1", "directory", "d1")}


def test_one_id_on_two_differing_rows_is_asked_about(world: World) -> None:
    world.put("hris", "1", **PERSON)
    world.add_row("hris", "1", occurrence=2, **ANNA)
    world.run()
    assert world.asked() == {("duplicate_id", "hris", "1", "hris", "1")}
    world.all_linked_once()
