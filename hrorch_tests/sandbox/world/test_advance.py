"""Time moves forward, the same way each time, in as many steps as one likes, without undoing anybody's work."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hrorch_pipelines.sandbox.advance import advance
from hrorch_pipelines.sandbox.labels import read_labels
from hrorch_pipelines.sandbox.store import SYSTEMS, Store, moment
from hrorch_pipelines.sandbox.world import generate, label_file, noon
from hrorch_pipelines.sandbox.world_clock import WorldClock
from hrorch_tests.sandbox.world import oracle
from hrorch_tests.sandbox.world.conftest import DAY

COLLECTIONS = (
    "candidates", "applications", "offers", "employees", "jobInfo", "compensation", "employmentStatus", "reports", "newhires",
    "tasks", "users",
)  # fmt: skip


def bodies(folder) -> dict:
    return {
        (system, name, document.id): document.body
        for system in SYSTEMS
        for name in COLLECTIONS
        for document in Store(folder, system).each(name)
    }


def test_systems_still_agree_after_days_months_and_a_year(sound):
    day = DAY
    for days in (1, 6, 40, 90, 365):
        happened = advance(sound, days)
        day += timedelta(days=days)
        assert happened.now == WorldClock(sound).now() == noon(day)
        assert oracle.disagreements(sound, day) == []
        assert oracle.absences(sound, day, {"payroll": 5, "directory": 2}) == []
    assert happened.created > 100
    assert happened.updated > 100
    assert happened.deleted > 20


def test_many_small_steps_lead_where_one_great_step_leads(tmp_path):
    for name in ("one", "many"):
        generate(tmp_path / name, people=150, seed=3, today=DAY)
    advance(tmp_path / "one", 45)
    for days in (1, 2, 30, 0, 12):
        advance(tmp_path / "many", days)
    assert bodies(tmp_path / "one") == bodies(tmp_path / "many")


def test_an_advanced_world_is_the_world_of_that_day_for_those_who_were_there(tmp_path):
    """Documents follow from the story alone: replaying to a day equals telling it up to that day."""
    from hrorch_pipelines.sandbox.documents import documents
    from hrorch_pipelines.sandbox.people import World
    from hrorch_pipelines.sandbox.timeline import life

    generate(tmp_path, people=150, seed=3, today=DAY, faults=False)
    advance(tmp_path, 45)
    world, day, held = World(3, 150, DAY), DAY + timedelta(days=45), bodies(tmp_path)
    told = {
        (system, row[0], row[1]): row[6]
        for n in range(1, 190)
        for system, rows in documents(world, life(world, n), day).items()
        for row in rows
    }
    assert held == told


def test_each_change_is_dated_within_the_days_that_passed_and_tells_its_author(sound):
    before, after = noon(DAY), noon(DAY + timedelta(days=20))
    advance(sound, 20)
    seen, by = 0, set()
    for system in SYSTEMS:
        for event in Store(sound, system).events():
            seen += 1
            by.add(event.by)
            assert before < moment(event.at) <= after
    assert seen > 30
    assert {"hrorch-integration", "Workato"} <= by


def test_a_correction_outlives_the_passing_of_time(sound):
    store = Store(sound, "payroll")
    quiet = [document for document in store.each("employees") if not document.body["terminated"]]
    for document in quiet:
        store.put("employees", document.id, {**document.body, "phone": "+10000000000"}, at=noon(DAY), by="hrorch")
    advance(sound, 30)
    assert all(store.get("employees", document.id).body["phone"] == "+10000000000" for document in quiet)


def test_a_planted_fault_stays_and_labels_of_people_who_moved_on_are_closed(tmp_path):
    generate(tmp_path, people=500, seed=7, today=DAY)
    happened = advance(tmp_path, 10)
    labels = read_labels(label_file(tmp_path))
    closed = [label for label in labels if label.until]
    assert {person for label in closed for person in label.people} & set(happened.people)
    assert all(label.until == "2026-07-10" for label in closed)
    assert {label.kind for label in closed} >= {"in_flight", "started_lately"}
    still = {
        (label.system, label.source_id, label.attribute)
        for label in labels
        if label.expect == "discrepancy" and not label.until
    }
    assert len(still) > 40
    assert still <= set(oracle.disagreements(tmp_path, date(2026, 7, 10)))


def test_time_does_not_run_backwards_nor_in_a_world_that_is_not(sound, tmp_path_factory):
    with pytest.raises(ValueError, match="forward"):
        advance(sound, -1)
    with pytest.raises(LookupError, match="generate a world"):
        advance(tmp_path_factory.mktemp("void"), 1)
