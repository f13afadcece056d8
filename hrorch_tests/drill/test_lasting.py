"""What takes days in simulated time, and what must not depend on the machine; people's doings are undone afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hrorch_pipelines.drill import kept
from hrorch_pipelines.drill.kinds import played
from hrorch_pipelines.drill.lasting import AN_HOUR
from hrorch_pipelines.drill.moving import MovingClock
from hrorch_pipelines.drill.place import Place, made
from hrorch_pipelines.drill.play import play
from hrorch_pipelines.drill.reading import LATE, ROUNDS, USUAL
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.terms import Kind, Outcome
from hrorch_pipelines.monitoring.keeping import FEWEST_DAYS, MEASURED_EVERY
from hrorch_pipelines.monitoring.reading import complete
from hrorch_pipelines.monitoring.run import evaluate
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.sandbox.store import Document
from hrorch_pipelines.snapshots.manifest import read_manifest
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_tests.monitoring.conftest import EXAMPLE

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with made(tmp_path_factory.mktemp("drill"), people=40, stack_path=EXAMPLE) as one:
        yield one


def documents(place: Place) -> dict[tuple[str, str, str], Document]:
    """Every living document of the two systems people work in."""
    tables = {"hris": ("employees", "employmentStatus"), "payroll": ("employees",)}
    return {
        (system, collection, one.id): one
        for system, collections in tables.items()
        for collection in collections
        for one in place.sandbox.records[system].store.each(collection)
    }


def test_who_left_and_is_paid_is_found_by_the_cycle_after_their_days_of_grace(place: Place) -> None:
    before, here = documents(place), place.scenario("ghost")
    try:
        outcome = play(played()["ghost"], here)
        with open_published(here.home) as con:
            found = con.execute(
                "SELECT authority_value, copy_value, money_at_risk > 0 FROM reconcile.discrepancies "
                "WHERE state = 'ghost' AND copy_system = 'payroll'"
            ).fetchall()
        during = documents(place)
    finally:
        here.end()
    grace = place.stack.presence["payroll"].grace
    assert grace is not None
    assert found == [("terminated", "active", True)]
    assert (outcome.watch, outcome.severity, outcome.owner) == ("ghost", "critical", "payroll-lead")
    assert "At risk" in (outcome.told or "")
    assert outcome.minutes == 31
    assert outcome.detected_at is not None
    assert outcome.detected_at - outcome.injected_at > grace
    changed = [key[:2] for key in during if during[key] != before.get(key)]
    assert sorted(changed) == [("hris", "employees"), ("hris", "employmentStatus")]  # nobody touched payroll
    assert documents(place) == before


def test_a_case_is_overdue_when_its_time_is_over_and_no_failure_of_its_own(place: Place) -> None:
    before, here = documents(place), place.scenario("overdue")
    try:
        outcome = play(played()["overdue"], here)
        with here.ledger.read() as con:
            (case,) = con.execute(sa.select(cases.c.due_at, cases.c.reviewer)).all()
    finally:
        here.end()
    assert (outcome.occurred_at, outcome.owner) == (case.due_at, case.reviewer)
    assert outcome.minutes == 1
    assert documents(place) == before
    assert kept.times([outcome]) == []
    (every, *_) = kept.times([outcome, told("disk")])
    assert every.failures == 1


def told(kind: str) -> Outcome:
    return Outcome(kind, "it fails", False, NOW, NOW, NOW + timedelta(minutes=1), kind, "it", "error", "It fails.")


def test_a_store_that_grows_is_told_and_one_that_does_not_is_not(place: Place) -> None:
    here = place.scenario("growth")
    try:
        outcome = play(played()["growth"], here)
        assert (here.home.root / "drill-growth").stat().st_size >= (FEWEST_DAYS - 2) * 24 * AN_HOUR
    finally:
        here.end()
    assert outcome.minutes == 60  # the last measurement that did not show it
    here = place.scenario("no-growth")
    free = shutil.disk_usage(here.home.root).free

    def measured(one: Scenario) -> None:
        one.watched(disk_full=timedelta(days=4 * free / (24 * AN_HOUR)))
        one.each(6 * MEASURED_EVERY, lambda again: evaluate(again.ledger, again.stack))

    still = Kind("still", "nothing grows", frozenset({Watch.GROWTH}), measured, limit=timedelta(days=FEWEST_DAYS))
    try:
        assert play(still, here).detected_at is None
    finally:
        here.end()


def test_how_late_a_late_answer_is_does_not_depend_on_the_machine(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_at_once, outcomes = MovingClock.wait, []
    for name, busy in (("slow", 0.0), ("slow-on-a-busy-machine", 0.4)):
        # The real seconds by which every answer is late beside the simulated ones.
        monkeypatch.setattr(MovingClock, "wait", lambda clock, seconds, busy=busy: pass_at_once(clock, seconds) + busy)
        here = place.scenario(name)
        try:
            outcomes.append(play(played()["slow"], here))
            reads = [read_manifest(folder) for folder in complete(here.home.snapshots / "onboarding")]
        finally:
            here.end()
        lengths = [(one.observed_at - one.started_at).total_seconds() for one in reads[-ROUNDS - 1 :]]
        requests = sum(facts.requests for facts in reads[-1].records.values())
        assert lengths == [requests * USUAL[number % len(USUAL)] for number in range(ROUNDS)] + [requests * LATE]
    assert outcomes[0] == outcomes[1]
    assert place.sandbox.board.hold(35) == 35


def test_the_clock_stands_and_what_is_waited_for_passes_at_once() -> None:
    clock = MovingClock(NOW)
    assert clock.now() == clock.now() == NOW
    assert clock.wait(90) == 0
    assert clock.now() == NOW + timedelta(seconds=90)


def test_what_happens_once_happens_once(place: Place) -> None:
    here = place.scenario("once")
    done: list[str] = []
    try:
        begin = here.now
        here.once(begin + timedelta(minutes=5), lambda _: done.append("once"))
        here.each(timedelta(minutes=10), lambda _: done.append("again"), first=begin + timedelta(minutes=5))
        while (due := here.next_due()) is not None and due <= begin + timedelta(minutes=25):
            here.clock.at = due
            here.do_due()
    finally:
        here.end()
    assert done == ["once", "again", "again", "again"]
