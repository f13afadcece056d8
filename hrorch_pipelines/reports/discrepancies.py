"""The discrepancy report: what disagrees, where, why, since when, what it costs."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from hrorch_pipelines.reconcile.terms import Cause, State
from hrorch_pipelines.reports.masked import band, pay_is_masked, shown
from hrorch_pipelines.reports.read import find_person, last_cycle, require_known
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table

SHOWN = (State.DISAGREE, State.MISSING_RECORD, State.GHOST)
"""Without a filter, what is counted in M2; `in_flight` and `scheduled` on request."""

COLUMNS = (
    Column("person_id", "Person", "person"),
    Column("copy_system", "Copy", short="Where"),
    Column("attribute", "Attribute", "name", inside="copy_system"),
    Column("state", "State", "name", rank=6),
    Column("authority_system", "Authority", rank=4),
    Column("authority_value", "Authority says", short="Authority"),
    Column("copy_value", "Copy says", short="Copy"),
    Column("copy_source_id", "Record", rank=7),
    Column("cause", "Cause", "name"),
    Column("cause_detail", "In words", rank=9),
    Column("money_at_risk", "At risk per pay period", "money", short="At risk", rank=5),
    Column("first_seen_at", "First seen", "moment", rank=8),
)

_NO_RECORD = "(no record)"

_QUERY = f"""
WITH chosen AS (
    SELECT {", ".join(column.name for column in COLUMNS)}
    FROM reconcile.discrepancies
    WHERE list_contains($states, state)
      AND (len($systems) = 0 OR list_contains($systems, copy_system))
      AND (len($attributes) = 0 OR list_contains($attributes, attribute))
      AND (len($causes) = 0 OR list_contains($causes, cause))
      AND ($person IS NULL OR person_id = $person))
SELECT *, count(*) OVER () AS found FROM chosen
ORDER BY money_at_risk DESC NULLS LAST, copy_system, attribute, person_id, state
LIMIT $limit
"""


def discrepancies(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    *,
    systems: tuple[str, ...] = (),
    attributes: tuple[str, ...] = (),
    states: tuple[str, ...] = (),
    causes: tuple[str, ...] = (),
    person: str | None = None,
    reveal: bool = False,
    limit: int | None = None,
) -> Table:
    """Discrepancies of the last cycle, the costliest first; values masked by sensitivity unless `reveal`.

    Masked, `money_at_risk` is a band: what a ghost costs is what somebody earns. `limit` rows at most; a note counts the rest.
    Raises UnknownChoiceError for a filter that names nothing, UnknownPersonError for a person nobody knows,
    NothingComparedError before the first cycle.
    """
    require_known("system", systems, stack.systems)
    require_known("attribute", attributes, stack.attributes)
    require_known("state", states, tuple(State))
    require_known("cause", causes, tuple(Cause))
    _, as_of, _ = last_cycle(con)
    rows: list[tuple[object, ...]] = []
    total = 0
    if has_table(con, "reconcile", "discrepancies"):
        rows = con.execute(
            _QUERY,
            {
                "states": list(states or SHOWN),
                "systems": list(systems),
                "attributes": list(attributes),
                "causes": list(causes),
                "person": find_person(con, stack, person) if person else None,
                "limit": limit,
            },
        ).fetchall()
        counted = con.execute("SELECT count(*) FROM reconcile.discrepancies").fetchone()
        total = int(counted[0]) if counted else 0
    hide_pay = pay_is_masked(stack) and not reveal
    return Table(
        "Discrepancies",
        tuple(replace(column, kind="text") if hide_pay and column.kind == "money" else column for column in COLUMNS),
        tuple(_shown(row[:-1], stack, reveal=reveal, hide_pay=hide_pay) for row in rows),
        as_of,
        (*_counted(rows, total), *tolerances(stack), *(() if reveal else _masking(hide_pay=hide_pay))),
    )


def tolerances(stack: Stack) -> tuple[str, ...]:
    """The tolerances used, in a sentence; part of every result they shaped."""
    used = [f"{name} {attribute.tolerance}" for name, attribute in stack.attributes.items() if attribute.tolerance]
    return (f"Tolerances: {', '.join(used)}.",) if used else ()


def _counted(rows: list[tuple[object, ...]], total: int) -> tuple[str, ...]:
    found = int(str(rows[0][-1])) if rows else 0
    of = f"{found:,} of {total:,} rows of all states; costliest first."
    return (of,) if found == len(rows) else (of, f"{found - len(rows):,} of them are not shown here.")


def _masking(*, hide_pay: bool) -> tuple[str, ...]:
    money = "; amounts at risk are bands" if hide_pay else ""
    return (f"Personal values are masked{money}; `--reveal` shows them.",)


def _shown(row: tuple[object, ...], stack: Stack, *, reveal: bool, hide_pay: bool) -> tuple[object, ...]:
    cells = dict(zip((column.name for column in COLUMNS), row, strict=True))
    attribute = str(cells["attribute"])
    for side in ("authority_value", "copy_value"):
        cells[side] = shown(stack, attribute, cells[side], reveal=reveal)
    if cells["state"] == State.MISSING_RECORD and cells["copy_source_id"] is None:
        cells["copy_value"] = _NO_RECORD
    if hide_pay:
        cells["money_at_risk"] = band(cells["money_at_risk"])  # type: ignore[arg-type]
    return tuple(cells.values())
