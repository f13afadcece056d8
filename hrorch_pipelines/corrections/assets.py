"""Dagster's door to this room: what landed, the plan, and one push per target. Counts only, never a value.

`confirmed` and `plan` belong to the cycle; the pushes run in jobs of their own, started by `sensors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.corrections.confirm import confirm_from_snapshots
from hrorch_pipelines.corrections.guard import GuardResult, guard
from hrorch_pipelines.corrections.landed import copy_acknowledged, copy_made
from hrorch_pipelines.corrections.plan import PlanResult, plan
from hrorch_pipelines.corrections.push import push
from hrorch_pipelines.corrections.recheck import writable
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

GROUP = "act"


def correction_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """The cycle's part: `["corrections", "confirmed"]` before landings, `["corrections", "plan"]` after discrepancies."""

    @dg.asset(
        key=["corrections", "confirmed"],
        deps=[["history", name] for name in stack.systems],
        group_name=GROUP,
        kinds={"duckdb"},
        description="What was sent, judged by the snapshots taken since: confirmed, diverged, or somebody else's hand.",
        pool="warehouse",
    )
    def confirmed(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        ledger = workplace.ledger()
        with workplace.warehouse.write() as con:
            seen = confirm_from_snapshots(ledger, con, workplace.stack, spine.current(con))
            copied = copy_acknowledged(ledger, con, workplace.home.key(), workplace.stack)
            made = copy_made(ledger, con, workplace.home.key(), workplace.stack)
        ledger.close()
        told = {"writes told to the warehouse": copied, "handoffs told to the warehouse": made}
        return dg.MaterializeResult(metadata={**asdict(seen), **told})

    @dg.asset(
        key=["corrections", "plan"],
        deps=[["reconcile", "discrepancies"], ["corrections", "confirmed"]],
        group_name=GROUP,
        kinds={"duckdb"},
        description="Every eligible discrepancy as a proposed write, held to budgets and approvals before the first is sent.",
        pool="warehouse",
    )
    def planned(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        ledger = workplace.ledger()
        with workplace.warehouse.write() as con:
            cycle = spine.current(con)
            wanted = plan(ledger, con, workplace.stack, cycle)
            held = guard(ledger, con, workplace.stack, cycle)
        ledger.close()
        return dg.MaterializeResult(metadata=_metadata(wanted) | _metadata(held))

    return [confirmed, planned]


def push_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """One asset per target: what its last push did."""
    return [_pushed(stack, name) for name in stack.systems if writable(stack, name)]


def push_jobs(stack: Stack) -> list[dg.UnresolvedAssetJobDefinition]:
    """One job per target, so that one system's outage stops no other's writes."""
    return [
        dg.define_asset_job(
            job_name(name),
            selection=dg.AssetSelection.assets(dg.AssetKey(["pushed", name])),
            executor_def=dg.in_process_executor,
            description=f"Send what is due to {stack.systems[name].label or name}, and see it land.",
        )
        for name in stack.systems
        if writable(stack, name)
    ]


def job_name(system: str) -> str:
    """`push_<system>`."""
    return f"push_{system.replace('-', '_')}"


def _pushed(stack: Stack, name: str) -> dg.AssetsDefinition:
    system = stack.systems[name]

    @dg.asset(
        key=["pushed", name],
        deps=[["corrections", "plan"]],
        group_name=GROUP,
        kinds={system.connector},
        owners=[stack.people[system.owner].email],
        description=f"Corrections sent to {system.label or name}, batch by batch until nothing is due.",
    )
    def pushed(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        ledger, log = workplace.ledger(), dg.get_dagster_logger()
        total: dict[str, int] = {}
        batches, stopped = 0, None
        while True:
            result = asdict(push(ledger, workplace.stack, name, workplace.clock))
            stopped = result.pop("stopped")
            total = {key: total.get(key, 0) + count for key, count in result.items()}
            batches += 1
            log.info("Batch %d: %s%s", batches, result, f" ({stopped})" if stopped else "")
            if stopped or not result["taken"] or result["put_back"]:
                break
        ledger.close()
        return dg.MaterializeResult(metadata={**total, "batches": batches, "stopped": stopped or "nothing more is due"})

    return pushed


def _metadata(result: PlanResult | GuardResult) -> dict[str, dg.MetadataValue]:
    """Counts, one level deep: `refused: never_touch` → 12; of a list its length."""
    found: dict[str, dg.MetadataValue] = {}
    for name, value in ((one.name, getattr(result, one.name)) for one in fields(result)):
        if isinstance(value, Mapping):
            found |= {f"{name}: {key}": dg.MetadataValue.int(n) for key, n in value.items()}
        else:
            found[name.replace("_", " ")] = dg.MetadataValue.int(value if isinstance(value, int) else len(value))
    return found
