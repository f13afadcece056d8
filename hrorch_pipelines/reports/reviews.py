"""Pairs of records that may be one person, waiting for a reviewer's answer."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reports.read import has, last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack

COLUMNS = (
    Column("review_id", "Review"),
    Column("kind", "Question"),
    Column("left_system", "System"),
    Column("left_id", "Record"),
    Column("right_system", "and system"),
    Column("right_id", "record"),
    Column("probability", "Likelihood", "share"),
    Column("why", "Why it is asked"),
    Column("action", "What to do"),
    Column("reviewer", "Reviewer"),
    Column("deputy", "Deputy"),
    Column("opened_at", "Since", "moment"),
)


def reviews(con: duckdb.DuckDBPyConnection, stack: Stack) -> Table:
    """Open questions of identity, the likeliest first. They name records, never values."""
    rows = []
    if has(con, "identity", "reviews"):
        names = ", ".join(column.name for column in COLUMNS)
        rows = con.execute(
            f"SELECT {names} FROM identity.reviews WHERE closed_at IS NULL ORDER BY probability DESC NULLS LAST, opened_at, review_id"
        ).fetchall()
    people = {name: owner.name for name, owner in stack.people.items()}
    shown = tuple((*row[:9], people.get(row[9], row[9]), people.get(row[10], row[10]), row[11]) for row in rows)
    _, as_of, _ = last_cycle(con)
    return Table(
        "Identity reviews",
        COLUMNS,
        shown,
        as_of,
        ("Answer with `hrorch identity decide LEFT RIGHT same|different --by NAME --reason …`; the answer outlives every rerun.",),
    )
