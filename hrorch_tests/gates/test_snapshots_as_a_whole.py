"""Expectations on a whole snapshot: judged by Great Expectations on a profile in which no person's value is left."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.gates.drift import CATEGORIES, FLOOR, stability_index
from hrorch_pipelines.gates.results import Kind, Verdict
from hrorch_pipelines.gates.scope import RecordType, Snapshot, find_snapshot
from hrorch_tests.drawing import drawn
from hrorch_tests.gates.observing import World, worker

Make = Callable[..., World]
FILLED = {"expect": "completeness", "attribute": "last_name", "at_least": "80%", "route": "lead", "action": "Ask"}


def verdict(result: Any, name: str) -> Verdict:
    (found,) = [item for item in result.expectations if item.expectation == name]
    return found


def test_no_rows_are_refused_without_anyone_asking_for_it(world: Make) -> None:
    here = world()
    here.observe(worker=[worker("1")])
    here.gate()
    here.observe(worker=[])
    result = here.gate()
    assert (result.suite_passed, verdict(result, "volume").observed) == (False, 0)
    assert set(here.accepted()) == {"1"}


def test_a_refused_snapshot_changes_nothing_accepted_and_the_next_good_one_brings_all_of_it(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    people = [worker(str(n), department="IT") for n in range(10)]
    here.observe(worker=people)
    here.gate()
    accepted = here.accepted()
    torn = [{**row, "department": "HR", "last_name": None} for row in people[:3]] + people[3:8] + [worker("new")]
    here.observe(worker=torn)
    refused = here.gate()
    assert not refused.suite_passed
    assert verdict(refused, "last_name-completeness").observed == pytest.approx(6 / 9)
    assert here.accepted() == accepted
    assert here.all("SELECT rule_id, reviewer, action, found_masked FROM gates.quarantine WHERE closed_at IS NULL") == [
        ("last_name-completeness", "lead", "Ask", "0.666667")
    ]
    here.observe(worker=[{**row, "last_name": "Ng"} for row in torn])
    good = here.gate()
    assert good.suite_passed
    departments = {key: value for key, (value, _) in here.accepted(column="department").items()}
    assert departments == {**{str(n): "HR" for n in range(3)}, **{str(n): "IT" for n in range(3, 8)}, "new": None}
    assert here.open_cases() == set()
    # Changed between the refused one and the one before, unchanged since: judged all the same.
    here.observe(worker=[{**row, "last_name": "Ng"} for row in torn])
    assert here.gate().records["worker"].unchanged == 9


def test_what_changed_in_a_refused_snapshot_only_is_not_forgotten(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    here.observe(worker=[worker("1"), worker("2"), worker("gone")])
    here.gate()
    changed = [worker("1", department="HR"), worker("2", last_name=None)]
    here.observe(worker=changed)
    assert not here.gate().suite_passed
    here.observe(worker=[changed[0], worker("2")])
    here.gate()
    assert {key: value for key, (value, _) in here.accepted(column="department").items()} == {"1": "HR", "2": None}
    touched = {row[0] for row in here.all("SELECT source_id FROM cycles.touched_records WHERE record = 'worker'")}
    assert touched >= {"1", "2", "gone"}


def test_a_failed_warning_is_told_and_stops_nothing(world: Make) -> None:
    here = world({"hris.worker": [{**FILLED, "severity": "warning"}]})
    here.observe(worker=[worker("1", last_name=None)])
    result = here.gate()
    assert result.suite_passed
    assert verdict(result, "last_name-completeness").kind is Kind.BAD_DATA
    assert here.all("SELECT severity FROM gates.quarantine WHERE rule_id = 'last_name-completeness'") == [("warning",)]
    assert set(here.accepted()) == {"1"}


def test_withheld_cells_do_not_count_as_empty(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    here.observe(worker=[worker("1"), worker("2", last_name=None, hidden=["last_name"])])
    assert verdict(here.gate(), "last_name-completeness").observed == 1.0


def test_volume_has_an_upper_limit_too(world: Make) -> None:
    here = world({"hris.worker": [{"expect": "volume", "min_rows": 1, "max_rows": 2}]})
    here.observe(worker=[worker("1"), worker("2"), worker("3")])
    result = here.gate()
    assert not verdict(result, "volume").passed
    assert verdict(result, "volume").limit_text == "at least 1 and at most 2"


def test_a_child_may_be_empty_until_it_was_not(world: Make) -> None:
    here = world(children=("bank",))
    here.observe(worker=[worker("1")])
    assert here.gate().suite_passed
    here.observe(worker=[worker("1")], bank=[{"source_id": "b", "parent_id": "1", "account": "DE1"}])
    assert here.gate().suite_passed
    here.observe(worker=[worker("1")])
    assert not here.gate().suite_passed


def test_the_share_of_distinct_values_is_judged(world: Make) -> None:
    here = world({"hris.worker": [{"expect": "unique", "attribute": "department", "at_least": "60%"}]})
    here.observe(worker=[worker("1", department="a"), worker("2", department="a"), worker("3")])
    result = here.gate()
    assert verdict(result, "department-unique").observed == 0.5
    assert not result.suite_passed


@pytest.mark.parametrize(("target", "share"), [("hris.employee_number", 0.5), ("hris.source_id", 0.25)])
def test_references_within_a_snapshot_are_looked_up_in_it(world: Make, target: str, share: float) -> None:
    here = world(
        {"hris.worker": [{"expect": "refers_to", "attribute": "manager", "refers_to": target, "at_least": "40%"}]}
    )
    managers = ["E1", "E2", "3", "nobody", None]
    here.observe(worker=[worker(str(n), manager=manager) for n, manager in enumerate(managers, 1)])
    result = here.gate()
    assert verdict(result, "manager-refers_to").observed == share
    assert result.suite_passed == (share >= 0.4)


def test_references_to_another_system_count_once_that_system_was_seen(world: Make) -> None:
    here = world(
        {"hris.worker": [{"expect": "refers_to", "attribute": "manager", "refers_to": "payroll.employee_number"}]}
    )
    rows = [worker("1", manager="P1"), worker("2", manager="P2")]
    here.observe(worker=rows)
    first = here.gate()
    assert (verdict(first, "manager-refers_to").kind, first.suite_passed) == (Kind.NOT_JUDGED, True)
    here.observe("payroll", worker=[{"source_id": "x", "employee_number": "P1"}])
    here.observe(worker=rows)
    results = {result.system: result for result in here.gates()}
    assert verdict(results["hris"], "manager-refers_to").observed == 0.5
    assert not results["hris"].suite_passed
    assert results["payroll"].suite_passed


def test_an_expectation_that_cannot_be_evaluated_is_a_gate_error(world: Make) -> None:
    here = world({"hris.worker": [{"expect": "completeness", "attribute": "pay_amount", "at_least": "1%"}]})
    here.observe(worker=[worker("1")])
    result = here.gate()
    assert verdict(result, "pay_amount-completeness").kind is Kind.GATE_ERROR
    assert [error.code for error in result.gate_errors] == ["expectation_crashed"]
    assert not result.suite_passed
    assert here.all("SELECT kind FROM gates.quarantine") == [("gate_error",)]
    assert here.accepted() == {}


def test_drift_is_measured_against_the_last_snapshot_that_passed(world: Make) -> None:
    here = world({"hris.worker": [{"expect": "drift", "attribute": "department", "at_most": 0.25}]})
    old = [worker(str(n), department="IT" if n < 50 else "HR") for n in range(100)]
    new = [worker(str(n), department="IT" if n < 95 else "HR") for n in range(100)]
    here.observe(worker=old)
    assert verdict(here.gate(), "department-drift").kind is Kind.NOT_JUDGED
    for _ in range(2):  # the refused one does not become the measure of the next
        here.observe(worker=new)
        result = here.gate()
        expected = (0.95 - 0.5) * math.log(0.95 / 0.5) + (0.05 - 0.5) * math.log(0.05 / 0.5)
        assert verdict(result, "department-drift").observed == pytest.approx(expected)
        assert not result.suite_passed


CELL = {
    "department": st.one_of(st.none(), st.sampled_from(["IT", "HR", "", "empty", "other"]), st.text(max_size=2)),
    "level": st.one_of(st.none(), st.integers(-5, 30)),
    "start_date": st.one_of(st.none(), st.integers(0, 40).map(lambda days: date(2020, 1, 1) + timedelta(days))),
}


@settings(max_examples=drawn(15), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), name=st.sampled_from(sorted(CELL)))
def test_the_stability_index_equals_one_computed_by_hand(world: Make, data: Any, name: str) -> None:
    sides = [data.draw(st.lists(CELL[name], max_size=70)) for _ in range(2)]
    here = world()
    ids = [
        here.observe(worker=[worker(f"{side}-{n}", **{name: value}) for n, value in enumerate(values)])
        for side, values in enumerate(sides)
    ]
    before, now = (find_snapshot(here.con, "hris", snapshot_id) for snapshot_id in ids)
    assert isinstance(before, Snapshot)
    assert isinstance(now, Snapshot)
    found = stability_index(here.con, RecordType(here.stack, "hris", "worker"), before, now, name)
    here.con.close()
    expected = _index_by_hand(*sides)
    assert found == (None if expected is None else pytest.approx(expected))


def _index_by_hand(then: list[Any], now: list[Any]) -> float | None:
    if not then or not now:
        return None
    known = [value for value in then if value is not None]
    place: Callable[[Any], Any]
    if all(isinstance(value, str) for value in [*known, *(value for value in now if value is not None)]):
        counts = Counter(known)
        frequent = set(sorted(counts, key=lambda value: (-counts[value], value.encode()))[:CATEGORIES])
        place = lambda value: ("value", value) if value in frequent else "other"  # noqa: E731
    else:
        ranked, size, extra, edges, start = sorted(known), len(known) // 10, len(known) % 10, set(), 0
        for tenth in range(10):
            end = start + size + (tenth < extra)
            edges |= {ranked[end - 1]} if end > start else set()
            start = end
        place = lambda value: sum(edge < value for edge in edges)  # noqa: E731
    first, second = (Counter("empty" if value is None else place(value) for value in values) for values in (then, now))
    total = 0.0
    for category in {*first, *second}:
        p, q = max(first[category] / len(then), FLOOR), max(second[category] / len(now), FLOOR)
        total += (q - p) * math.log(q / p)
    return total


def test_data_docs_name_the_suites_and_hold_no_value(world: Make) -> None:
    here = world({"hris.worker": [FILLED, {"expect": "drift", "attribute": "department"}]})
    for salt in ("", "x"):
        people = [
            worker(f"key-canary{n}", last_name=f"Canary{salt}", email="canary@corp.example", bonus=48123, department=f"canary{n}")
            for n in range(3)
        ]  # fmt: skip
        here.observe(worker=people)
        here.gate(data_docs=True)
    pages = list((here.home.data_docs / "hris").rglob("*.html"))
    assert here.home.data_docs / "hris" / "index.html" in pages
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert "hris.worker" in text
    assert "last_name filled" in text
    for path in here.home.root.rglob("*"):
        assert "canary" not in path.name.lower()
        if path.is_file():
            assert not any(secret in path.read_bytes().lower() for secret in (b"canary", b"48123"))
    assert len([page for page in pages if "validations" in page.parts]) == 1


def test_profiles_are_kept_and_hold_figures_only(world: Make) -> None:
    here = world()
    here.observe(worker=[worker("1"), worker("2")])
    here.gate()
    here.observe(worker=[worker("1"), worker("2"), worker("3")])
    here.gate()
    rows = here.all("SELECT value FROM gates.profiles WHERE measure = 'change of rows' ORDER BY snapshot_id")
    assert rows == [(None,), (0.5,)]
    assert Path(here.home.data_docs).exists() is False
