"""Dagster's door to this room: discrepancies and their causes, landings, the rates and the headcount bridge."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.gates.receipts import require_receipts
from hrorch_pipelines.reconcile import summary
from hrorch_pipelines.reconcile.bridge import build_bridges
from hrorch_pipelines.reconcile.causes import explain_causes
from hrorch_pipelines.reconcile.compare import compare
from hrorch_pipelines.reconcile.landings import attribute_landings
from hrorch_pipelines.reconcile.money import price
from hrorch_pipelines.reconcile.rates import compute_rates
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

GROUP = "compare"
COMPLETE, EXPLAINED = "every_system_is_in_it", "every_head_is_explained"


def reconcile_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """Discrepancies first; landings, rates and bridge read them."""

    @dg.asset(
        key=["reconcile", "discrepancies"],
        deps=[["golden", "persons"], *(["cells", name] for name in stack.systems)],
        group_name=GROUP,
        kinds={"duckdb"},
        description="Cells that disagree with their authority, each with the cause that names its fix.",
        pool="warehouse",
    )
    def discrepancies(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        with workplace.warehouse.write() as con:
            cycle = spine.current(con)
            require_receipts(con, workplace.stack, cycle)
            compare(con, workplace.stack, cycle)
            explain_causes(con, workplace.stack, cycle)
            price(con, workplace.stack)
            metadata = {**summary.by_state(con), **summary.by_cause(con)}
        return dg.MaterializeResult(metadata=metadata)

    @dg.asset(
        key=["reconcile", "landings"],
        # Our own writes are told to the warehouse first, so that nobody takes them for somebody's typing.
        deps=[["reconcile", "discrepancies"], ["corrections", "confirmed"]],
        group_name=GROUP,
        kinds={"duckdb"},
        description="Changes that arrived in a system which is not their authority, and who brought them (M1).",
        pool="warehouse",
    )
    def landings(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        with workplace.warehouse.write() as con:
            cycle = spine.current(con)
            require_receipts(con, workplace.stack, cycle)
            attribute_landings(con, workplace.stack, cycle, workplace.home.key())
            metadata = summary.by_attribution(con)
        return dg.MaterializeResult(metadata=metadata)

    return [discrepancies, landings, _figures()]


def _figures() -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="figures",
        specs=[
            dg.AssetSpec(
                ["reconcile", "rates"],
                deps=[["reconcile", "discrepancies"], ["reconcile", "landings"]],
                group_name=GROUP,
                kinds={"duckdb", "scipy"},
                description="Manual re-entry (M1) and discrepancy rate (M2), with bounds and intervals.",
            ),
            dg.AssetSpec(
                ["reconcile", "bridge"],
                deps=[["reconcile", "discrepancies"]],
                group_name=GROUP,
                kinds={"duckdb"},
                description="From one system's head count to another's, reason by reason, with what is unexplained.",
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                COMPLETE,
                asset=["reconcile", "rates"],
                description="The rates leave out no system because it was stale.",
            ),
            dg.AssetCheckSpec(
                EXPLAINED, asset=["reconcile", "bridge"], description="No bridge has heads that nothing explains."
            ),
        ],
        pool="warehouse",
    )
    def figures(workplace: dg.ResourceParam[Workplace]) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        with workplace.warehouse.write() as con:
            cycle = spine.current(con)
            require_receipts(con, workplace.stack, cycle)
            compute_rates(con, cycle)
            build_bridges(con, workplace.stack, cycle)
            rates, residue = summary.headline(con, cycle.cycle_id), summary.residues(con, cycle.cycle_id)
        yield _complete(cycle.stale)
        yield dg.MaterializeResult(asset_key=["reconcile", "rates"], metadata=rates)
        yield _explained({name: n for name, n in residue.items() if n})
        yield dg.MaterializeResult(asset_key=["reconcile", "bridge"], metadata=residue)

    return figures


def _complete(stale: Collection[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=["reconcile", "rates"],
        check_name=COMPLETE,
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Stale, and left out: {', '.join(sorted(stale))}." if stale else "All systems are in it.",
        metadata={"left out": len(stale)},
    )


def _explained(loose: Mapping[str, int]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=["reconcile", "bridge"],
        check_name=EXPLAINED,
        passed=not loose,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{name}: {n}" for name, n in loose.items()) or "Every head is explained.",
        metadata=dict(loose),
    )
