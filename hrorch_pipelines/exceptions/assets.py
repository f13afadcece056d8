"""Dagster's door to this room: cases opened, updated and closed from what the rooms before found."""

from __future__ import annotations

from contextlib import closing

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.exceptions import summary
from hrorch_pipelines.exceptions.collect import collect
from hrorch_pipelines.exceptions.escalation import escalate
from hrorch_pipelines.gates.receipts import require_receipts
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

GROUP = "route"


def exception_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """The one asset of this room. It comes after the plan: what a correction will put right is no case."""
    del stack

    @dg.asset(
        key=["exceptions", "cases"],
        deps=[["reconcile", "discrepancies"], ["corrections", "plan"]],
        group_name=GROUP,
        kinds={"sqlite"},
        description="What needs a person: one case per fingerprint, for a named reviewer, from open to confirmed.",
        pool="warehouse",
    )
    def cases(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        with closing(workplace.ledger()) as ledger:
            with workplace.warehouse.write() as con:
                cycle = spine.current(con)
                require_receipts(con, workplace.stack, cycle)
                told = collect(ledger, con, workplace.stack, workplace.home, cycle)
            escalated = escalate(ledger, workplace.stack, workplace.clock.now())
            with ledger.read() as reading:
                metadata = {**summary.of_pass(told), "escalated": len(escalated), **summary.counts(reading)}
        return dg.MaterializeResult(metadata=metadata)

    return [cases]
