"""Who is meant: the persons and records behind an id that somebody gives. Nothing of their values."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from hrorch_pipelines.audit.refusals import AmbiguousSubjectError, UnknownSubjectError
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table, tables_in
from hrorch_pipelines.storage.sql import ident

SHORTEST_ID = 6
"""Characters of a person id, `p-` included, below which its beginning does not stand for it."""

Record = tuple[str, str]
"""(system, the system's own id of the base record)."""


@dataclass(frozen=True)
class Subject:
    """One human being as the warehouse knows them.

    `persons`: the id in use first, then those merged into it; empty for a record no person is known for. `records`: base
    records linked now or formerly (and not to somebody else since).
    """

    persons: tuple[str, ...]
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """What the audit log calls them."""
        return self.persons[0] if self.persons else ":".join(self.records[0])


def find(con: duckdb.DuckDBPyConnection, stack: Stack, given: str) -> Subject:
    """The subject behind a person id (or its beginning) or `system:source_id`. Raises UnknownSubjectError,
    AmbiguousSubjectError."""
    if not has_table(con, "identity", "links"):
        raise UnknownSubjectError
    system, _, source_id = given.partition(":")
    if system in stack.systems and source_id:
        found = _by_record(con, system, source_id)
        if not found:
            if not _seen(con, system, source_id):
                raise UnknownSubjectError
            return Subject((), ((system, source_id),))
    else:
        found = _by_id(con, given)
    roots = {_root(con, person) for person in found}
    if not roots:
        raise UnknownSubjectError
    if len(roots) > 1:
        raise AmbiguousSubjectError(len(roots))
    return of_person(con, roots.pop())


def of_person(con: duckdb.DuckDBPyConnection, person: str) -> Subject:
    """The subject a person id in use stands for."""
    merged = con.execute(
        """
        WITH RECURSIVE mine AS (
            SELECT $person AS person_id
            UNION SELECT p.person_id FROM identity.persons p JOIN mine ON p.merged_into = mine.person_id)
        SELECT person_id FROM mine ORDER BY person_id <> $person, person_id""",
        {"person": person},
    ).fetchall()
    persons = tuple(str(row[0]) for row in merged)
    records = con.execute(
        """
        SELECT system, source_id FROM identity.links WHERE list_contains($persons, person_id)
        UNION
        SELECT system, source_id FROM identity.former_links WHERE list_contains($persons, person_id)
          AND (system, source_id) NOT IN (SELECT (system, source_id) FROM identity.links)
        ORDER BY ALL""",
        {"persons": list(persons)},
    ).fetchall()
    return Subject(persons, tuple((str(system), str(source_id)) for system, source_id in records))


def _by_record(con: duckdb.DuckDBPyConnection, system: str, source_id: str) -> set[str]:
    for table in ("links", "former_links"):
        rows = con.execute(
            f"SELECT DISTINCT person_id FROM identity.{table} WHERE system = ? AND source_id = ?", [system, source_id]
        ).fetchall()
        if rows:
            return {str(row[0]) for row in rows}
    return set()


def _by_id(con: duckdb.DuckDBPyConnection, given: str) -> set[str]:
    known = "(SELECT person_id FROM identity.persons UNION SELECT person_id FROM identity.links)"
    rows = con.execute(f"SELECT person_id FROM {known} WHERE person_id = ?", [given]).fetchall()
    if not rows and given.startswith("p-") and len(given) >= SHORTEST_ID:
        rows = con.execute(f"SELECT person_id FROM {known} WHERE starts_with(person_id, ?)", [given]).fetchall()
    return {str(row[0]) for row in rows}


def _root(con: duckdb.DuckDBPyConnection, person: str) -> str:
    row = con.execute(
        """
        WITH RECURSIVE followed AS (
            SELECT $person AS person_id, 0 AS step
            UNION
            SELECT p.merged_into, step + 1 FROM identity.persons p JOIN followed f USING (person_id)
            WHERE p.merged_into IS NOT NULL)
        SELECT arg_max(person_id, step) FROM followed""",
        {"person": person},
    ).fetchone()
    return str(row[0]) if row else person


def _seen(con: duckdb.DuckDBPyConnection, system: str, source_id: str) -> bool:
    """Whether any record table of the system has ever held this id: a record that never passed its gate has no person."""
    return any(
        con.execute(
            f"SELECT 1 FROM {ident('history', table)} WHERE coalesce(parent_id, source_id) = ? LIMIT 1", [source_id]
        ).fetchone()
        for _, table in tables_in(con, "history")
        if table.startswith(f"{system}.")
    )
