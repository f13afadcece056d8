"""The figures report: M1 and M2 with numerator, denominator, interval and definition."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reports.discrepancies import tolerances
from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack

COLUMNS = (
    Column("as_of", "As of", "date"),
    Column("metric", "Figure"),
    Column("scope", "Where"),
    Column("numerator", "Numerator", "integer"),
    Column("denominator", "Denominator", "integer"),
    Column("value", "Rate", "share"),
    Column("low", "95 % from", "share"),
    Column("high", "95 % to", "share"),
    Column("note", "Note"),
)


def metrics(con: duckdb.DuckDBPyConnection, stack: Stack, *, history: bool = False) -> Table:
    """Every rate of the last cycle, or the overall rates of every cycle (`history`)."""
    cycle_id, as_of, _ = last_cycle(con)
    rows = con.execute(
        """
        SELECT rates.as_of, metric, scope, numerator, denominator, value, low, high, note
        FROM reconcile.rates LEFT JOIN cycles.runs USING (cycle_id)
        WHERE CASE WHEN $history THEN scope = 'all' ELSE cycle_id = $cycle END
        ORDER BY runs.now, scope <> 'all', metric, scope
        """,
        {"history": history, "cycle": cycle_id},
    ).fetchall()
    definition = con.execute(
        "SELECT DISTINCT definition FROM reconcile.rates WHERE cycle_id = ?", [cycle_id]
    ).fetchall()
    return Table(
        "Rates",
        COLUMNS,
        tuple(rows),
        as_of,
        (f"Definition: {', '.join(row[0] for row in definition)} (docs/metrics.md).", *tolerances(stack)),
    )
