"""The discrepancy report: what disagrees, where, why, since when, what it costs."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.masking import mask
from hrorch_pipelines.reconcile.terms import Cause, State
from hrorch_pipelines.reports.read import find_person, last_cycle, require_known
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack

SHOWN = (State.DISAGREE, State.MISSING_RECORD, State.GHOST)
"""Without a filter, what is counted in M2; `in_flight` and `scheduled` on request."""

COLUMNS = (
    Column("person_id", "Person"),
    Column("attribute", "Attribute"),
    Column("state", "State"),
    Column("authority_system", "Authority"),
    Column("authority_value", "Authority says"),
    Column("copy_system", "Copy"),
    Column("copy_source_id", "Record"),
    Column("copy_value", "Copy says"),
    Column("cause", "Cause"),
    Column("cause_detail", "In words"),
    Column("money_at_risk", "At risk per pay period", "money"),
    Column("first_seen_at", "First seen", "moment"),
)

_QUERY = """
SELECT person_id, attribute, state, authority_system, authority_value, copy_system, copy_source_id, copy_value, cause,
       cause_detail, money_at_risk, first_seen_at
FROM reconcile.discrepancies
WHERE list_contains($states, state)
  AND (len($systems) = 0 OR list_contains($systems, copy_system))
  AND (len($attributes) = 0 OR list_contains($attributes, attribute))
  AND (len($causes) = 0 OR list_contains($causes, cause))
  AND ($person IS NULL OR person_id = $person)
ORDER BY money_at_risk DESC NULLS LAST, copy_system, attribute, person_id
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
) -> Table:
    """Discrepancies of the last cycle, the costliest first; values masked by sensitivity unless `reveal`.

    Raises UnknownChoiceError for a filter that names nothing, UnknownPersonError for a person nobody knows.
    """
    require_known("system", systems, stack.systems)
    require_known("attribute", attributes, stack.attributes)
    require_known("state", states, tuple(State))
    require_known("cause", causes, tuple(Cause))
    rows = con.execute(
        _QUERY,
        {
            "states": list(states or SHOWN),
            "systems": list(systems),
            "attributes": list(attributes),
            "causes": list(causes),
            "person": find_person(con, stack, person) if person else None,
        },
    ).fetchall()
    _, as_of, _ = last_cycle(con)
    total = con.execute("SELECT count(*) FROM reconcile.discrepancies").fetchone()
    return Table(
        "Discrepancies",
        COLUMNS,
        tuple(row if reveal else _masked(row, stack) for row in rows),
        as_of,
        (
            f"{len(rows)} of {total[0] if total else 0} rows of all states; costliest first.",
            *tolerances(stack),
            *(() if reveal else ("Personal values are masked; `--reveal` shows them.",)),
        ),
    )


def tolerances(stack: Stack) -> tuple[str, ...]:
    """The tolerances used, in a sentence; part of every result they shaped."""
    used = [f"{name} {attribute.tolerance}" for name, attribute in stack.attributes.items() if attribute.tolerance]
    return (f"Tolerances: {', '.join(used)}.",) if used else ()


def _masked(row: tuple[object, ...], stack: Stack) -> tuple[object, ...]:
    shown = list(row)
    attribute = stack.attributes.get(str(row[1]))
    sensitivity = attribute.sensitivity.value if attribute else "personal"
    for place in (4, 7):
        shown[place] = mask(row[place], sensitivity)
    return tuple(shown)
