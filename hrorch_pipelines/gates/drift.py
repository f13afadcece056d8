"""How far the distribution of an attribute has moved: the population stability index against an earlier snapshot.

PSI = Σ (q − p) · ln(q / p) over categories, p then and q now; below 0.1 nothing, above 0.25 a shift (the usual reading
in credit scoring).
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.gates.scope import RecordType, Snapshot
from hrorch_pipelines.storage.sql import ident

CATEGORIES = 50
"""The most frequent values count one by one; all others together are one category, and so are empty cells."""
BINS = 10
"""Numbers, dates and moments fall into tenths of the earlier distribution."""
FLOOR = 0.0001
"""A share of nothing would make the index infinite."""
_ORDERED = {"DATE", "TIMESTAMPTZ", "BIGINT", "DECIMAL(18,4)"}


def stability_index(
    con: duckdb.DuckDBPyConnection, scope: RecordType, before: Snapshot, now: Snapshot, attribute: str
) -> float | None:
    """The index of one attribute; None when one of the snapshots has no rows. Values never leave the engine."""
    before.remember_moment(con)
    column = f"h.{ident(attribute)}"
    then_rows = f"SELECT {column} AS value FROM {scope.history} AS h WHERE {_held_at('h')}"
    ordered = scope.attributes[attribute] in _ORDERED
    con.execute(f"CREATE OR REPLACE TEMP TABLE gate_then AS {then_rows}")
    now.remember_moment(con)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE gate_now AS "
        f"SELECT {column} AS value FROM {scope.history} AS h WHERE {now.holds('h')}"
    )
    row = con.execute(_binned() if ordered else _categorized()).fetchone()
    con.execute("DROP TABLE gate_then; DROP TABLE gate_now")
    return None if row is None or row[0] is None else float(row[0])


def _held_at(alias: str) -> str:
    moment = "getvariable('gate_moment')"
    return f"{alias}.valid_from <= {moment} AND ({alias}.valid_to IS NULL OR {alias}.valid_to > {moment})"


def _categorized() -> str:
    return _index(
        f"""
        frequent AS (
            SELECT value FROM gate_then WHERE value IS NOT NULL
            GROUP BY value ORDER BY count(*) DESC, value LIMIT {CATEGORIES}
        )""",
        "CASE WHEN value IS NULL THEN 'empty' WHEN value IN (SELECT value FROM frequent) THEN 'value ' || value::VARCHAR "
        "ELSE 'other' END",
    )


def _binned() -> str:
    return _index(
        f"""
        ranked AS (
            SELECT value, ntile({BINS}) OVER (ORDER BY value) AS tenth FROM gate_then WHERE value IS NOT NULL
        ), edges AS (
            SELECT list(DISTINCT edge) AS edges FROM (SELECT max(value) AS edge FROM ranked GROUP BY tenth)
        )""",
        "CASE WHEN value IS NULL THEN 'empty' "
        "ELSE len(list_filter((SELECT edges FROM edges), lambda edge: edge < value))::VARCHAR END",
    )


def _index(steps: str, category: str) -> str:
    return f"""
        WITH {steps.strip()},
        then_shares AS (
            SELECT {category} AS category, count(*) / sum(count(*)) OVER () AS share FROM gate_then GROUP BY 1
        ), now_shares AS (
            SELECT {category} AS category, count(*) / sum(count(*)) OVER () AS share FROM gate_now GROUP BY 1
        ), pairs AS (
            SELECT greatest(coalesce(t.share, 0), {FLOOR}) AS p, greatest(coalesce(n.share, 0), {FLOOR}) AS q
            FROM then_shares AS t FULL JOIN now_shares AS n ON n.category = t.category
        )
        SELECT CASE WHEN (SELECT count(*) FROM gate_then) > 0 AND (SELECT count(*) FROM gate_now) > 0
               THEN sum((q - p) * ln(q / p)) END FROM pairs
        """
