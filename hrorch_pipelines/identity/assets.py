"""Dagster's door to this room: who is who, after the gates have vouched for the records."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.audit import linked
from hrorch_pipelines.gates.receipts import require_receipts
from hrorch_pipelines.identity.match import match
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace


def identity_assets(stack: Stack) -> dg.AssetsDefinition:
    """`identity/links`: every record's person, with the evidence."""

    @dg.asset(
        key=["identity", "links"],
        deps=[["accepted", name, system.base_record] for name, system in stack.systems.items()],
        group_name="match",
        kinds={"splink", "duckdb"},
        description="The same person across systems: linked by keys or by probability, asked when in doubt, never guessed.",
        pool="warehouse",
    )
    def links(workplace: dg.ResourceParam[Workplace]) -> dg.MaterializeResult[None]:
        with closing(workplace.ledger()) as ledger, workplace.warehouse.write() as con:
            cycle = spine.current(con)
            require_receipts(con, workplace.stack, cycle)
            result = match(con, workplace.stack, cycle)
            linked.record(ledger, con, workplace.stack)
        return dg.MaterializeResult(
            metadata={key.replace("_", " "): value for key, value in asdict(result).items() if isinstance(value, int)}
        )

    return links
