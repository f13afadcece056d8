"""What waits for somebody, as rows of a report: the open entries of a table, with reviewer and deputy by name."""

from __future__ import annotations

from typing import Any

import duckdb

from hrorch_pipelines.reports.table import Column
from hrorch_pipelines.reports.words import owner_name
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import ident

_PEOPLE = ("reviewer", "deputy")


def waiting(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    place: tuple[str, str],
    columns: tuple[Column, ...],
    *,
    order: str,
    limit: int | None,
    things: str,
) -> tuple[tuple[tuple[Any, ...], ...], tuple[str, ...]]:
    """(rows, notes) of what is not closed in the table `place` (schema, name), in `order`; none where it does not exist yet.

    `limit` rows at most; a note counts the rest as `things`.
    """
    if not has_table(con, *place):
        return (), ()
    names = ", ".join(ident(column.name) for column in columns)
    rows = con.execute(
        f"""SELECT {names}, count(*) OVER () FROM {ident(*place)} WHERE closed_at IS NULL
            ORDER BY {order} LIMIT $limit""",
        {"limit": limit},
    ).fetchall()
    more = int(rows[0][-1]) - len(rows) if rows else 0
    named = tuple(
        tuple(
            owner_name(stack, str(cell or "")) if column.name in _PEOPLE else cell
            for cell, column in zip(row[:-1], columns, strict=True)
        )
        for row in rows
    )
    return named, (f"{more:,} more {things} are not shown here.",) if more else ()
