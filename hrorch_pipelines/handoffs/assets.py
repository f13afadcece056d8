"""Dagster's door to this room: the pass in the cycle and between cycles, and one push per target. Counts only, never a value."""

from __future__ import annotations

from collections.abc import Iterator
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
Passed = Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]
BETWEEN = "handoffs_between"
"""The job of a pass without a cycle."""
JUDGED, IN_TIME, HAPPENED = "all_judged", "in_time", "happened"


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
        check_specs=_check_specs("pass"),
        description="What should exist and does not: every handoff for everybody, its steps brought up to what is true.",
        pool="warehouse",
    )
    def passed(workplace: dg.ResourceParam[Workplace]) -> Passed:
        with closing(workplace.ledger()) as ledger, workplace.warehouse.write() as con:
            cycle = spine.current(con)
            result = run_pass(ledger, con, workplace.stack, cycle.now, cycle_id=cycle.cycle_id)
        yield from _checks(result, "pass")
        yield dg.MaterializeResult(asset_key=["handoffs", "pass"], metadata=metadata(result))

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


def _check_specs(name: str) -> list[dg.AssetCheckSpec]:
    asset = ["handoffs", name]
    return [
        dg.AssetCheckSpec(JUDGED, asset=asset, description="Every handoff could be evaluated for everybody."),
        dg.AssetCheckSpec(IN_TIME, asset=asset, description="No open step is past its time."),
    ]


def _checks(result: PassResult, name: str) -> Iterator[dg.AssetCheckResult]:
    faults = sorted(handoff for handoff, one in result.handoffs.items() if one.fault)
    late = {handoff: one.stalled for handoff, one in result.handoffs.items() if one.stalled}
    yield dg.AssetCheckResult(
        asset_key=["handoffs", name],
        check_name=JUDGED,
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"Cannot be evaluated: {', '.join(faults)}." if faults else "All could be evaluated.",
        metadata={"faults": len(faults)},
    )
    yield dg.AssetCheckResult(
        asset_key=["handoffs", name],
        check_name=IN_TIME,
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{handoff}: {n} late" for handoff, n in late.items()) or "Nothing is late.",
        metadata=late,
    )


def _passed_between() -> dg.AssetsDefinition:
    @dg.asset(
        key=["handoffs", "between"],
        deps=[["published", "warehouse"]],
        group_name=GROUP,
        kinds={"duckdb", "sqlite"},
        check_specs=_check_specs("between"),
        description="The same pass over the published copy, when an action, an answer or the clock may let something go on.",
    )
    def passed_between(workplace: dg.ResourceParam[Workplace]) -> Passed:
        with closing(workplace.ledger()) as ledger:
            result = between.pass_between(ledger, workplace.home, workplace.stack, workplace.clock)
        dg.get_dagster_logger().info(between.sentence(result))
        yield from _checks(result, "between")
        yield dg.MaterializeResult(asset_key=["handoffs", "between"], metadata=metadata(result))

    return passed_between


def _handed(stack: Stack, target: str) -> dg.AssetsDefinition:
    place = stack.systems.get(target) or stack.outlets[target]

    @dg.asset(
        key=["handed", target],
        deps=[["handoffs", "pass"]],
        group_name=GROUP,
        kinds={place.connector},
        owners=[stack.people[owner_of(stack, target)].email],
        check_specs=[
            dg.AssetCheckSpec(
                HAPPENED,
                asset=["handed", target],
                description="Nothing that was to be made, changed or sent came to a refusal, a conflict or nothing.",
            )
        ],
        description=f"What handoffs made, changed or sent in {target}, batch by batch until nothing is due.",
    )
    def handed(workplace: dg.ResourceParam[Workplace]) -> Passed:
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
        wrong = {state: total[state] for state in ("conflicted", "diverged", "failed") if total.get(state)}
        yield dg.AssetCheckResult(
            asset_key=["handed", target],
            check_name=HAPPENED,
            passed=not wrong,
            severity=dg.AssetCheckSeverity.WARN,
            description=", ".join(f"{n} {state}" for state, n in wrong.items())
            or "Whatever was due has happened or waits.",
            metadata=wrong,
        )
        told = {**total, "batches": batches, "stopped": stopped or "nothing more is due"}
        yield dg.MaterializeResult(asset_key=["handed", target], metadata=told)

    return handed
