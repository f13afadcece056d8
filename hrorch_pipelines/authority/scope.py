"""Whose cells a pass works on: everybody, or the persons touched, fallen due, or referring to somebody who was relinked.

Leaves temporary relations: `scope_persons(person_id)`, `scope_links(system, source_id, person_id)`, and unless everybody is
in scope `scope_spells(place, system, source_id, person_id)`, the rows of `cells.spells` about either.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import drop_temporary, has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, record_table

_TOUCH = """
INSERT INTO cycles.touched_persons
SELECT DISTINCT ?, person_id FROM ({found})
WHERE person_id IS NOT NULL AND person_id NOT IN (SELECT person_id FROM cycles.touched_persons WHERE cycle_id = ?)
"""


def open_scope(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, *, full: bool) -> None:
    """Make the scope's relations. Unless `full`, whoever must be looked at again joins `cycles.touched_persons`, so that
    every later stage works on the same persons. Needs `cells.spells`.

    Whatever is asked about single records is looked up for those alone that the persons' own rows do not answer: these are
    few or none, and each look into all links of a million persons costs as much as a system's cells.
    """
    close_scope(con)
    if full:
        con.execute("CREATE TEMP VIEW scope_links AS SELECT system, source_id, person_id FROM identity.links")
        return
    _touch(
        con,
        cycle,
        "SELECT person_id FROM cells.due WHERE due_at <= $now OR due_on <= $as_of",
        now=cycle.now,
        as_of=cycle.as_of,
    )
    _touch_held(con, stack, cycle)
    _scope_tables(con, cycle)
    if _touch_records(con, cycle):
        _scope_tables(con, cycle)
    if _touch_relinked(con, stack, cycle):
        _scope_tables(con, cycle)
        _find_relinked(con)


def close_scope(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary relations."""
    drop_temporary(con, "scope_links", "scope_persons", "scope_spells", "scope_relinked")


def _touch(con: duckdb.DuckDBPyConnection, cycle: Cycle, found: str, **values: object) -> int:
    """Add persons to those touched; returns how many were not among them."""
    statement = _TOUCH.replace("?", "$cycle").format(found=found)
    added = con.execute(statement, {"cycle": cycle.cycle_id, **values}).fetchone()
    return int(added[0]) if added else 0


def _scope_tables(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE scope_persons AS SELECT DISTINCT person_id FROM cycles.touched_persons WHERE cycle_id = ?",
        [cycle.cycle_id],
    )
    con.execute(
        """CREATE OR REPLACE TEMP TABLE scope_links AS
           SELECT system, source_id, person_id FROM identity.links SEMI JOIN scope_persons USING (person_id)"""
    )
    con.execute(
        """CREATE OR REPLACE TEMP TABLE scope_spells AS
           SELECT rowid AS place, system, source_id, person_id FROM cells.spells SEMI JOIN scope_persons USING (person_id)"""
    )


def _touch_records(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> int:
    """The persons of touched records that are none of the scope's, by their links and by the last pass; returns how many."""
    return sum(
        _touch(
            con,
            cycle,
            f"""WITH others AS MATERIALIZED (
                    SELECT system, source_id FROM cycles.touched_records ANTI JOIN {known} USING (system, source_id))
                SELECT person_id FROM (FROM {table} WHERE source_id IN (SELECT source_id FROM others))
                SEMI JOIN others USING (system, source_id)""",
        )
        for known, table in (("scope_spells", "cells.spells"), ("scope_links", "identity.links"))
    )


def _touch_held(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """A hold can begin or end without the record itself changing (another record's fault was mended)."""
    for system in cycle.sources:
        if not has_table(con, "cells", system):
            continue
        for record in stack.systems[system].records:
            if not has_table(con, "accepted", f"{system}.{record}"):
                continue
            _touch(
                con,
                cycle,
                f"""SELECT l.person_id
                    FROM {record_table("accepted", system, record)} a
                    JOIN identity.links l ON l.system = $system AND l.source_id = coalesce(a.parent_id, a.source_id)
                    LEFT JOIN {ident("cells", system)} c ON c.person_id = l.person_id AND c.source_id = l.source_id
                    WHERE a.held AND coalesce(len(c.held), 0) = 0""",
                system=system,
            )
        _touch(
            con,
            cycle,
            f"SELECT person_id FROM {ident('cells', system)} WHERE len(held) > 0",
        )


def _touch_relinked(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> int:
    """Records that moved from one person to another: their former persons, and everybody who refers to them.

    Returns how many persons that adds.
    """
    _find_relinked(con)
    added = _touch(con, cycle, "SELECT former AS person_id FROM scope_relinked")
    for system in cycle.sources:
        for record, declared in stack.systems[system].records.items():
            references = [a for a in declared.fields if stack.attributes[a].type is AttributeType.PERSON]
            if not references or not has_table(con, "accepted", f"{system}.{record}"):
                continue
            moved = "(SELECT source_id FROM scope_relinked WHERE system = $system)"
            condition = " OR ".join(f"{ident(name)} IN {moved}" for name in references)
            added += _touch(
                con,
                cycle,
                f"""SELECT l.person_id FROM identity.links l
                    JOIN (SELECT DISTINCT coalesce(parent_id, source_id) AS source_id
                          FROM {record_table("accepted", system, record)} WHERE {condition}) r
                    ON l.system = $system AND l.source_id = r.source_id""",
                system=system,
            )
    return added


def _find_relinked(con: duckdb.DuckDBPyConnection) -> None:
    """Make `scope_relinked(system, source_id, former)`, and bring the spells of the scope's records that were another
    person's into `scope_spells`."""
    con.execute(
        """INSERT INTO scope_spells
           WITH others AS MATERIALIZED (FROM scope_links ANTI JOIN scope_spells USING (system, source_id))
           SELECT place, system, source_id, person_id FROM (
               SELECT rowid AS place, * FROM cells.spells WHERE source_id IN (SELECT source_id FROM others))
           SEMI JOIN others USING (system, source_id)"""
    )
    con.execute(
        """CREATE OR REPLACE TEMP TABLE scope_relinked AS
           WITH unlinked AS MATERIALIZED (
               FROM scope_spells SEMI JOIN scope_persons USING (person_id) ANTI JOIN scope_links USING (system, source_id)),
           elsewhere AS (
               SELECT system, source_id FROM identity.links WHERE source_id IN (SELECT source_id FROM unlinked))
           SELECT s.system, s.source_id, known.person_id AS former
           FROM scope_links s LEFT JOIN scope_spells known USING (system, source_id)
           WHERE known.person_id IS DISTINCT FROM s.person_id
           UNION ALL
           SELECT system, source_id, person_id FROM unlinked ANTI JOIN elsewhere USING (system, source_id)"""
    )
