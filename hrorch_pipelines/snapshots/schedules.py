"""Dagster's door to upkeep, every week: old snapshots are pruned, and values kept long enough destroyed.

What retention destroys is decided in `audit.retention`, which stands below this room and is handed the means to blank
stored snapshots.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import dagster as dg

from hrorch_pipelines.audit.persons import Record
from hrorch_pipelines.audit.retention import apply
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.forget import blank_values
from hrorch_pipelines.snapshots.history import ingested
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.errors import NothingPublished
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_pipelines.workplace import Workplace

GROUP = "prove"
JOB = "retention"
KEEP_SNAPSHOTS = timedelta(days=90)
"""How long a snapshot's files are kept. What it said stays in history, which `--as-of` and `explain` read."""
WEEKLY = "0 3 * * 0"
"""Sunday night, when nobody waits for the warehouse."""


@dg.asset(
    key=["audit", "retention"],
    group_name=GROUP,
    kinds={"duckdb"},
    description="Values that were kept as long as the stack file says are destroyed, in every store; holds are respected.",
    pool="warehouse",
)
def retention(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
    """Destroy what is due. Metadata are counts of persons per attribute and of rows per store."""
    ledger = workplace.ledger()
    try:
        done = apply(workplace.stack, workplace.home, workplace.clock, workplace.warehouse, ledger, _blank)
    finally:
        ledger.close()
    persons = {f"persons: {name}": dg.MetadataValue.int(count) for name, count in done.attributes.items()}
    rows = {f"rows: {name}": dg.MetadataValue.int(count) for name, count in done.counts.items()}
    return dg.MaterializeResult(metadata={**persons, **rows})


def retention_assets() -> list[dg.AssetsDefinition]:
    """The asset."""
    return [retention]


def retention_job() -> dg.UnresolvedAssetJobDefinition:
    """The job, in one process: a step of its own would cost more than the work."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(dg.AssetKey(["audit", "retention"])),
        executor_def=dg.in_process_executor,
        description="Destroy what retention has kept long enough.",
    )


def retention_schedule(stack: Stack) -> dg.ScheduleDefinition:
    """Weekly, at night in the organization's zone."""
    return dg.ScheduleDefinition(
        name=f"{JOB}_schedule",
        job_name=JOB,
        cron_schedule=WEEKLY,
        execution_timezone=stack.organization.time_zone,
        description="Retention per attribute, as the stack file says.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def prune_job() -> dg.JobDefinition:
    """`prune_snapshots`: delete the files of snapshots older than `KEEP_SNAPSHOTS` that nothing needs any more."""

    @dg.op(name="prune", description="Deletes old snapshots' files; history keeps what they said.")
    def prune(workplace: dg.ResourceParam[Workplace]) -> None:
        gone = catalogue.prune(
            workplace.home, KEEP_SNAPSHOTS, workplace.clock.now(), ingested=_in_published_history(workplace)
        )
        dg.get_dagster_logger().info("%d snapshots pruned.", len(gone))

    @dg.job(
        name="prune_snapshots",
        executor_def=dg.in_process_executor,
        description=f"Snapshots older than {KEEP_SNAPSHOTS.days} days that history has taken in; never the last good ones.",
    )
    def prune_snapshots() -> None:
        prune()

    return prune_snapshots


def prune_schedule(stack: Stack) -> dg.ScheduleDefinition:
    """Once a week, in the night from Saturday to Sunday."""
    return dg.ScheduleDefinition(
        name="prune_snapshots_schedule",
        job_name="prune_snapshots",
        cron_schedule="30 3 * * 0",
        execution_timezone=stack.organization.time_zone,
        description="Prunes old snapshots' files every week.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def _blank(home: Home, stack: Stack, attributes: Mapping[Record, Collection[str]], now: datetime) -> tuple[int, int]:
    count = blank_values(home, stack, attributes, now)
    return count.files, count.blanked


def _in_published_history(workplace: Workplace) -> set[str]:
    """What the published copy has taken in: at most a cycle behind, so that nothing goes too early, and no lock is needed."""
    try:
        with open_published(workplace.home) as con:
            return ingested(con)
    except NothingPublished:
        return set()
