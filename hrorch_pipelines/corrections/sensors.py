"""Starts a push when the ledger has something due for a target. The ledger is the truth; the run key keeps a tick from repeating."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

import dagster as dg

from hrorch_pipelines.corrections import breaker, lease, outbox, recheck
from hrorch_pipelines.corrections.assets import job_name
from hrorch_pipelines.corrections.queue import Queue, Row
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
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
    return asked(workplace, system, outbox.QUEUE, recheck.stopped, "push")


def asked(
    workplace: Workplace, target: str, queue: Queue, stopped: Callable[[Stack, Home, str], str | None], word: str
) -> dg.RunRequest | dg.SkipReason:
    """The push of a queue's target that is due now, or why there is none. `word` begins its run key."""
    now, stack = workplace.clock.now(), workplace.stack
    ledger = workplace.ledger()
    with ledger.read() as con:
        pause = breaker.pause(con, target, now)
        busy = lease.held_until(con, target, now)
        rows = queue.due(con, target, now, stack.corrections.batch)
    ledger.close()
    if not rows:
        return dg.SkipReason(f"Nothing is due for {target}.")
    if pause is not None:
        return dg.SkipReason(pause.why)
    if busy is not None:
        return dg.SkipReason(f"A push of {target} is under way.")
    why = stopped(stack, workplace.home, target)
    if why is not None and all(row.state == "ready" for row in rows):
        return dg.SkipReason(why)
    return dg.RunRequest(run_key=f"{word}-{_work(queue, rows)}-{windowed(now)}")


def windowed(now: datetime) -> str:
    """The window of time that a run key holds for."""
    window = now.replace(minute=now.minute - now.minute % WINDOW_MINUTES, second=0, microsecond=0)
    return f"{window:%Y%m%dT%H%M}"


def _work(queue: Queue, rows: list[Row]) -> str:
    """The same for the same work: what is due, which try of it, and when it was last looked at."""
    work = "\n".join(f"{getattr(row, queue.key)} {row.state} {row.attempts} {row.due_at} {row.seen_at}" for row in rows)
    return hashlib.sha256(work.encode()).hexdigest()[:16]
