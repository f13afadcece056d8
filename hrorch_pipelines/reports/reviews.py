"""Pairs of records that may be one person, waiting for a reviewer's answer."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.waiting import waiting
from hrorch_pipelines.stack.models import Stack

COLUMNS = (
    Column("review_id", "Review", rank=9),
    Column("kind", "Question", "name", rank=2),
    Column("left_system", "System", short="One record"),
    Column("left_id", "Record", inside="left_system"),
    Column("right_system", "and system", short="and the other"),
    Column("right_id", "record", inside="right_system"),
    Column("probability", "Likelihood", "share", rank=1),
    Column("why", "Why it is asked"),
    Column("action", "What to do", rank=4),
    Column("reviewer", "Reviewer", rank=3),
    Column("deputy", "Deputy", rank=8),
    Column("opened_at", "Since", "moment", rank=5),
)


def reviews(con: duckdb.DuckDBPyConnection, stack: Stack, *, limit: int | None = None) -> Table:
    """Open questions of identity, the likeliest first. They name records, never values.

    `limit` rows at most; a note counts the rest. Raises NothingComparedError before the first cycle.
    """
    _, as_of, _ = last_cycle(con)
    rows, more = waiting(
        con,
        stack,
        ("identity", "reviews"),
        COLUMNS,
        order="probability DESC NULLS LAST, opened_at, review_id",
        limit=limit,
        things="questions",
    )
    how = "Answer with `hrorch identity decide LEFT RIGHT same|different --by NAME --reason …`; the answer outlives every rerun."
    return Table("Identity reviews", COLUMNS, rows, as_of, (*more, how))
