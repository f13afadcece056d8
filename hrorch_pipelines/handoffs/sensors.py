"""Starts a push when the ledger has an action due, and a pass when something can have changed without a cycle."""

from __future__ import annotations

from contextlib import closing

import dagster as dg

from hrorch_pipelines.corrections.sensors import asked, windowed
from hrorch_pipelines.handoffs import between, outbox
from hrorch_pipelines.handoffs.assets import BETWEEN, active, job_name
from hrorch_pipelines.handoffs.targets import stopped, targets
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace


def handoff_sensors(stack: Stack) -> list[dg.SensorDefinition]:
    """One sensor per target, running when the stack file says `apply`, and the one that asks for passes between cycles."""
    return [_between(), *(_sensor(stack, target) for target in targets(stack))] if active(stack) else []


def due_run(workplace: Workplace, target: str) -> dg.RunRequest | dg.SkipReason:
    """The push that is due now, or why there is none."""
    return asked(workplace, target, outbox.QUEUE, stopped, "hand")


def due_pass(workplace: Workplace) -> tuple[dg.RunRequest | dg.SkipReason, str]:
    """The pass that is due now, or none; and why, in words."""
    now = workplace.clock.now()
    if not workplace.home.published.exists():
        return _none("No cycle has been published yet.")
    with closing(workplace.ledger()) as ledger, ledger.read() as con:
        why, last = between.due(con, workplace.stack, now), between.last_pass(con)
    if last is None:
        return _none("No cycle has made a pass yet.")
    if why is None:
        return _none(f"Nothing can have changed since the pass of {last:%Y-%m-%d %H:%M:%S} UTC.")
    return dg.RunRequest(run_key=f"handoffs-{last:%Y%m%dT%H%M%S%f}-{windowed(now)}"), f"A pass is due: {why}."


def _none(why: str) -> tuple[dg.SkipReason, str]:
    return dg.SkipReason(why), why


def _between() -> dg.SensorDefinition:
    @dg.sensor(
        name="handoffs_between_cycles",
        job_name=BETWEEN,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Starts `{BETWEEN}` when an action was confirmed, a case answered, a day began or a step became late.",
    )
    def watch(
        context: dg.SensorEvaluationContext, workplace: dg.ResourceParam[Workplace]
    ) -> dg.RunRequest | dg.SkipReason:
        answer, why = due_pass(workplace)
        if isinstance(answer, dg.RunRequest):
            context.log.info(why)
        return answer

    return watch


def _sensor(stack: Stack, target: str) -> dg.SensorDefinition:
    applies = stack.corrections.mode == "apply"

    @dg.sensor(
        name=f"{job_name(target)}_when_due",
        job_name=job_name(target),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING if applies else dg.DefaultSensorStatus.STOPPED,
        description=f"Starts `{job_name(target)}` when a handoff has something to make, change or send in {target}.",
    )
    def watch(workplace: dg.ResourceParam[Workplace]) -> dg.RunRequest | dg.SkipReason:
        return due_run(workplace, target)

    return watch
