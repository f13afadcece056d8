"""Dagster's door to retention: one asset, its job and its weekly schedule. What is due and how it goes is in `audit.retention`,
which stands below this room and is handed the means to blank stored snapshots."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import dagster as dg

from hrorch_pipelines.audit.persons import Record
from hrorch_pipelines.audit.retention import apply
from hrorch_pipelines.snapshots.forget import blank_values
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.workplace import Workplace

GROUP = "audit"
JOB = "retention"
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


def _blank(home: Home, stack: Stack, attributes: Mapping[Record, Collection[str]], now: datetime) -> tuple[int, int]:
    count = blank_values(home, stack, attributes, now)
    return count.files, count.blanked
