"""The Dagster code location: gathers every room's assets, checks, jobs, schedules and sensors. Nothing is decided here."""

from __future__ import annotations

import dagster as dg

from hrorch_pipelines.audit.assets import audit_assets, audit_jobs, audit_schedules
from hrorch_pipelines.authority.assets import authority_assets
from hrorch_pipelines.corrections.assets import correction_assets, push_assets, push_jobs
from hrorch_pipelines.corrections.sensors import push_sensors
from hrorch_pipelines.exceptions.assets import exception_assets
from hrorch_pipelines.gates.assets import accepted_assets
from hrorch_pipelines.handoffs.assets import hand_assets, hand_jobs, handoff_assets
from hrorch_pipelines.handoffs.sensors import handoff_sensors
from hrorch_pipelines.identity.assets import identity_assets
from hrorch_pipelines.inbox.assets import inbox_assets, inbox_jobs, inbox_schedules
from hrorch_pipelines.inbox.sensors import inbox_sensors
from hrorch_pipelines.monitoring.assets import monitoring_assets, monitoring_jobs, monitoring_schedules
from hrorch_pipelines.monitoring.sensors import monitoring_sensors
from hrorch_pipelines.reconcile.assets import reconcile_assets
from hrorch_pipelines.reports.assets import publish_assets
from hrorch_pipelines.sensors import cycle_sensor
from hrorch_pipelines.snapshots.assets import (
    extraction_assets,
    extraction_jobs,
    extraction_schedules,
    history_assets,
)
from hrorch_pipelines.snapshots.schedules import (
    prune_job,
    prune_schedule,
    retention_assets,
    retention_job,
    retention_schedule,
)
from hrorch_pipelines.workplace import Workplace, open_workplace


def build_definitions(workplace: Workplace) -> dg.Definitions:
    """Everything Dagster shows for one stack file. Tests pass their own workplace."""
    stack = workplace.stack
    extraction, pushes, upkeep = (
        extraction_assets(stack),
        [*push_assets(stack), *hand_assets(stack)],
        [*audit_assets(), *retention_assets(), *inbox_assets(), *monitoring_assets()],
    )
    handoffs = handoff_assets(stack)
    return dg.Definitions(
        assets=[
            *extraction,
            history_assets(stack),
            accepted_assets(stack),
            identity_assets(stack),
            authority_assets(stack),
            *reconcile_assets(stack),
            *correction_assets(stack),
            *handoffs,
            *exception_assets(stack),
            *pushes,
            *upkeep,
            *publish_assets(after=[asset.key for asset in handoffs]),
        ],
        jobs=[
            *extraction_jobs(stack),
            cycle_job([*extraction, *pushes, *upkeep]),
            *push_jobs(stack),
            *hand_jobs(stack),
            *audit_jobs(),
            *inbox_jobs(),
            *monitoring_jobs(),
            retention_job(),
            prune_job(),
        ],
        schedules=[
            *extraction_schedules(stack),
            *audit_schedules(stack),
            *inbox_schedules(stack),
            *monitoring_schedules(),
            retention_schedule(stack),
            prune_schedule(stack),
        ],
        sensors=[
            cycle_sensor(),
            *inbox_sensors(stack),
            *push_sensors(stack),
            *handoff_sensors(stack),
            *monitoring_sensors(),
        ],
        resources={"workplace": workplace},
        executor=dg.in_process_executor,
    )


def cycle_job(apart: list[dg.AssetsDefinition]) -> dg.UnresolvedAssetJobDefinition:
    """Everything but what runs in jobs of its own (`apart`: reading and writing systems, upkeep), in one process.

    A multiprocess step would cost more than most stages.
    """
    return dg.define_asset_job(
        "cycle",
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*apart),
        executor_def=dg.in_process_executor,
        description="History, gates, identity, authority, comparison, plan, cases, rates, publication, on the newest trusted snapshots.",
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Loaded lazily, so that importing this module for a test reads no stack file."""
    return build_definitions(open_workplace())
