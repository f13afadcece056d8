"""Dagster's door to this room: new events start an extraction. The ledger is the truth; the run key keeps a tick from repeating."""

from __future__ import annotations

from datetime import datetime

import dagster as dg

from hrorch_pipelines.inbox import events
from hrorch_pipelines.inbox.doors import doors
from hrorch_pipelines.inbox.terms import Hint
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

WINDOW_MINUTES = 10
"""An extraction that failed is asked for again after this: a system in trouble is not asked at every message."""
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def inbox_sensors(stack: Stack) -> list[dg.SensorDefinition]:
    """One sensor per system that may send messages."""
    return [_sensor(stack, name) for name, door in doors(stack).items() if door.open]


def due_run(workplace: Workplace, system: str, *, under_way: bool) -> dg.RunRequest | dg.SkipReason:
    """The extraction that new events ask for, or why there is none. `under_way`: one of this system runs or waits to.

    Marks events done that the newest trusted snapshot answers.
    """
    done, hint = mark_answered(workplace, system)
    answered = f"{done} of {system} answered by a snapshot. " if done else ""
    if hint is None:
        return dg.SkipReason(f"{answered}No new event of {system}.")
    if under_way:
        return dg.SkipReason(
            f"{answered}An extraction of {system} is under way; {hint.count} new events wait for the next."
        )
    now, latest = workplace.clock.now(), catalogue.latest(workplace.home, system)
    if latest is not None and now - latest.started_at < doors(workplace.stack)[system].every:
        return dg.SkipReason(
            f"{answered}{system} was read a moment ago; {hint.count} new events wait until it may be again."
        )
    return dg.RunRequest(run_key=run_key(system, latest.snapshot_id if latest else None, now))


def mark_answered(workplace: Workplace, system: str) -> tuple[int, Hint | None]:
    """Mark a system's events done that its newest trusted snapshot answers. Returns how many, and what is left.

    `hrorch run` asks for it too: where no daemon runs, no sensor does.
    """
    latest, now = catalogue.latest(workplace.home, system), workplace.clock.now()
    ledger = workplace.ledger()
    try:
        with ledger.read() as con:
            hint = events.hints(con).get(system)
        if hint is None or latest is None or hint.oldest > latest.started_at:
            return 0, hint
        with ledger.write() as con:
            done = events.settle(con, system, latest.started_at, now)
            events.prune_daily(con, now)
            return done, events.hints(con).get(system)
    finally:
        ledger.close()


def run_key(system: str, snapshot_id: str | None, now: datetime) -> str:
    """The same for the same question: what has changed since this snapshot? Asked once per window of time."""
    window = now.replace(minute=now.minute - now.minute % WINDOW_MINUTES, second=0, microsecond=0)
    return f"inbox-{snapshot_id or f'{system}-first'}-{window:%Y%m%dT%H%M}"


def _sensor(stack: Stack, name: str) -> dg.SensorDefinition:
    slug = name.replace("-", "_")
    job = f"extract_{slug}"

    @dg.sensor(
        name=f"{job}_on_events",
        job_name=job,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Starts `{job}` when {stack.systems[name].label or name} said that something changed.",
    )
    def watch(
        context: dg.SensorEvaluationContext, workplace: dg.ResourceParam[Workplace]
    ) -> dg.RunRequest | dg.SkipReason:
        runs = context.instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNDER_WAY), limit=1)
        return due_run(workplace, name, under_way=bool(runs))

    return watch
