"""The Dagster code location: gathers every room's assets, checks, jobs, schedules and sensors. Nothing is decided here."""

from __future__ import annotations

import dagster as dg

from hrorch_pipelines.authority.assets import authority_assets
from hrorch_pipelines.gates.assets import accepted_assets
from hrorch_pipelines.identity.assets import identity_assets
from hrorch_pipelines.reconcile.assets import reconcile_assets
from hrorch_pipelines.reports.assets import publish_assets
from hrorch_pipelines.sensors import cycle_sensor
from hrorch_pipelines.snapshots.assets import (
    extraction_assets,
    extraction_jobs,
    extraction_schedules,
    history_assets,
)
from hrorch_pipelines.workplace import Workplace, open_workplace


def build_definitions(workplace: Workplace) -> dg.Definitions:
    """Everything Dagster shows for one stack file. Tests pass their own workplace."""
    stack = workplace.stack
    extraction = extraction_assets(stack)
    return dg.Definitions(
        assets=[
            *extraction,
            history_assets(stack),
            accepted_assets(stack),
            identity_assets(stack),
            authority_assets(stack),
            *reconcile_assets(stack),
            *publish_assets(),
        ],
        jobs=[*extraction_jobs(stack), cycle_job(extraction)],
        schedules=extraction_schedules(stack),
        sensors=[cycle_sensor()],
        resources={"workplace": workplace},
        executor=dg.in_process_executor,
    )


def cycle_job(extraction: list[dg.AssetsDefinition]) -> dg.UnresolvedAssetJobDefinition:
    """Everything after extraction, in one process: a multiprocess step would cost more than most stages."""
    return dg.define_asset_job(
        "cycle",
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*extraction),
        executor_def=dg.in_process_executor,
        description="History, gates, identity, authority, comparison, rates, publication, on the newest trusted snapshots.",
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Loaded lazily, so that importing this module for a test reads no stack file."""
    return build_definitions(open_workplace())
