"""The sensor `watch`: every minute a sign of life of everything Dagster runs, a look, alerts, and what is due sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

import dagster as dg

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.monitoring import run
from hrorch_pipelines.monitoring.beats import Beat
from hrorch_pipelines.workplace import Workplace

if TYPE_CHECKING:
    from dagster._core.scheduler.instigation import InstigatorState
    from dagster_shared.error import SerializableErrorInfo

SENSOR = "watch"
GATHERED = ("daemon ", "sensor ", "schedule ")
"""Beginnings of the names that a tick knows all of: what is switched off or gone is expected no more."""
LOOKED_BACK = 20
"""Ticks in a row that are counted when something fails."""
_SLOWEST = timedelta(seconds=30)


def monitoring_sensors() -> list[dg.SensorDefinition]:
    """One sensor. It runs no job: looking is quick, and a monitor that needs a free slot to run is late when it counts."""

    @dg.sensor(
        name=SENSOR,
        minimum_interval_seconds=int(run.EVERY.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Signs of life, a look at everything, alerts raised and recovered, what is due sent.",
    )
    def watch(context: dg.SensorEvaluationContext, workplace: dg.ResourceParam[Workplace]) -> dg.SkipReason:
        repository = context.repository_def
        intervals = {one.name: one.minimum_interval_seconds for one in repository.sensor_defs} if repository else {}
        lives = signs_of_life(context.instance, workplace.clock.now(), intervals)
        ledger = workplace.ledger()
        try:
            passed = run.watch(ledger, workplace.stack, lives, GATHERED, run.EVERY)
        finally:
            ledger.close()
        return dg.SkipReason(passed.sentence())

    return [watch]


def signs_of_life(
    instance: dg.DagsterInstance, now: datetime, intervals: dict[str, int | None] | None = None
) -> list[Beat]:
    """Daemons, and the sensors and schedules that are switched on, each with its last tick and how often it failed in a row.

    Dagster tells the machine's time; `now` may be another day's (a rehearsal), so ages are carried over, not times.
    """
    machine = SystemClock().now()

    def at(timestamp: float) -> datetime:
        return now - max(machine - datetime.fromtimestamp(timestamp, UTC), timedelta(0))

    beats = [
        Beat(f"daemon {kind}", at(status.last_heartbeat.timestamp), _SLOWEST)
        for kind, status in sorted(instance.get_daemon_statuses().items())
        if status.required and status.last_heartbeat is not None
    ]
    for state in instance.all_instigator_state():
        if state.is_running:
            beats += _of(instance, state, at, intervals or {})
    return beats


def _of(
    instance: dg.DagsterInstance,
    state: InstigatorState,
    at: Callable[[float], datetime],
    intervals: dict[str, int | None],
) -> list[Beat]:
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=LOOKED_BACK)
    if not ticks:
        return []
    # The latest comes first; one under way has not failed yet.
    failing = list(takewhile(lambda tick: tick.is_failure, [tick for tick in ticks if tick.status.value != "STARTED"]))
    kind = state.instigator_type.value.lower()
    seconds = intervals.get(state.name) if kind == "sensor" else None
    error = failing[0].error if failing else None
    return [
        Beat(
            f"{kind} {state.name}",
            at(ticks[0].timestamp),
            timedelta(seconds=seconds) if seconds else None,
            len(failing),
            at(failing[-1].timestamp) if failing else None,
            _class_of(error) if error else None,
        )
    ]


def _class_of(error: SerializableErrorInfo) -> str:
    """The class of what was raised first: around it Dagster wraps its own, the same for everything."""
    while error.cause is not None:
        error = error.cause
    return (error.cls_name or "error")[:64]
