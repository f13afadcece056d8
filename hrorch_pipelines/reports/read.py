"""What every report asks first: the last cycle, its day, and whether a name given as a filter exists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import duckdb

from hrorch_pipelines.reports.errors import (
    AmbiguousPersonError,
    NothingComparedError,
    UnknownChoiceError,
    UnknownPersonError,
)
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import ident

SHORTEST_ID = 6
"""Characters of a person id, `p-` included, below which its beginning does not stand for it."""


def last_cycle(con: duckdb.DuckDBPyConnection) -> tuple[str, date, datetime]:
    """(cycle id, its day, its moment) of the last finished cycle. Raises NothingComparedError."""
    row = None
    if has_table(con, "cycles", "runs"):
        row = con.execute(
            """SELECT cycle_id, as_of, now FROM cycles.runs WHERE finished_at IS NOT NULL
               ORDER BY finished_at DESC, now DESC LIMIT 1"""
        ).fetchone()
    if row is None:
        raise NothingComparedError
    return row[0], row[1], row[2]


def require_known(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownChoiceError for the first name that is not known."""
    names = tuple(known)
    for name in given:
        if name not in names:
            raise UnknownChoiceError(what, name, names)


def find_person(con: duckdb.DuckDBPyConnection, stack: Stack, given: str) -> str:
    """The person behind a person id (or its beginning), `system:source_id` or an employee number.

    A person who was merged into another is found under both ids. Raises UnknownPersonError, AmbiguousPersonError.
    """
    if not has_table(con, "golden", "persons"):
        raise UnknownPersonError
    system, _, source_id = given.partition(":")
    if system in stack.systems and source_id:
        rows = con.execute(
            "SELECT DISTINCT person_id FROM identity.links WHERE system = ? AND source_id = ?", [system, source_id]
        ).fetchall()
    else:
        rows = _by_id(con, given) or _by_number(con, stack, given)
    if not rows:
        raise UnknownPersonError
    if len(rows) > 1:
        raise AmbiguousPersonError(len(rows))
    return str(rows[0][0])


def _by_id(con: duckdb.DuckDBPyConnection, given: str) -> list[tuple[str]]:
    rows = con.execute("SELECT person_id FROM golden.persons WHERE person_id = ?", [given]).fetchall()
    if not rows and has_table(con, "identity", "persons"):
        rows = con.execute(
            """WITH RECURSIVE followed AS (
                   SELECT merged_into AS person_id FROM identity.persons WHERE person_id = ? AND merged_into IS NOT NULL
                   UNION
                   SELECT p.merged_into FROM identity.persons p JOIN followed f USING (person_id) WHERE p.merged_into IS NOT NULL)
               SELECT person_id FROM golden.persons SEMI JOIN followed USING (person_id)""",
            [given],
        ).fetchall()
    if not rows and given.startswith("p-") and len(given) >= SHORTEST_ID:
        rows = con.execute("SELECT person_id FROM golden.persons WHERE starts_with(person_id, ?)", [given]).fetchall()
    return rows


def _by_number(con: duckdb.DuckDBPyConnection, stack: Stack, given: str) -> list[tuple[str]]:
    if "employee_number" not in stack.attributes:
        return []
    number = ident("employee_number")
    return con.execute(f"SELECT person_id FROM golden.persons WHERE CAST({number} AS VARCHAR) = ?", [given]).fetchall()
