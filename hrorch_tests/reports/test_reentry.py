"""M1 per handoff: who made the record, who typed its values, and what nobody can tell stays between the bounds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.reconcile.landings import SCHEMA
from hrorch_pipelines.reports.reentry import reentry
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import steps

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
STACK = load_stack(Path(__file__).parents[2] / "data" / "stack.yaml", env={})


class Place:
    """Steps and landings as the rooms before this one leave them."""

    def __init__(self, folder: Path) -> None:
        self.ledger = open_ledger(Home(folder), SetClock(NOW))
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'")
        self.con.execute(SCHEMA)
        self._number = 0

    def step(self, handoff: str, person: str, how: str, state: str = "done") -> None:
        values: dict[str, Any] = dict.fromkeys(("state_at", "true_from", "known_at", "due_at", "last_seen_at"), NOW)
        with self.ledger.write() as con:
            con.execute(
                steps.insert().values(
                    step_id=f"{handoff} {person}",
                    handoff=handoff,
                    person_id=person,
                    once_per="",
                    state=state,
                    done_how=how,
                    owner="hris-analyst",
                    **values,
                )
            )

    def landed(self, person: str, system: str, record: str, *who: str, at: datetime = NOW) -> None:
        for one in who:
            self._number += 1
            self.con.execute(
                "INSERT INTO reconcile.landings VALUES (?, ?, 'x', ?, ?, 'r', ?, ?, NULL, ?, 1, NULL, 'c')",
                [str(self._number), person, system, record, at, at, one],
            )

    def told(self) -> dict[tuple[str, str], dict[str, Any]]:
        table = reentry(self.ledger, self.con, STACK)
        names = [column.name for column in table.columns]
        return {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in table.rows}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def test_what_the_program_made_and_what_it_found_there_are_told_apart(place: Place) -> None:
    place.step("hris-prehire", "p1", "action")
    place.step("hris-prehire", "p2", "already")
    place.step("hris-prehire", "p3", "by_hand")
    place.landed("p1", "hris", "worker", "orchestrator", "orchestrator", "orchestrator", "unknown")
    place.landed("p2", "hris", "worker", "manual", "manual_probable", "unknown", "integration")
    told = place.told()
    ours, others = told["hris-prehire", "program"], told["hris-prehire", "others"]
    assert (ours["records"], ours["by_hand"], ours["low"], ours["high"]) == (1, 0, 0.0, 0.25)
    assert (others["records"], others["by_hand"], others["low"], others["high"]) == (2, 1, 0.25, 0.75)


def test_values_of_another_person_record_system_or_time_are_not_this_handoffs(place: Place) -> None:
    place.step("payroll-pay", "p1", "action")
    place.landed("p1", "payroll", "compensation", "orchestrator")
    place.landed("p1", "payroll", "compensation", "manual", at=NOW - timedelta(days=1))
    place.landed("p1", "payroll", "worker", "manual")
    place.landed("p1", "hris", "compensation", "manual")
    place.landed("p2", "payroll", "compensation", "manual")
    told = place.told()
    assert {key: one["values"] for key, one in told.items()} == {
        ("payroll-pay", "program"): 1,
        ("all handoffs", "program"): 1,
    }


def test_together_a_value_counts_once_although_two_handoffs_make_rows_of_its_kind(place: Place) -> None:
    place.step("hris-status", "p1", "action")
    place.step("hris-first-day", "p1", "action", "compensated")
    place.step("hris-job", "p1", "before")
    place.landed("p1", "hris", "status", "orchestrator", "manual")
    together = place.told()["all handoffs", "program"]
    assert (together["records"], together["values"], together["low"], together["high"]) == (1, 2, 0.5, 0.5)


def test_without_a_step_there_is_nothing_to_tell(place: Place) -> None:
    assert place.told() == {}
