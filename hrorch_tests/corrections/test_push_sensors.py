"""The ledger says when a push is due; a tick repeated starts nothing twice; Dagster is shown counts, never a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections import lease
from hrorch_pipelines.corrections.assets import push_assets, push_jobs
from hrorch_pipelines.corrections.sensors import due_run, push_sensors
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.corrections.pushing import Bench, sandbox_of, stack_for


@pytest.fixture
def bench(ledger_home: Home, ledger_clock: SetClock, place: Workplace) -> Iterator[Bench]:
    ledger = place.ledger()
    yield Bench(ledger, place.stack, ledger_clock)
    ledger.close()


@pytest.fixture
def place(ledger_home: Home, ledger_clock: SetClock) -> Workplace:
    return Workplace(stack_for({}), ledger_home, ledger_clock, Warehouse(ledger_home, ledger_clock))


def told(answer: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(answer, dg.SkipReason)
    return str(answer.skip_message)


def key(answer: dg.RunRequest | dg.SkipReason) -> str:
    assert isinstance(answer, dg.RunRequest)
    assert answer.run_key
    return answer.run_key


def test_nothing_due_is_said_so(place: Workplace, bench: Bench) -> None:
    assert told(due_run(place, "hris")) == "Nothing is due for hris."
    later = bench.clock.now() + timedelta(hours=1)
    bench.ready(3, "postcode", "02134", "60601", due_at=later)
    assert "Nothing is due" in told(due_run(place, "hris"))
    bench.clock.at = later
    key(due_run(place, "hris"))


def test_a_backlog_is_one_run_and_the_same_tick_asks_for_the_same_run(place: Workplace, bench: Bench) -> None:
    bench.put([{"n": n, "attribute": "postcode", "before": "1", "after": "2"} for n in range(1, 1200)])
    first = key(due_run(place, "hris"))
    assert key(due_run(place, "hris")) == first
    bench.ready(0, "postcode", "1", "2", correction_id="a-new-one")
    assert key(due_run(place, "hris")) != first


def test_a_run_that_died_is_asked_for_again_later(place: Workplace, bench: Bench) -> None:
    bench.ready(3, "postcode", "02134", "60601")
    first = key(due_run(place, "hris"))
    bench.clock.at += timedelta(minutes=10)
    assert key(due_run(place, "hris")) != first


def test_who_pushes_already_is_left_alone(place: Workplace, bench: Bench, ledger_clock: SetClock) -> None:
    bench.ready(3, "postcode", "02134", "60601")
    with bench.ledger.write() as con:
        lease.take(con, "hris", "somebody", ledger_clock.now(), timedelta(minutes=1))
    assert "under way" in told(due_run(place, "hris"))


def test_nothing_starts_while_the_stack_file_only_proposes(place: Workplace, bench: Bench) -> None:
    bench.ready(3, "postcode", "02134", "60601")
    proposing = replace(place, stack=stack_for({}, mode="propose"))
    assert "propose" in told(due_run(proposing, "hris"))
    statuses = {sensor.name: sensor.default_status for sensor in push_sensors(proposing.stack)}
    assert set(statuses.values()) == {dg.DefaultSensorStatus.STOPPED}
    assert "push_hris_when_due" in statuses


def test_only_targets_have_jobs() -> None:
    stack = stack_for({}, targets=["hris", "payroll"], never_touch={"systems": ["payroll"]})
    assert [job.name for job in push_jobs(stack)] == ["push_hris"]


def test_a_run_drains_the_backlog_and_shows_counts_only(
    tmp_path: Path, ledger_home: Home, ledger_clock: SetClock
) -> None:
    with sandbox_of(tmp_path / "world", 12, ledger_clock) as box:
        stack = stack_for(box.env, batch=4)
        place = Workplace(stack, ledger_home, ledger_clock, Warehouse(ledger_home, ledger_clock))
        bench = Bench(place.ledger(), stack, ledger_clock, box)
        for n in range(1, 11):
            bench.ready(n, "preferred_name", None, f"Canary{n}")
        (asset,) = [one for one in push_assets(stack) if one.key == dg.AssetKey(["pushed", "hris"])]
        with dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize([asset], resources={"workplace": place}, instance=instance)
            assert result.success
            (event,) = result.asset_materializations_for_node(asset.node_def.name)
            shown = {name: value.value for name, value in event.metadata.items()}
            logs = "".join(str(one) for one in instance.all_logs(result.run_id))
        assert (shown["taken"], shown["confirmed"], shown["stopped"]) == (10, 10, "nothing more is due")
        assert "Canary" not in logs + str(shown)
        bench.ledger.close()
