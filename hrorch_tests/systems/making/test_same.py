"""Who is taken for the same: keys decide, what confirms them may deny, and doubt is told apart from absence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.same import Likeness, Namesakes, rows_say
from hrorch_pipelines.systems.writing.remap import Mapped
from hrorch_tests.systems_writing.small_stack import small_stack

TYPES = {
    "employee_number": "identifier", "personal_email": "email", "legal_first_name": "name", "legal_last_name": "name",
    "date_of_birth": "date", "pay_amount": "pay",
}  # fmt: skip
KEYS = [
    {"attributes": ["employee_number"], "confirm": ["legal_last_name", "date_of_birth", "legal_first_name"]},
    {"attributes": ["personal_email"], "confirm": ["legal_last_name", "legal_first_name", "date_of_birth"]},
]
ANA = {
    "personal_email": "ana@home.example", "legal_first_name": "Ana", "legal_last_name": "Ruiz", "date_of_birth": "1990-03-17",
}  # fmt: skip


@pytest.fixture(scope="module")
def stack() -> Stack:
    record = {"read": {"path": "/people"}, "key": "id", "fields": {name: name for name in TYPES}}
    made = small_stack({"connector": "rest", "base_url": "http://x.example"}, {"person": record}, TYPES, Path())
    matching = made.matching.model_copy(update={"keys": type(made.matching).model_validate({"keys": KEYS}).keys})
    return made.model_copy(update={"matching": matching})


def row(source_id: str, hidden: tuple[str, ...] = (), *, deleted: bool = False, **values: str | None) -> Mapped:
    told = {name: value for name, value in (dict.fromkeys(TYPES) | values).items() if name not in hidden}
    return Mapped(0, source_id, None, None, None, None, None, None, None, deleted, frozenset(hidden), frozenset(), told)


def state(stack: Any, wanted: dict[str, Any], *rows: Mapped) -> tuple[str, str | None]:
    people = Namesakes(stack, "s", "person")
    people.put(rows)
    seen = people.look(wanted)
    assert (seen.why is not None) == (seen.state == "unclear")
    return seen.state, seen.source_id


def test_the_same_key_and_nothing_against_it_is_the_same_person(stack: Any) -> None:
    typed = {**ANA, "personal_email": " ANA@home.example", "legal_first_name": "ANÁ"}
    assert state(stack, ANA, row("1", **typed), row("2", legal_last_name="Ruiz")) == ("there", "1")
    assert state(stack, ANA, row("1", personal_email="ana@home.example")) == ("there", "1")


@pytest.mark.parametrize(
    "other",
    [
        {"legal_first_name": "Bea"},  # twins who share a mailbox
        {"date_of_birth": "1961-01-02"},  # a father who has the same name, and the family's mailbox
        {"legal_last_name": "Lopez", "legal_first_name": "Tom"},  # a mailbox that went to somebody else
    ],
)
def test_a_key_that_is_contradicted_is_neither_the_same_nor_absent(stack: Any, other: dict[str, str]) -> None:
    assert state(stack, ANA, row("1", **{**ANA, **other}))[0] == "unclear"


def test_a_number_of_somebody_else_contradicts_a_shared_mailbox(stack: Any) -> None:
    wanted = {**ANA, "employee_number": "000417"}
    assert state(stack, wanted, row("1", **ANA, employee_number="000418"))[0] == "unclear"
    assert state(stack, wanted, row("1", **ANA)) == ("there", "1")


def test_two_who_carry_the_key_are_a_question(stack: Any) -> None:
    assert state(stack, ANA, row("1", **ANA), row("2", **ANA))[0] == "unclear"
    wanted = {**ANA, "employee_number": "000417"}
    by_number = row("1", employee_number="000417", legal_last_name="Ruiz")
    by_mail = row("2", personal_email="ana@home.example", legal_last_name="Ruiz")
    assert state(stack, wanted, by_number, by_mail)[0] == "unclear"


def test_a_namesake_with_keys_of_their_own_is_somebody_else(stack: Any) -> None:
    father = {**ANA, "personal_email": "old@home.example", "date_of_birth": "1961-01-02"}
    assert state(stack, ANA, row("1", **father)) == ("absent", None)
    assert state(stack, ANA, row("1", legal_last_name="Ruiz", personal_email="x@home.example")) == ("absent", None)


def test_a_record_without_the_key_whose_names_agree_may_be_the_one(stack: Any) -> None:
    """Entered by hand, without the private address: nobody may make another one beside it unasked."""
    assert state(stack, ANA, row("1", legal_first_name="Ana", legal_last_name="Ruiz"))[0] == "unclear"
    assert state(stack, ANA, row("1", legal_first_name="Bea", legal_last_name="Ruiz")) == ("absent", None)
    assert state(stack, ANA, row("1", **{**ANA, "personal_email": "typo@home.example"}))[0] == "unclear"


def test_what_is_withheld_is_not_taken_for_different(stack: Any) -> None:
    hidden = ("personal_email", "date_of_birth")
    assert state(stack, ANA, row("1", hidden, legal_last_name="Ruiz"))[0] == "unclear"
    assert state(stack, ANA, row("1", hidden, legal_last_name="Berg", legal_first_name="Tom")) == ("absent", None)


def test_what_is_deleted_is_not_there(stack: Any) -> None:
    assert state(stack, ANA, row("1", deleted=True, **ANA)) == ("absent", None)


def test_without_a_key_nothing_can_be_said(stack: Any) -> None:
    assert state(stack, {**ANA, "personal_email": None})[0] == "unclear"


def test_a_record_seen_again_replaces_what_was_known_of_it(stack: Any) -> None:
    people = Namesakes(stack, "s", "person")
    people.put([row("1", **ANA)])
    people.put([row("1", personal_email="new@home.example", legal_last_name="Berg")])
    assert people.look(ANA).state == "absent"
    people.put([row("1", **ANA)])
    people.drop("1")
    assert people.look(ANA).state == "absent"


VALUES = st.fixed_dictionaries(
    {
        "personal_email": st.sampled_from([None, "a@x.example", "b@x.example"]),
        "employee_number": st.sampled_from([None, "1", "2"]),
        "legal_first_name": st.sampled_from([None, "Ana", "Bea"]),
        "legal_last_name": st.sampled_from([None, "Ruiz", "Berg"]),
        "date_of_birth": st.sampled_from([None, "1990-03-17", "1961-01-02"]),
    }
)


@given(wanted=VALUES, held=st.lists(st.tuples(VALUES, st.sets(st.sampled_from(list(TYPES)))), max_size=4))
def test_nobody_is_taken_for_the_same_against_the_evidence(stack: Any, wanted: Any, held: Any) -> None:
    """By comparing everybody with everybody, the long way: what the index answers is what the rules say."""
    people = Namesakes(stack, "s", "person")
    rows = [row(str(n), tuple(hidden), **values) for n, (values, hidden) in enumerate(held)]
    people.put(rows)
    seen = people.look(wanted)
    agreeing = {
        one.source_id
        for one in rows
        for key in KEYS
        if all(wanted[name] is not None and one.values.get(name) == wanted[name] for name in key["attributes"])
    }
    if seen.state == "there":
        assert agreeing == {seen.source_id}
        one = rows[int(str(seen.source_id))]
        assert not [name for name in ("legal_first_name", "legal_last_name", "date_of_birth")
                    if None not in (wanted[name], one.values.get(name)) and wanted[name] != one.values[name]]  # fmt: skip
    if seen.state == "absent":
        assert not agreeing
        assert wanted["personal_email"] or wanted["employee_number"]
    if any(people.usable(wanted)):
        levels = [people.likeness(wanted, str(one.source_id)) for one in rows]
        quiet = all(level is Likeness.OTHER for level in levels)
        assert (seen.state == "absent") == quiet


def test_rows_of_one_day(stack: Any) -> None:
    wanted = {"pay_amount": "52000"}
    assert rows_say(stack, "pay", wanted, [], dated=True).state == "absent"
    assert rows_say(stack, "pay", wanted, [row("1", pay_amount="52000.0000")], dated=True).source_id == "1"
    assert rows_say(stack, "pay", wanted, [row("1", pay_amount="53000")], dated=True).state == "unclear"
    assert rows_say(stack, "pay", wanted, [row("1", ("pay_amount",))], dated=True).state == "unclear"
    assert rows_say(stack, "pay", {}, [row("7")], dated=False).source_id == "7"
