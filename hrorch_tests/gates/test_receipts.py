"""Receipts: nothing downstream runs on what a gate has not let through, not even in another process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hrorch_pipelines.gates.errors import GateRefused
from hrorch_pipelines.gates.receipts import refused_snapshots, require_receipts
from hrorch_tests.gates.observing import World, worker

Make = Callable[..., World]
ROOT = Path(__file__).parents[2]
FILLED = {"expect": "completeness", "attribute": "last_name", "at_least": "80%", "route": "lead", "action": "Ask Pat"}
REQUIRED = {"rule": "required", "attribute": "last_name"}


def refusal(here: World) -> str:
    assert here.cycle is not None
    with pytest.raises(GateRefused) as refused:
        require_receipts(here.con, here.stack, here.cycle)
    return str(refused.value)


def require(here: World) -> None:
    assert here.cycle is not None
    require_receipts(here.con, here.stack, here.cycle)


def test_no_receipt_no_entry(world: Make) -> None:
    here = world()
    snapshot_id = here.observe(worker=[worker("1")])
    assert f"snapshot {snapshot_id} of hris: it has not been through the gate. For analyst (deputy: lead)" in refusal(
        here
    )
    here.gate()
    require(here)


def test_a_snapshot_that_is_not_in_history_is_refused(world: Make) -> None:
    here = world()
    here.observe(worker=[worker("1")])
    here.begin(sources={"hris": "hris-unknown"})
    assert here.gates() == []
    assert "hris-unknown" in refusal(here)


def test_a_failed_suite_is_refused_with_figure_reviewer_and_action(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    here.observe(worker=[worker("1", last_name=None)])
    here.gate()
    message = refusal(here)
    assert "worker last_name-completeness is 0, must be at least 0.8" in message
    assert "For lead: Ask Pat" in message


def test_one_refused_system_is_named_and_the_passed_one_is_not(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    here.observe("payroll", worker=[{"source_id": "1", "employee_number": "E1"}])
    here.observe(worker=[worker("1", last_name=None)])
    assert len(here.gates()) == 2
    assert here.cycle is not None
    with pytest.raises(GateRefused) as refused:
        require_receipts(here.con, here.stack, here.cycle)
    assert [each.system for each in refused.value.refusals] == ["hris"]
    assert here.all('SELECT count(*) FROM accepted."payroll.worker"') == [(1,)]


def test_a_receipt_is_issued_once_and_a_second_gate_changes_nothing(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    here.observe(worker=[worker("1"), worker("2", last_name=None)])
    here.gate()
    tables = ("gates.quarantine", "gates.receipts", "gates.expectations", "gates.profiles", 'accepted."hris.worker"')
    before = [here.all(f"SELECT * FROM {table} ORDER BY ALL") for table in tables]
    assert here.gates() == []
    assert [here.all(f"SELECT * FROM {table} ORDER BY ALL") for table in tables] == before
    assert here.all("SELECT records->'worker' FROM gates.receipts") == [
        ('{"input":2,"passed":1,"quarantined":1,"unchanged":0}',)
    ]


def test_a_full_cycle_judges_again_and_comes_to_the_same(world: Make) -> None:
    here = world({"hris.worker": [REQUIRED]})
    here.observe(worker=[worker("1"), worker("2", last_name=None)])
    here.gate()
    here.observe(worker=[worker("1", department="IT"), worker("2", last_name=None)])
    here.gate()
    state = 'SELECT * FROM accepted."hris.worker" ORDER BY ALL', "SELECT * FROM gates.quarantine ORDER BY ALL"
    before = [here.all(query) for query in state]
    here.begin(full=True)
    assert here.gate().records["worker"].unchanged == 0
    assert [here.all(query) for query in state] == before
    assert here.all("SELECT count(*) FROM gates.receipts") == [(2,)]


def test_other_rules_make_a_receipt_worthless(world: Make) -> None:
    here = world()
    here.observe(worker=[worker("1")])
    here.gate()
    here.rules({"hris.worker": [REQUIRED]})
    assert "other gate rules" in refusal(here)
    here.gate()
    require(here)


def test_going_back_to_the_last_passed_snapshot_restores_what_it_said(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    good = here.observe(worker=[worker("1", department="IT")])
    here.gate()
    bad = here.observe(worker=[worker("1", department="HR", last_name=None)])
    here.gate()
    assert refused_snapshots(here.con, here.stack) == {bad}
    here.begin(sources={"hris": good})
    require(here)
    assert here.gates() == []
    # Rules that would have let the second one pass: then it counts, and the first no longer.
    here.rules({})
    assert refused_snapshots(here.con, here.stack) == set()
    here.begin(sources={"hris": bad})
    here.gate()
    require(here)
    assert here.accepted(column="department")["1"] == ("HR", False)
    here.begin(sources={"hris": good})
    assert "has" in refusal(here)
    here.gate()
    require(here)
    assert here.accepted(column="department")["1"] == ("IT", False)
    here.begin(sources={"hris": bad})
    assert "comes from another snapshot" in refusal(here)
    here.gate()
    require(here)
    assert here.accepted(column="department")["1"] == ("HR", False)


def test_another_process_refuses_what_this_one_refused(world: Make, tmp_path: Path) -> None:
    database = tmp_path / "warehouse.duckdb"
    here = world({"hris.worker": [FILLED]}, str(database))
    here.observe(worker=[worker("1", last_name=None)])
    here.gate()
    assert here.cycle is not None
    program = f"""
from datetime import UTC, date, datetime
from pathlib import Path
import duckdb
from hrorch_pipelines.gates.receipts import require_receipts
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_tests.gates.observing import stack_of
stack = stack_of(Path({str(here.folder)!r}), {{"hris.worker": [{FILLED!r}]}})
cycle = Cycle("separate", datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 2), {dict(here.cycle.sources)!r})
with duckdb.connect({str(database)!r}) as con:
    require_receipts(con, stack, cycle)
"""
    here.con.close()
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 1
    assert "GateRefused" in run.stderr
    assert "completeness" in run.stderr
