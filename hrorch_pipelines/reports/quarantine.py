"""Records held at a gate, and snapshots a gate refused: what failed, what to do, who does it by when."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reports.read import has, last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack

COLUMNS = (
    Column("system", "System"),
    Column("record", "Record type"),
    Column("source_id", "Record"),
    Column("rule_id", "Rule"),
    Column("severity", "Severity"),
    Column("kind", "Kind"),
    Column("expected", "Expected"),
    Column("found_masked", "Found"),
    Column("cause", "Probable cause"),
    Column("action", "What to do"),
    Column("reviewer", "Reviewer"),
    Column("deputy", "Deputy"),
    Column("due_at", "Due", "moment"),
)


def quarantine(con: duckdb.DuckDBPyConnection, stack: Stack) -> Table:
    """Open cases, the one due first on top. Values were masked when they were written."""
    rows = []
    if has(con, "gates", "quarantine"):
        names = ", ".join(column.name for column in COLUMNS)
        rows = con.execute(
            f"SELECT {names} FROM gates.quarantine WHERE closed_at IS NULL ORDER BY severity, due_at, system, record, source_id, rule_id"
        ).fetchall()
    people = {name: owner.name for name, owner in stack.people.items()}
    _, as_of, _ = last_cycle(con)
    places = {column.name: place for place, column in enumerate(COLUMNS)}
    shown = []
    for row in rows:
        cells = list(row)
        for role in ("reviewer", "deputy"):
            cells[places[role]] = people.get(str(row[places[role]]), row[places[role]])
        shown.append(tuple(cells))
    return Table("Quarantine", COLUMNS, tuple(shown), as_of, ("A case closes by itself when the source is right again.",))
