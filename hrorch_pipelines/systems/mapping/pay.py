"""Pay: any amount per any unit becomes an amount per year. The factors are declared here and nowhere else."""

from __future__ import annotations

from hrorch_pipelines.stack.mapping import FieldMap, PayUnit
from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.errors import FieldFault
from hrorch_pipelines.systems.mapping.numbers import plain_number
from hrorch_pipelines.systems.mapping.statement import Statement
from hrorch_pipelines.systems.mapping.text import trimmed

PER_YEAR: dict[PayUnit, int] = {"year": 1, "month": 12, "semimonth": 24, "biweek": 26, "week": 52, "day": 260}
"""Units in a year; an hour is `hours_per_year`."""

_MOST_HOURS = 99_999_999  # DECIMAL(24,10) × DECIMAL(8,0) still fits


def convert_pay(statement: Statement, cell: Cell, unit_source: str | None) -> None:
    """PAY → DECIMAL(18,4) per year. `unit_source` is SQL for the raw text of `unit_from`.

    The amount is read to ten places, multiplied, then rounded half away from zero to four. A unit that neither
    `unit_map` nor the unit names know is a fault; where the source says none, `unit` counts, if declared.
    """
    declared = cell.field
    if declared.unit is None and declared.unit_from is None:
        raise FieldFault(
            cell.name,
            "nothing says what the amount is per",
            remedy="declare `unit: year` (or month, hour, …) or `unit_from: path`",
        )
    if declared.hours_per_year > _MOST_HOURS:
        raise FieldFault(cell.name, "hours_per_year is out of reason", remedy="a full year has 8,784 hours at most")
    factor = _factor(statement, cell, unit_source)
    plain = plain_number(statement, cell)
    amount = statement.add("amounts", cell.column("amount"), f"TRY_CAST({plain} AS DECIMAL(24,10))")
    cell.value = f"TRY_CAST({amount} * {factor} AS DECIMAL(18,4))"
    cell.fail(f"{plain} IS NOT NULL AND {factor} IS NULL", FaultCode.UNKNOWN_UNIT)
    cell.fail(f"{plain} IS NOT NULL AND {cell.column_value()} IS NULL", FaultCode.TOO_LARGE)


def per_year(field: FieldMap, unit: PayUnit) -> int:
    """How many of a unit a year has under this mapping."""
    return field.hours_per_year if unit == "hour" else PER_YEAR[unit]


def _factor(statement: Statement, cell: Cell, unit_source: str | None) -> str:
    declared = cell.field
    fixed = str(per_year(declared, declared.unit)) if declared.unit else "NULL"
    if unit_source is None:
        return f"{fixed}::DECIMAL(8,0)"
    word = statement.add("texts", cell.column("unit"), f"nullif({trimmed(statement, unit_source)}, '')")
    own = "".join(
        f" WHEN {word} = {statement.bind(key)} THEN {per_year(declared, unit)}"
        for key, unit in declared.unit_map.items()
    )
    named = "".join(f" WHEN lower({word}) = '{unit}' THEN {per_year(declared, unit)}" for unit in (*PER_YEAR, "hour"))
    return statement.add(
        "shapes", cell.column("per_year"), f"(CASE WHEN {word} IS NULL THEN {fixed}{own}{named} END)::DECIMAL(8,0)"
    )
