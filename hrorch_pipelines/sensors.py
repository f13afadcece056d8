"""Starts a cycle when new trusted snapshots exist. The ledger of truth is on disk; the cursor is only a hint."""

from __future__ import annotations

import hashlib

import dagster as dg

from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.history import ingested
from hrorch_pipelines.storage.errors import NothingPublished
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_pipelines.workplace import Workplace

RUN_KEY = "dagster/run_key"
"""The tag by which Dagster remembers what started a run."""


def cycle_sensor() -> dg.SensorDefinition:
    """One run per set of newest snapshots: the run key is made from their ids, so a repeated tick starts nothing.

    A run that failed is followed by one more: where a gate refused a snapshot, it goes on with the one before.
    """

    @dg.sensor(
        name="cycle_on_new_snapshots",
        job_name="cycle",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts the job `cycle` when a system has a trusted snapshot that no cycle has seen.",
    )
    def watch(
        context: dg.SensorEvaluationContext, workplace: dg.ResourceParam[Workplace]
    ) -> dg.RunRequest | dg.SkipReason:
        newest = {
            name: manifest.snapshot_id
            for name in workplace.stack.systems
            if (manifest := catalogue.latest(workplace.home, name)) is not None
        }
        if not newest:
            return dg.SkipReason("No system has a trusted snapshot yet.")
        missing = [name for name in workplace.stack.systems if name not in newest]
        key = hashlib.sha256("\n".join(sorted(newest.values())).encode()).hexdigest()[:16]
        if set(newest.values()) <= _seen(workplace):
            return dg.SkipReason("No new trusted snapshot since the last cycle.")
        if context.cursor == key:
            if _failed(context.instance, f"cycle-{key}"):
                return dg.RunRequest(run_key=f"cycle-{key}-again")
            return dg.SkipReason("No new trusted snapshot since the last cycle.")
        context.update_cursor(key)
        context.log.info(
            "A cycle is due: newest snapshots of %d systems%s.",
            len(newest),
            f"; none yet of {', '.join(missing)}" if missing else "",
        )
        return dg.RunRequest(run_key=f"cycle-{key}")

    return watch


def _seen(workplace: Workplace) -> set[str]:
    """Snapshots that a published cycle has taken in: `hrorch run` starts cycles too, and no cursor knows of them."""
    try:
        with open_published(workplace.home) as con:
            return ingested(con)
    except NothingPublished:
        return set()


def _failed(instance: dg.DagsterInstance, run_key: str) -> bool:
    """Did the run that this key started end badly? Dagster drops a run key it knows, so asking for it again is harmless."""
    runs = instance.get_runs(dg.RunsFilter(job_name="cycle", tags={RUN_KEY: run_key}), limit=1)
    return bool(runs) and runs[0].status is dg.DagsterRunStatus.FAILURE
