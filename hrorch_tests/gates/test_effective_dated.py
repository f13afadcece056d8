"""Rows of an effective-dated table: the unit is the row, and a row that waits must not lengthen the one before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from hrorch_tests.gates.observing import World, worker

Make = Callable[..., World]
LIVING = {"hris.pay": [{"rule": "range", "attribute": "pay_amount", "min": "15000"}]}


def pay(key: str, person: str | None, start: date | None, amount: int, number: int | None = None) -> dict[str, Any]:
    return {"source_id": key, "parent_id": person, "effective_from": start, "pay_amount": amount, "sequence": number}


def test_the_row_before_a_quarantined_one_is_held(world: Make) -> None:
    here = world(LIVING, children=("pay",))
    rows = [pay("a", "1", date(2020, 1, 1), 50_000), pay("b", "1", date(2022, 1, 1), 52_000)]
    here.observe(worker=[worker("1")], pay=rows)
    here.gate()
    here.observe(worker=[worker("1")], pay=[*rows, pay("c", "1", date(2024, 1, 1), 540)])
    result = here.gate()
    assert (result.records["pay"].input, result.records["pay"].passed, result.records["pay"].quarantined) == (3, 2, 1)
    held = {key: held for key, (_, held) in here.accepted("hris.pay").items()}
    assert held == {"a@2020-01-01": False, "b@2022-01-01": True}
    assert here.all("SELECT record_key, parent_id FROM gates.quarantine") == [("c@2024-01-01", "1")]
    here.observe(worker=[worker("1")], pay=[*rows, pay("c", "1", date(2024, 1, 1), 54_000)])
    here.gate()
    assert {held for _, held in here.accepted("hris.pay").values()} == {False}
    assert len(here.accepted("hris.pay")) == 3


def test_an_old_bad_row_does_not_hold_the_current_one(world: Make) -> None:
    here = world(LIVING, children=("pay",))
    here.observe(
        worker=[worker("1")], pay=[pay("a", "1", date(2015, 1, 1), 0), pay("b", "1", date(2022, 1, 1), 52_000)]
    )
    here.gate()
    assert {key: held for key, (_, held) in here.accepted("hris.pay").items()} == {"b@2022-01-01": False}


def test_two_rows_of_one_day_that_differ_and_have_no_order_are_ambiguous(world: Make) -> None:
    here = world(children=("pay",))
    day = date(2024, 1, 1)
    here.observe(
        worker=[worker("1")], pay=[pay("a", "1", day, 50_000), pay("b", "1", day, 60_000), pay("c", "2", day, 1)]
    )
    here.gate()
    assert here.open_cases("pay") == {
        ("a@2024-01-01", "ambiguous-effective-date"), ("b@2024-01-01", "ambiguous-effective-date"),
    }  # fmt: skip
    assert set(here.accepted("hris.pay")) == {"c@2024-01-01"}


def test_a_sequence_decides_between_rows_of_one_day(world: Make) -> None:
    here = world(children=("pay",))
    day = date(2024, 1, 1)
    rows = [pay("a", "1", day, 50_000, 1), pay("a", "1", day, 60_000, 2)]
    here.observe(worker=[worker("1")], pay=rows)
    here.gate()
    assert here.open_cases("pay") == set()
    both = 'SELECT sequence, pay_amount::INT FROM accepted."hris.pay" ORDER BY 1'
    assert here.all(both) == [(1, 50_000), (2, 60_000)]
    here.observe(worker=[worker("1")], pay=[rows[0], pay("a", "1", day, 65_000, 2)])
    here.gate()
    assert here.all(both) == [(1, 50_000), (2, 65_000)]


def test_rows_that_say_the_same_are_not_ambiguous(world: Make) -> None:
    here = world(children=("pay",))
    day = date(2024, 1, 1)
    here.observe(worker=[worker("1")], pay=[pay("a", "1", day, 50_000), pay("b", "1", day, 50_000)])
    here.gate()
    assert len(here.accepted("hris.pay")) == 2


def test_a_row_without_its_day_or_its_person_waits(world: Make) -> None:
    here = world(children=("pay",))
    here.observe(worker=[worker("1")], pay=[pay("a", "1", None, 50_000), pay("b", None, date(2024, 1, 1), 50_000)])
    result = here.gate()
    assert result.records["pay"].quarantined == 2
    rules = here.all("SELECT source_id, rule_id FROM gates.quarantine WHERE record = 'pay' ORDER BY ALL")
    assert rows_of(rules, "a") >= {"missing-effective-date"}
    assert rows_of(rules, "b") == {"missing-parent"}


def rows_of(rules: list[tuple[Any, ...]], key: str) -> set[str]:
    return {rule for source_id, rule in rules if source_id == key}


def test_a_unique_value_may_recur_in_the_rows_of_one_person(world: Make) -> None:
    here = world({"hris.pay": [{"rule": "unique", "attribute": "pay_amount"}]}, children=("pay",))
    rows = [pay("a", "1", date(2020, 1, 1), 5), pay("b", "1", date(2021, 1, 1), 5), pay("c", "2", date(2021, 1, 1), 6)]
    here.observe(worker=[worker("1")], pay=rows)
    here.gate()
    assert len(here.accepted("hris.pay")) == 3
    here.observe(worker=[worker("1")], pay=[*rows[:2], pay("c", "2", date(2021, 1, 1), 5)])
    here.gate()
    assert len(here.open_cases("pay")) == 3


def test_a_row_that_fails_through_another_person_still_holds_the_row_before_it(world: Make) -> None:
    here = world({"hris.pay": [{"rule": "unique", "attribute": "pay_amount"}]}, children=("pay",))
    rows = [pay("a", "1", date(2020, 1, 1), 5), pay("b", "1", date(2021, 1, 1), 6)]
    here.observe(worker=[worker("1")], pay=rows)
    here.gate()
    here.observe(worker=[worker("1")], pay=[*rows, pay("c", "2", date(2021, 1, 1), 6)])
    here.gate()
    assert {key: held for key, (_, held) in here.accepted("hris.pay").items()} == {
        "a@2020-01-01": True, "b@2021-01-01": True,
    }  # fmt: skip
    here.observe(worker=[worker("1")], pay=[*rows, pay("c", "2", date(2021, 1, 1), 7)])
    here.gate()
    assert {held for _, held in here.accepted("hris.pay").values()} == {False}
