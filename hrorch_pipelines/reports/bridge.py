"""The headcount bridge as a table."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.bridge import UNEXPLAINED
from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table

COLUMNS = (
    Column("from_system", "From", grouped=True),
    Column("to_system", "To", grouped=True),
    Column("reason", "Step"),
    Column("count", "Heads", "integer"),
    Column("running", "Running", "integer"),
)

_QUERY = """
SELECT from_system, to_system, reason, count, running FROM reconcile.bridge
WHERE cycle_id = $cycle AND (count <> 0 OR reason = $unexplained OR reason LIKE 'heads in %')
ORDER BY from_system, to_system, step
"""


def bridge(con: duckdb.DuckDBPyConnection, stack: Stack) -> Table:
    """Every bridge of the last cycle, in the order of the steps; steps of nobody are left out, the residue never is.

    Raises NothingComparedError before the first cycle.
    """
    cycle_id, as_of, _ = last_cycle(con)
    rows = []
    if has_table(con, "reconcile", "bridge"):
        rows = con.execute(_QUERY, {"cycle": cycle_id, "unexplained": UNEXPLAINED}).fetchall()
    without = [name for name in stack.systems if not any(name in row[:2] for row in rows)]
    notes = ["Heads as defined in docs/metrics.md."]
    if without:
        notes.append(f"No bridge (no presence rule, or never read): {', '.join(without)}.")
    return Table("Headcount bridge", COLUMNS, tuple(rows), as_of, tuple(notes))
