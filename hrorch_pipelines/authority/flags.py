"""What is unusual about single cells: withheld, unresolved, held, not yet effective, changed a moment ago, without a record.

Each kind is one small statement over what is rare; `cell_marks` then holds one row per owner that has any. A mark string has
one character per attribute of the system, in the order of its mapping; a blank is a usual cell.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import duckdb

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal


class Mark(StrEnum):
    """Why a cell is not simply its value. Of several marks the greatest letter counts, so the letters are in that order."""

    ABSENT = "a"  # the child record does not exist: the cell is empty
    CHANGED = "c"  # its effective value is younger than the grace period
    FUTURE = "f"  # nothing counts yet, something will
    HELD = "q"  # its newest version waits in quarantine; what is here is the last good one
    UNRESOLVED = "u"  # refers to a record that no person is known for
    WITHHELD = "w"  # the system would not show it to us


def attribute_order(stack: Stack, system: str) -> list[str]:
    """Attributes of a system in the order of its mapping: the positions of its mark string."""
    return list(stack.systems[system].mapped())


def grace_of(stack: Stack, attribute: str) -> timedelta:
    """How long a change of the attribute's authority may take to reach its copies; zero is a grace, too."""
    own = stack.attributes[attribute].grace
    return stack.comparison.grace if own is None else own


def find_flags(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str) -> bool:
    """Make `cell_marks(owner, marks, hidden, held, absent, unresolved)` and `cell_due(owner, due_at, due_on)`.

    Needs the tables of `resolve` and `changed`. Returns whether any cell is flagged.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE cell_flags (owner VARCHAR, attribute VARCHAR, mark VARCHAR)")
    declared = stack.systems[system]
    for record in declared.records:
        _record_flags(con, stack, cycle, system, record)
    _young(con, stack, cycle, system)
    _marks(con, stack, system)
    row = con.execute("SELECT count(*) FROM cell_flags").fetchone()
    return bool(row and row[0])


def _record_flags(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str, record: str) -> None:
    attributes = list(stack.systems[system].records[record].fields)
    if not attributes:
        return
    every = f"unnest([{', '.join(literal(name) for name in attributes)}])"
    resolved, doubtful = ident(f"resolved.{record}"), ident(f"doubtful.{record}")
    con.execute(
        f"""
        INSERT INTO cell_flags
        SELECT owner, unnest(hidden), '{Mark.WITHHELD}' FROM {resolved} WHERE len(hidden) > 0
        UNION ALL
        SELECT owner, unnest(faults).attribute, '{Mark.HELD}' FROM {resolved} WHERE len(faults) > 0
        UNION ALL
        SELECT owner, {every}, '{Mark.HELD}' FROM {resolved} WHERE held
        UNION ALL
        SELECT owner, {every}, '{Mark.HELD}' FROM {doubtful} WHERE day <= $as_of
        UNION ALL
        SELECT owner, attribute, '{Mark.FUTURE}' FROM cell_upcoming ANTI JOIN {resolved} USING (owner)
        WHERE list_contains($attributes, attribute)
        UNION ALL
        SELECT owner, {every}, '{Mark.ABSENT}' FROM cell_owners ANTI JOIN {resolved} USING (owner)
        """,
        {"as_of": cycle.as_of, "attributes": attributes},
    )
    for name in attributes:
        if stack.attributes[name].type is AttributeType.PERSON:
            con.execute(
                f"""INSERT INTO cell_flags
                    SELECT owner, $attribute, '{Mark.UNRESOLVED}' FROM {resolved} r
                    ANTI JOIN identity.links l ON l.system = $system AND l.source_id = r.{ident(name)}
                    WHERE r.{ident(name)} IS NOT NULL""",
                {"attribute": name, "system": system},
            )


def _young(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str) -> None:
    graces = (
        ", ".join(
            f"({literal(name)}, to_seconds({grace_of(stack, name).total_seconds()}))"
            for name in attribute_order(stack, system)
        )
        or "(NULL, NULL)"
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE cell_young AS
            SELECT owner, attribute, moment + grace AS until
            FROM cell_changes JOIN (VALUES {graces}) g (attribute, grace) USING (attribute) WHERE moment + grace > ?""",
        [cycle.now],
    )
    con.execute(f"INSERT INTO cell_flags SELECT owner, attribute, '{Mark.CHANGED}' FROM cell_young")
    con.execute(
        """CREATE OR REPLACE TEMP TABLE cell_due AS
           SELECT owner, min(until) AS due_at, NULL::DATE AS due_on FROM cell_young GROUP BY owner
           UNION ALL SELECT owner, NULL, min(day) FROM cell_days GROUP BY owner"""
    )


def _marks(con: duckdb.DuckDBPyConnection, stack: Stack, system: str) -> None:
    flagged = {name for (name,) in con.execute("SELECT DISTINCT attribute FROM cell_flags").fetchall()}
    letters = ", ".join(
        f"coalesce(max(mark) FILTER (attribute = {literal(name)} AND mark <> '{Mark.ABSENT}'), ' ')"
        if name in flagged
        else "' '"
        for name in attribute_order(stack, system)
    )
    lists = ", ".join(
        f"coalesce(list(DISTINCT attribute ORDER BY attribute) FILTER (mark = '{mark}'), []) AS {column}"
        for column, mark in (
            ("hidden", Mark.WITHHELD),
            ("held", Mark.HELD),
            ("absent", Mark.ABSENT),
            ("unresolved", Mark.UNRESOLVED),
        )
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE cell_marks AS
            SELECT * REPLACE (CASE WHEN trim(marks) <> '' THEN marks END AS marks)
            FROM (SELECT owner, concat({letters or "''"}) AS marks, {lists} FROM cell_flags GROUP BY owner)"""
    )
