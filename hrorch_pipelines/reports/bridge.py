"""The headcount bridge as a table."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack

COLUMNS = (
    Column("from_system", "From"),
    Column("to_system", "To"),
    Column("reason", "Step"),
    Column("count", "Heads", "integer"),
    Column("running", "Running", "integer"),
)


def bridge(con: duckdb.DuckDBPyConnection, stack: Stack) -> Table:
    """Every bridge of the last cycle, in the order of the steps; steps of nobody are left out, the residue never is."""
    cycle_id, as_of, _ = last_cycle(con)
    rows = con.execute(
        """
        SELECT from_system, to_system, reason, count, running FROM reconcile.bridge
        WHERE cycle_id = ? AND (count <> 0 OR reason = 'unexplained' OR reason LIKE 'heads in %')
        ORDER BY from_system, to_system, step
        """,
        [cycle_id],
    ).fetchall()
    names = ", ".join(stack.systems)
    return Table(
        "Headcount bridge", COLUMNS, tuple(rows), as_of, (f"Systems: {names}. Heads as defined in docs/metrics.md.",)
    )
