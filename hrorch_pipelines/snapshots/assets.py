"""Dagster's door to this room: one extraction asset, job and schedule per system; history from trusted snapshots."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.audit import observed
from hrorch_pipelines.audit.loads import log_stack_load
from hrorch_pipelines.snapshots.manifest import Manifest, TrustFault
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

GROUP = "observe"
TRUSTED = "trusted"


def extraction_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """One asset per system: a complete snapshot of it, or a failure that names its owner."""
    return [_extraction(stack, name) for name in stack.systems]


def extraction_jobs(stack: Stack) -> list[dg.UnresolvedAssetJobDefinition]:
    """One job per system, so that one system's outage stops nothing else."""
    return [
        dg.define_asset_job(
            f"extract_{name.replace('-', '_')}",
            selection=dg.AssetSelection.assets(dg.AssetKey(["snapshot", name])),
            executor_def=dg.in_process_executor,
            description=f"Take a snapshot of {system.label or name}.",
        )
        for name, system in stack.systems.items()
    ]


def extraction_schedules(stack: Stack) -> list[dg.ScheduleDefinition]:
    """One schedule per system, on its own cron in its own time zone."""
    return [
        dg.ScheduleDefinition(
            name=f"extract_{name.replace('-', '_')}_schedule",
            job_name=f"extract_{name.replace('-', '_')}",
            cron_schedule=system.schedule,
            execution_timezone=system.time_zone or stack.organization.time_zone,
            description=f"Snapshot of {system.label or name} as its `schedule` in the stack file says.",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for name, system in stack.systems.items()
    ]


def history_assets(stack: Stack) -> dg.AssetsDefinition:
    """One asset per system: its change history, brought up to its newest trusted snapshot. Opens the cycle."""

    @dg.multi_asset(
        name="history",
        specs=[
            dg.AssetSpec(
                ["history", name],
                deps=[["snapshot", name]],
                group_name=GROUP,
                kinds={"duckdb"},
                owners=[stack.people[system.owner].email],
                description=f"Every version of every record of {system.label or name}, with when it was known.",
            )
            for name, system in stack.systems.items()
        ],
        pool="warehouse",
        can_subset=False,
    )
    def history(workplace: dg.ResourceParam[Workplace]) -> Iterator[dg.MaterializeResult[None]]:
        with closing(workplace.ledger()) as ledger, workplace.warehouse.write() as con:
            log_stack_load(ledger, workplace.stack, workplace.clock.now())
            cycle = spine.start(con, workplace.stack, workplace.home, workplace.clock)
            observed.record(ledger, con, workplace.stack, cycle)
            touched = dict(
                con.execute(
                    "SELECT system, count(*) FROM cycles.touched_records WHERE cycle_id = ? GROUP BY system",
                    [cycle.cycle_id],
                ).fetchall()
            )
        for name in workplace.stack.systems:
            yield dg.MaterializeResult(
                asset_key=["history", name],
                metadata={
                    "snapshot": cycle.sources.get(name, "none yet"),
                    "stale": name in cycle.stale,
                    "records touched": touched.get(name, 0),
                    "cycle": cycle.cycle_id,
                },
            )

    return history


def _extraction(stack: Stack, name: str) -> dg.AssetsDefinition:
    system = stack.systems[name]

    @dg.asset(
        key=["snapshot", name],
        group_name=GROUP,
        kinds={system.connector, "parquet"},
        owners=[stack.people[system.owner].email],
        description=f"Everything {system.label or name} says at one moment: complete, or refused.",
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=max(system.trust.max_age, timedelta(minutes=1))),
        check_specs=[
            dg.AssetCheckSpec(
                TRUSTED,
                asset=["snapshot", name],
                blocking=True,
                description="The snapshot is complete and plausible beside the last good one.",
            )
        ],
    )
    def snapshot(
        workplace: dg.ResourceParam[Workplace],
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        manifest = observe(workplace.stack, name, workplace.home, workplace.clock)
        yield dg.AssetCheckResult(
            check_name=TRUSTED, passed=manifest.trusted, metadata={"faults": [fault.code for fault in manifest.faults]}
        )
        if not manifest.trusted:
            raise dg.Failure(description=_refusal(stack, manifest), metadata=_metadata(manifest), allow_retries=False)
        yield dg.MaterializeResult(metadata=_metadata(manifest))

    return snapshot


def _metadata(manifest: Manifest) -> dict[str, dg.MetadataValue]:
    return {
        "snapshot": dg.MetadataValue.text(manifest.snapshot_id),
        "dagster/row_count": dg.MetadataValue.int(sum(record.rows for record in manifest.records.values())),
        **{f"rows in {name}": dg.MetadataValue.int(record.rows) for name, record in manifest.records.items()},
    }


def _refusal(stack: Stack, manifest: Manifest) -> str:
    owner = stack.people[manifest.owner]
    reasons = "; ".join(f"{_where(fault)}{fault.what} ({fault.remedy})" for fault in manifest.faults)
    rest = "The last good one stays in use." if manifest.previous else "There is no good one yet to use instead."
    return f"The snapshot of {manifest.system} is not trusted: {reasons}. Owner: {owner.name}. {rest}"


def _where(fault: TrustFault) -> str:
    """The record type, where the sentence does not begin with a place."""
    placed = re.match(r"[\w-]+: ", fault.what)
    return f"{fault.record}: " if fault.record and not placed else ""
