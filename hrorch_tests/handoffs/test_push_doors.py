"""The doors to Dagster: nothing without handoffs, one job and sensor per target, passes between cycles when something changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from hrorch_pipelines.definitions import build_definitions
from hrorch_pipelines.handoffs import alive
from hrorch_pipelines.handoffs.assets import hand_assets, hand_jobs, handoff_assets
from hrorch_pipelines.handoffs.sensors import due_pass, due_run, handoff_sensors
from hrorch_pipelines.storage.ledger_tables import steps
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.handoffs.acting import Bench, stack_for
from hrorch_tests.handoffs.memory_place import Place

TARGETS = ("hris", "payroll", "letters", "calendar")


@pytest.fixture
def place(ledger_home, ledger_clock, tmp_path: Path) -> Workplace:
    return Workplace(stack_for(tmp_path), ledger_home, ledger_clock, Warehouse(ledger_home, ledger_clock))


@pytest.fixture
def bench(place: Workplace) -> Bench:
    return Bench(place.ledger(), place.stack, place.clock)


def test_the_graph_has_a_pass_a_push_per_target_and_nothing_without_handoffs(place: Workplace) -> None:
    found = {spec.key.to_user_string(): spec for spec in build_definitions(place).resolve_all_asset_specs()}
    wanted = {"handoffs/states", "handoffs/pass", "handoffs/between", *(f"handed/{name}" for name in TARGETS)}
    assert {key for key in found if key.startswith(("hand",))} == wanted
    above = {dep.asset_key.to_user_string() for dep in found["published/warehouse"].deps}
    assert "handoffs/pass" in above, "a cycle is finished when its pass is made"
    assert all(found[key].description and found[key].group_name == "act" for key in wanted)

    for stack in (
        place.stack.model_copy(update={"handoffs": {}}),
        place.stack.model_copy(update={"lifecycle": place.stack.lifecycle.model_copy(update={"handoffs": "off"})}),
    ):
        assert not any(made(stack) for made in (handoff_assets, hand_assets, hand_jobs, handoff_sensors))
    watching = place.stack.model_copy(
        update={"lifecycle": place.stack.lifecycle.model_copy(update={"handoffs": "watch"})}
    )
    assert len(handoff_assets(watching)) == 2
    assert len(hand_assets(watching)) == 1, "the pass between cycles; nothing is pushed"


def test_the_cycle_holds_the_pass_and_leaves_out_what_has_a_job_of_its_own(place: Workplace) -> None:
    definitions = build_definitions(place)
    cycle = {key.to_user_string() for key in definitions.resolve_job_def("cycle").asset_layer.executable_asset_keys}
    assert "handoffs/pass" in cycle
    assert not cycle & {"handoffs/between", *(f"handed/{name}" for name in TARGETS)}
    for target in TARGETS:
        alone = definitions.resolve_job_def(f"hand_{target}").asset_layer.executable_asset_keys
        assert [key.to_user_string() for key in alone] == [f"handed/{target}"]


def test_a_sensor_asks_for_a_push_once_per_state_of_the_queue_and_says_why_not(place: Workplace, bench: Bench) -> None:
    assert said(due_run(place, "hris")) == "Nothing is due for hris."
    bench.ready("hris-prehire", "p1")
    first = key(due_run(place, "hris"))
    assert first.startswith("hand-")
    assert key(due_run(place, "hris")) == first
    bench.ready("hris-prehire", "p2")
    assert key(due_run(place, "hris")) != first
    quiet = Workplace(stack_for(place.stack.folder, mode="propose"), place.home, place.clock, place.warehouse)
    assert "propose" in said(due_run(quiet, "hris"))


def test_a_pass_between_cycles_is_due_when_something_can_have_changed(place: Workplace, bench: Bench) -> None:
    assert "published" in due_pass(place)[1]
    place.home.published.parent.mkdir(parents=True)
    place.home.published.touch()
    assert "No cycle has made a pass" in due_pass(place)[1]
    alive.sign(bench.ledger, place.clock.now())
    assert isinstance(due_pass(place)[0], dg.SkipReason)

    bench.clock.at += timedelta(minutes=1)
    one = bench.ready("hris-prehire", "p1")
    assert isinstance(due_pass(place)[0], dg.SkipReason), "what is only proposed changes nothing"
    bench.push("hris", Place())
    assert "1 action was confirmed" in due_pass(place)[1]
    alive.sign(bench.ledger, place.clock.now())
    assert isinstance(due_pass(place)[0], dg.SkipReason)

    bench.ready("payroll-enrol", "p1")
    with bench.ledger.write() as con:
        con.execute(sa.update(steps).where(steps.c.step_id == bench.row(one).step_id).values(due_at=place.clock.now()))
    bench.clock.at += timedelta(hours=2)
    assert "1 step has become late" in due_pass(place)[1], "the done one cannot be late"
    alive.sign(bench.ledger, place.clock.now())

    bench.clock.at += timedelta(hours=16)  # past midnight in Chicago
    assert "America/Chicago" in due_pass(place)[1]
    assert key(due_pass(place)[0]).startswith("handoffs-")


def said(answer: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(answer, dg.SkipReason)
    return str(answer.skip_message)


def key(answer: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(answer, dg.RunRequest)
    assert answer.run_key
    return answer.run_key
