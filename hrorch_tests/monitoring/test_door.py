"""Dagster's door: the sensor gives signs of life for what runs, says what it did, and a crashing sensor is noticed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.monitoring import beats
from hrorch_pipelines.monitoring.assets import CHECK, monitoring_assets, monitoring_jobs, monitoring_schedules
from hrorch_pipelines.monitoring.run import look_now
from hrorch_pipelines.monitoring.sensors import monitoring_sensors, signs_of_life
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.monitoring import planted
from hrorch_tests.monitoring.conftest import Receiver


@pytest.fixture
def place(
    stack_with: Callable[..., Stack], receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workplace:
    monkeypatch.delenv("HRORCH_LEDGER_URL", raising=False)
    home = Home(tmp_path / "home")
    home.root.mkdir()
    stack = stack_with(urls=[receiver.url], watch={"disk_free": 0})
    return Workplace(stack, home, SystemClock(), Warehouse(home, SystemClock()))


def definitions(place: Workplace) -> dg.Definitions:
    return dg.Definitions(
        assets=monitoring_assets(),
        jobs=monitoring_jobs(),
        schedules=monitoring_schedules(),
        sensors=monitoring_sensors(),
        resources={"workplace": place},
    )


def test_a_tick_looks_tells_and_says_so(place: Workplace, receiver: Receiver) -> None:
    ledger = place.ledger()
    with ledger.write() as con:
        planted.breaker(con, "payroll", place.clock.now())
    repository = definitions(place).get_repository_def()
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance, repository_def=repository, resources={"workplace": place})
        told = [repository.get_sensor_def("watch").evaluate_tick(context).skip_message for _ in range(2)]
    assert told == ["1 alert open; 1 raised; 1 message sent.", "1 alert open."]
    assert len(receiver.got) == 1
    with ledger.read() as con:
        assert {"monitor", "look"} <= {one.name for one in beats.read(con)}
    ledger.close()


def test_the_asset_shows_counts_and_its_check_fails_when_nobody_can_be_told(
    place: Workplace, receiver: Receiver
) -> None:
    ledger = place.ledger()
    with ledger.write() as con:
        planted.breaker(con, "payroll", place.clock.now())
    result = dg.materialize(monitoring_assets(), resources={"workplace": place})
    metadata = result.asset_materializations_for_node("monitoring__alerts")[0].metadata
    assert metadata["open alerts"].value == 1
    assert metadata["wrong: breaker"].value == 1
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]
    from hrorch_pipelines.storage.ledger_tables import notices

    with ledger.write() as con:
        con.execute(notices.update().values(sent_at=None, attempts=5, fault="undelivered"))
    ledger.close()
    receiver.status = 500
    result = dg.materialize(monitoring_assets(), resources={"workplace": place}, raise_on_error=False)
    assert [(one.check_name, one.passed) for one in result.get_asset_check_evaluations()] == [(CHECK, False)]


def test_daemons_and_failing_sensors_are_read_from_the_instance(place: Workplace) -> None:
    """A sensor whose code raises: open-source Dagster tells nobody, so the monitor has to."""
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.remote_origin import (
        InProcessCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.scheduler.instigation import (
        InstigatorState,
        InstigatorStatus,
        SensorInstigatorData,
        TickData,
        TickStatus,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._daemon.types import DaemonHeartbeat
    from dagster_shared.error import SerializableErrorInfo

    now = time.time()
    code = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file="x.py"), location_name="x")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(code, "r"), "crashing")
    with dg.instance_for_test() as instance:
        state = InstigatorState(
            origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData(min_interval=60)
        )
        instance.add_instigator_state(state)
        for ago in (180, 120, 60):
            raised = SerializableErrorInfo("a value nobody may see", [], "ValueError")
            error = SerializableErrorInfo("around it", [], "SensorExecutionError", cause=raised)
            instance.create_tick(
                TickData(
                    state.instigator_origin_id, "crashing", InstigatorType.SENSOR, TickStatus.FAILURE, now - ago,
                    error=error, end_timestamp=now - ago, selector_id=state.selector_id,
                )
            )  # fmt: skip
        instance.add_daemon_heartbeat(DaemonHeartbeat(now - 7200, "SENSOR", "1", []))
        found = {one.name: one for one in signs_of_life(instance, place.clock.now(), {"crashing": 60})}
    assert found["sensor crashing"].failures == 3
    assert found["sensor crashing"].fault == "ValueError"
    assert found["sensor crashing"].every == timedelta(seconds=60)
    ledger = place.ledger()
    with ledger.write() as con:
        beats.write(con, list(found.values()))
    seen = {one.key: one for one in look_now(ledger, place.stack).troubles}
    ledger.close()
    assert set(seen) == {"heartbeat:daemon", "tick:sensor crashing"}
    assert "nobody may see" not in str(seen)
