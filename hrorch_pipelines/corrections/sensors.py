"""Starts a push when the ledger has something due for a target. The ledger is the truth; the run key keeps a tick from repeating."""

from __future__ import annotations

import hashlib
from datetime import datetime

import dagster as dg

from hrorch_pipelines.corrections import breaker, lease, outbox, recheck
from hrorch_pipelines.corrections.assets import job_name
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

WINDOW_MINUTES = 10
"""A run that failed before it could do anything is asked for again after this."""


def push_sensors(stack: Stack) -> list[dg.SensorDefinition]:
    """One sensor per target, running when the stack file says `apply`. A backlog of thousands is one run, batch by batch."""
    return [_sensor(stack, name) for name in stack.systems if recheck.writable(stack, name)]


def _sensor(stack: Stack, name: str) -> dg.SensorDefinition:
    applies = stack.corrections.mode == "apply"

    @dg.sensor(
        name=f"{job_name(name)}_when_due",
        job_name=job_name(name),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING if applies else dg.DefaultSensorStatus.STOPPED,
        description=f"Starts `{job_name(name)}` when corrections for {stack.systems[name].label or name} are due.",
    )
    def watch(workplace: dg.ResourceParam[Workplace]) -> dg.RunRequest | dg.SkipReason:
        return due_run(workplace, name)

    return watch


def due_run(workplace: Workplace, system: str) -> dg.RunRequest | dg.SkipReason:
    """The run that is due now, or why there is none."""
    now, stack = workplace.clock.now(), workplace.stack
    ledger = workplace.ledger()
    with ledger.read() as con:
        pause = breaker.pause(con, system, now)
        busy = lease.held_until(con, system, now)
        rows = outbox.due(con, system, now, stack.corrections.batch)
    ledger.close()
    if not rows:
        return dg.SkipReason(f"Nothing is due for {system}.")
    if pause is not None:
        return dg.SkipReason(pause.why)
    if busy is not None:
        return dg.SkipReason(f"A push of {system} is under way.")
    stopped = recheck.stopped(stack, workplace.home, system)
    if stopped is not None and all(row.state == "ready" for row in rows):
        return dg.SkipReason(stopped)
    return dg.RunRequest(run_key=run_key(rows, now))


def run_key(rows: list[outbox.Row], now: datetime) -> str:
    """The same for the same work: what is due, which try of it, when it was last looked at, and the window of time."""
    work = "\n".join(f"{row.correction_id} {row.state} {row.attempts} {row.due_at} {row.seen_at}" for row in rows)
    window = now.replace(minute=now.minute - now.minute % WINDOW_MINUTES, second=0, microsecond=0)
    return f"push-{hashlib.sha256(work.encode()).hexdigest()[:16]}-{window:%Y%m%dT%H%M}"
