"""The figures report: M1 and M2 with numerator, denominator, interval and definition."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.rates import M1, M1_COVERAGE, M1_UPPER, M2
from hrorch_pipelines.reports.discrepancies import tolerances
from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table

COLUMNS = (
    Column("as_of", "As of", "date"),
    Column("metric", "Figure", grouped=True),
    Column("scope", "Where", "name"),
    Column("numerator", "Numerator", "integer", short="Count"),
    Column("denominator", "Denominator", "integer", inside="numerator", needed=True),
    Column("value", "Rate", "share", short="Rate (95 % sure)"),
    Column("low", "95 % from", "share", inside="value"),
    Column("high", "95 % to", "share", inside="value"),
    Column("note", "Note", rank=1),
)

HISTORY = (
    Column("as_of", "Day", "date"),
    Column("disagreeing", "M2 disagreeing cells", "integer", short="M2 cells"),
    Column("comparable", "M2 comparable cells", "integer", inside="disagreeing"),
    Column("m2", "M2 discrepancy rate", "share", short="M2 (95 % sure)"),
    Column("m2_low", "M2 95 % from", "share", inside="m2"),
    Column("m2_high", "M2 95 % to", "share", inside="m2"),
    Column("landings", "M1 landings", "integer", rank=1),
    Column("m1_low", "M1 at least", "share", short="M1 typed"),
    Column("m1_high", "M1 at most", "share", inside="m1_low"),
    Column("coverage", "M1 origin known", "share", short="known"),
    Column("note", "Note", rank=2),
    Column("cycle_id", "Cycle", rank=3),
)

_REMARKS = 7
"""Cycles whose remark (what was left out of M2) stands below the history too: the column may have no room."""

_HISTORY = """
WITH overall AS (SELECT * FROM reconcile.rates WHERE scope = 'all'),
wide AS (
    SELECT cycle_id, any_value(as_of) AS as_of,
           any_value(numerator) FILTER (metric = $m2) AS disagreeing, any_value(denominator) FILTER (metric = $m2) AS comparable,
           any_value(value) FILTER (metric = $m2) AS m2, any_value(low) FILTER (metric = $m2) AS m2_low,
           any_value(high) FILTER (metric = $m2) AS m2_high, any_value(denominator) FILTER (metric = $m1) AS landings,
           any_value(value) FILTER (metric = $m1) AS m1_low, any_value(value) FILTER (metric = $upper) AS m1_high,
           any_value(value) FILTER (metric = $coverage) AS coverage, any_value(note) FILTER (metric = $m2) AS note
    FROM overall GROUP BY cycle_id)
SELECT wide.as_of, disagreeing, comparable, m2, m2_low, m2_high, landings, m1_low, m1_high, coverage, note, cycle_id
FROM wide LEFT JOIN cycles.runs AS runs USING (cycle_id)
ORDER BY coalesce(runs.now, wide.as_of::TIMESTAMPTZ), cycle_id
"""


def metrics(con: duckdb.DuckDBPyConnection, stack: Stack, *, history: bool = False) -> Table:
    """Every rate of the last cycle; or, with `history`, the overall rates of every cycle, a row per cycle.

    Raises NothingComparedError before the first cycle.
    """
    cycle_id, as_of, _ = last_cycle(con)
    if history:
        return _history(con, stack)
    rows = _rates(con, cycle_id)
    left_out = tuple(f"{M2}: {row[-1]}." for row in rows if row[1:3] == (M2, "all") and row[-1])
    return Table("Rates", COLUMNS, tuple(rows), as_of, (*left_out, _definition(con, cycle_id), *tolerances(stack)))


def _rates(con: duckdb.DuckDBPyConnection, cycle_id: str) -> list[tuple[object, ...]]:
    if not has_table(con, "reconcile", "rates"):
        return []
    return con.execute(
        """SELECT as_of, metric, scope, numerator, denominator, value, low, high, note FROM reconcile.rates
           WHERE cycle_id = ? ORDER BY scope <> 'all', metric, scope""",
        [cycle_id],
    ).fetchall()


def _history(con: duckdb.DuckDBPyConnection, stack: Stack) -> Table:
    rows: list[tuple[object, ...]] = []
    if has_table(con, "reconcile", "rates"):
        names = {"m1": M1, "upper": M1_UPPER, "coverage": M1_COVERAGE, "m2": M2}
        rows = con.execute(_HISTORY, names).fetchall()
    return Table(
        "Rates over time",
        HISTORY,
        tuple(rows),
        None,
        (
            *(f"{row[0]}: M2 {row[-2]}." for row in rows[-_REMARKS:] if row[-2]),
            "M2: disagreeing of comparable values.",
            "M1: share of what landed in copies in 30 days that was typed by hand, at least and at most.",
            "known: share whose origin is known.",
            _definition(con, None),
            *tolerances(stack),
        ),
    )


def _definition(con: duckdb.DuckDBPyConnection, cycle_id: str | None) -> str:
    rows = []
    if has_table(con, "reconcile", "rates"):
        rows = con.execute(
            "SELECT DISTINCT definition FROM reconcile.rates WHERE $cycle IS NULL OR cycle_id = $cycle ORDER BY definition",
            {"cycle": cycle_id},
        ).fetchall()
    return f"Definition: {', '.join(row[0] for row in rows) or 'none yet'} (docs/metrics.md)."
