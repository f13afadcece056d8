"""Dagster's door to this room: every system's view of every person, and the golden record chosen from them."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.gates.receipts import require_receipts
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.columns import column_type
from hrorch_pipelines.workplace import Workplace

GROUP = "decide"


def authority_assets(stack: Stack) -> dg.AssetsDefinition:
    """`cells/<system>` and `golden/persons`, in one step: both are made for the same moment."""

    @dg.multi_asset(
        name="authority",
        specs=[
            *(
                dg.AssetSpec(
                    ["cells", name],
                    deps=[["identity", "links"], *(["accepted", name, record] for record in system.records)],
                    group_name=GROUP,
                    kinds={"duckdb"},
                    description=f"What {system.label or name} says of each person on the day of the cycle.",
                )
                for name, system in stack.systems.items()
            ),
            dg.AssetSpec(
                ["golden", "persons"],
                deps=[["cells", name] for name in stack.systems],
                group_name=GROUP,
                kinds={"duckdb"},
                description="One row per person; each value chosen by the authority of its data type and stage.",
                metadata={"dagster/column_schema": _columns(stack)},
            ),
        ],
        pool="warehouse",
    )
    def authority(workplace: dg.ResourceParam[Workplace]) -> Iterator[dg.MaterializeResult[None]]:
        with workplace.warehouse.write() as con:
            cycle = spine.current(con)
            require_receipts(con, workplace.stack, cycle)
            assemble(con, workplace.stack, cycle)
            decide(con, workplace.stack, cycle)
            rows = {name: spine.count(con, "cells", name) for name in workplace.stack.systems}
            persons = spine.count(con, "golden", "persons")
        for name, n in rows.items():
            yield dg.MaterializeResult(
                asset_key=["cells", name], metadata={"dagster/row_count": n, "stale": name in cycle.stale}
            )
        yield dg.MaterializeResult(
            asset_key=["golden", "persons"], metadata={"dagster/row_count": persons, "as of": cycle.as_of.isoformat()}
        )

    return authority


def _columns(stack: Stack) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn("person_id", "VARCHAR"),
            dg.TableColumn("stage", "VARCHAR"),
            *(
                dg.TableColumn(name, column_type(stack, name), description=attribute.purpose)
                for name, attribute in stack.attributes.items()
            ),
        ]
    )
