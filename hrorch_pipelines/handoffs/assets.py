"""Dagster's door to this room: the pass in the cycle and between cycles, and one push per target. Counts only, never a value."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.handoffs import between
from hrorch_pipelines.handoffs.passing import PassResult, run_pass
from hrorch_pipelines.handoffs.push import push
from hrorch_pipelines.handoffs.states import bring_up
from hrorch_pipelines.handoffs.targets import owner_of, targets
from hrorch_pipelines.handoffs.terms import StepState
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

GROUP = "act"
BETWEEN = "handoffs_between"
"""The job of a pass without a cycle."""


def active(stack: Stack) -> bool:
    """Whether handoffs are looked at at all."""
    return bool(stack.handoffs) and stack.lifecycle.handoffs != "off"


def handoff_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """The cycle's part: everybody's states over time, and the pass, on what this cycle decided."""
    if not active(stack):
        return []

    @dg.asset(
        key=["handoffs", "states"],
        deps=[["golden", "persons"], *(["cells", name] for name in stack.systems)],
        group_name=GROUP,
        kinds={"duckdb"},
        description="Everybody's states (application, offer, check, worker, …): since when each is so, and since when we know.",
        pool="warehouse",
    )
    def states(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        with workplace.warehouse.write() as con:
            cycle = spine.current(con)
            learnt = bring_up(con, workplace.stack, cycle)
        return dg.MaterializeResult(metadata=asdict(learnt))

    @dg.asset(
        key=["handoffs", "pass"],
        deps=[["handoffs", "states"], ["reconcile", "discrepancies"], ["corrections", "confirmed"]],
        group_name=GROUP,
        kinds={"duckdb", "sqlite"},
        description="What should exist and does not: every handoff for everybody, its steps brought up to what is true.",
        pool="warehouse",
    )
    def passed(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        with closing(workplace.ledger()) as ledger, workplace.warehouse.write() as con:
            cycle = spine.current(con)
            result = run_pass(ledger, con, workplace.stack, cycle.now, cycle_id=cycle.cycle_id)
        return dg.MaterializeResult(metadata=metadata(result))

    return [states, passed]


def hand_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """What runs in jobs of its own: the pass between cycles, and per target what its last push did."""
    return [_passed_between(), *(_handed(stack, target) for target in targets(stack))] if active(stack) else []


def hand_jobs(stack: Stack) -> list[dg.UnresolvedAssetJobDefinition]:
    """One job per target, so that one system's outage stops nothing elsewhere, and one for the pass between cycles."""
    if not active(stack):
        return []
    jobs = [(BETWEEN, ["handoffs", "between"], "One pass of the handoffs over the published copy.")]
    for target in targets(stack):
        what = f"Carry out what handoffs want of {target}, and see that it is there."
        jobs.append((job_name(target), ["handed", target], what))
    return [
        dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(dg.AssetKey(key)),
            executor_def=dg.in_process_executor,
            description=description,
        )
        for name, key, description in jobs
    ]


def job_name(target: str) -> str:
    """`hand_<target>`."""
    return f"hand_{target.replace('-', '_')}"


def metadata(result: PassResult) -> dict[str, dg.MetadataValue]:
    """Counts over all handoffs and of each, one level deep: `hris-prehire: parked` → 3."""
    told: dict[str, int] = {
        state.value: sum(one.states.get(state.value, 0) for one in result.handoffs.values()) for state in StepState
    }
    told |= {"stalled": result.total("stalled"), "in doubt": result.total("in_doubt")}
    told |= {name: result.total(name) for name in ("moved", "proposed", "withdrawn", "reopened")}
    told |= {f"unsent: {state}": n for state, n in result.unsent.items()}
    for name, one in result.handoffs.items():
        told |= {f"{name}: {state}": n for state, n in sorted(one.states.items())}
        told |= {f"{name}: stalled": one.stalled, f"{name}: in doubt": one.in_doubt}
    faults = {f"{name}: fault": dg.MetadataValue.text(one.fault) for name, one in result.handoffs.items() if one.fault}
    return {**{name: dg.MetadataValue.int(n) for name, n in told.items()}, **faults}


def _passed_between() -> dg.AssetsDefinition:
    @dg.asset(
        key=["handoffs", "between"],
        deps=[["published", "warehouse"]],
        group_name=GROUP,
        kinds={"duckdb", "sqlite"},
        description="The same pass over the published copy, when an action, an answer or the clock may let something go on.",
    )
    def passed_between(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        with closing(workplace.ledger()) as ledger:
            result = between.pass_between(ledger, workplace.home, workplace.stack, workplace.clock)
        dg.get_dagster_logger().info(between.sentence(result))
        return dg.MaterializeResult(metadata=metadata(result))

    return passed_between


def _handed(stack: Stack, target: str) -> dg.AssetsDefinition:
    place = stack.systems.get(target) or stack.outlets[target]

    @dg.asset(
        key=["handed", target],
        deps=[["handoffs", "pass"]],
        group_name=GROUP,
        kinds={place.connector},
        owners=[stack.people[owner_of(stack, target)].email],
        description=f"What handoffs made, changed or sent in {target}, batch by batch until nothing is due.",
    )
    def handed(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        log = dg.get_dagster_logger()
        total: dict[str, int] = {}
        batches, stopped = 0, None
        with closing(workplace.ledger()) as ledger:
            while True:
                result = asdict(push(ledger, workplace.stack, target, workplace.clock))
                stopped = result.pop("stopped")
                total = {key: total.get(key, 0) + count for key, count in result.items()}
                batches += 1
                log.info("Batch %d: %s%s", batches, result, f" ({stopped})" if stopped else "")
                if stopped or not result["taken"] or result["put_back"]:
                    break
        return dg.MaterializeResult(metadata={**total, "batches": batches, "stopped": stopped or "nothing more is due"})

    return handed
