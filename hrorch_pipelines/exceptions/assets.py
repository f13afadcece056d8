"""Dagster's door to this room: cases opened, updated and closed from what the rooms before found; M4 over time."""

from __future__ import annotations

from collections.abc import Iterator
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
IN_TIME = "in_time"


def exception_assets(stack: Stack) -> list[dg.AssetsDefinition]:
    """The one asset of this room. It comes after the plan: what a correction will put right is no case."""
    del stack

    @dg.asset(
        key=["exceptions", "cases"],
        deps=[["reconcile", "discrepancies"], ["corrections", "plan"]],
        group_name=GROUP,
        kinds={"sqlite"},
        check_specs=[
            dg.AssetCheckSpec(IN_TIME, asset=["exceptions", "cases"], description="No case is past its time.")
        ],
        description="What needs a person: one case per fingerprint, for a named reviewer, from open to confirmed.",
        pool="warehouse",
    )
    def cases(workplace: dg.ResourceParam[Workplace]) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        now = workplace.clock.now()
        with closing(workplace.ledger()) as ledger:
            with workplace.warehouse.write() as con:
                cycle = spine.current(con)
                require_receipts(con, workplace.stack, cycle)
                told = collect(ledger, con, workplace.stack, workplace.home, cycle)
            escalated = escalate(ledger, workplace.stack, now)
            with ledger.read() as reading:
                late = summary.overdue(reading, now)
                times = summary.resolution(reading, workplace.stack, now)
                counts = {**summary.of_pass(told), "escalated": len(escalated), **summary.counts(reading)}
        yield dg.AssetCheckResult(
            check_name=IN_TIME,
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(f"{n} of {reviewer}" for reviewer, n in late.items()) or "Nothing is overdue.",
            metadata={"overdue": sum(late.values())},
        )
        yield dg.MaterializeResult(metadata={**counts, "overdue": sum(late.values()), **times})

    return [cases]
