"""What a wrong pay costs per pay period: the difference, or the whole pay of a ghost and of a person payroll forgot."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.sql import ident


def price(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Fill `money_at_risk` (the organization's currency, per pay period) of discrepancies that concern pay."""
    periods = stack.comparison.pay_periods_per_year
    for attribute, declared in stack.attributes.items():
        if declared.type is not AttributeType.PAY:
            continue
        con.execute(
            """UPDATE reconcile.discrepancies
               SET money_at_risk = abs(coalesce(TRY_CAST(authority_value AS DECIMAL(18, 4)), 0)
                                       - coalesce(TRY_CAST(copy_value AS DECIMAL(18, 4)), 0)) / $periods
               WHERE attribute = $attribute AND state IN ($disagree, $missing)""",
            {
                "periods": periods,
                "attribute": attribute,
                "disagree": State.DISAGREE.value,
                "missing": State.MISSING_RECORD.value,
            },
        )
        for system in stack.systems_with(attribute):
            con.execute(
                f"""UPDATE reconcile.discrepancies SET money_at_risk = cells.{ident(attribute)} / $periods
                    FROM cells.{ident(system)} AS cells
                    WHERE state = $ghost AND copy_system = $system AND cells.person_id = discrepancies.person_id""",
                {"periods": periods, "ghost": State.GHOST.value, "system": system},
            )
