"""What every report asks first: the last cycle, its day, and whether a name given as a filter exists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import duckdb

from hrorch_pipelines.reports.errors import UnknownChoiceError, UnknownPersonError
from hrorch_pipelines.stack.models import Stack


def last_cycle(con: duckdb.DuckDBPyConnection) -> tuple[str, date, datetime]:
    """(cycle id, its day, its moment) of the last finished cycle."""
    row = con.execute(
        "SELECT cycle_id, as_of, now FROM cycles.runs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, now DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise LookupError("a published copy always has a finished cycle")
    return row[0], row[1], row[2]


def require_known(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownChoiceError for the first name that is not known."""
    names = tuple(known)
    for name in given:
        if name not in names:
            raise UnknownChoiceError(what, name, names)


def find_person(con: duckdb.DuckDBPyConnection, stack: Stack, given: str) -> str:
    """The person id behind a person id, `system:source_id` or employee number. Raises UnknownPersonError."""
    system, _, source_id = given.partition(":")
    if system in stack.systems and source_id:
        row = con.execute(
            "SELECT person_id FROM identity.links WHERE system = ? AND source_id = ?", [system, source_id]
        ).fetchone()
    else:
        row = con.execute("SELECT person_id FROM golden.persons WHERE person_id = ?", [given]).fetchone()
        if row is None and "employee_number" in stack.attributes:
            rows = con.execute("SELECT person_id FROM golden.persons WHERE employee_number = ?", [given]).fetchall()
            row = rows[0] if len(rows) == 1 else None
    if row is None:
        raise UnknownPersonError
    return str(row[0])


def has(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether a table or view is there: a young warehouse lacks some."""
    return bool(
        con.execute(
            """SELECT 1 FROM information_schema.tables
               WHERE table_catalog = current_database() AND table_schema = ? AND table_name = ?""",
            [schema, table],
        ).fetchone()
    )
