"""Records held at a gate, and snapshots a gate refused: what failed, what to do, who does it by when."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.waiting import waiting
from hrorch_pipelines.stack.models import Stack

COLUMNS = (
    Column("system", "System", short="Where"),
    Column("record", "Record type", inside="system"),
    Column("source_id", "Record"),
    Column("rule_id", "Rule", rank=4),
    Column("severity", "Severity", rank=6),
    Column("kind", "Kind", "name", rank=7),
    Column("expected", "Expected", rank=5),
    Column("found_masked", "Found"),
    Column("cause", "Probable cause", rank=8),
    Column("action", "What to do"),
    Column("reviewer", "Reviewer", rank=2),
    Column("deputy", "Deputy", rank=9),
    Column("due_at", "Due", "moment", rank=3),
)


def quarantine(con: duckdb.DuckDBPyConnection, stack: Stack, *, limit: int | None = None) -> Table:
    """Open cases, what quarantines before what only warns, the one due first on top. Values were masked when written.

    `limit` rows at most; a note counts the rest. Raises NothingComparedError before the first cycle.
    """
    _, as_of, _ = last_cycle(con)
    rows, more = waiting(
        con,
        stack,
        ("gates", "quarantine"),
        COLUMNS,
        order="severity, due_at, system, record, source_id, rule_id",
        limit=limit,
        things="cases",
    )
    return Table("Quarantine", COLUMNS, rows, as_of, (*more, "A case closes by itself when the source is right again."))
