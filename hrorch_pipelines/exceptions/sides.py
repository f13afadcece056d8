"""What both sides of a case hold, read from the warehouse when somebody resolves it; and what was entered, made canonical."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.exceptions.errors import NotResolvableError, ValueNotUnderstoodError
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.columns import SQL_TYPES
from hrorch_pipelines.storage.engine import engine_errors
from hrorch_pipelines.storage.sql import ident, record_table

_GONE = "nothing, if it is mended: it closes with the next cycle; else look at the person with `hrorch explain`"


@dataclass(frozen=True)
class Side:
    """One system's cell: the base record's id, the record type that holds the attribute, its value.

    `value` is canonical; where it is a person, it is that person's record id in this system. `held` is as the comparison has
    it: the person's own id there.
    """

    system: str
    record: str
    source_id: str
    value: str | None = field(repr=False)
    held: str | None = field(repr=False)


@dataclass(frozen=True)
class Sides:
    """The copy a case is about (none for a gate's case) and the authority. A side without a record is None."""

    person_id: str
    attribute: str
    copy: Side | None
    authority: Side | None


def sides_of(con: duckdb.DuckDBPyConnection, stack: Stack, row: sa.Row[Any]) -> Sides:
    """Both sides of a case as the warehouse (or its published copy) has them now.

    Raises NotResolvableError where nothing is compared any more, or where the case is not about one attribute of a person.
    """
    if row.attribute is None or row.attribute not in stack.attributes:
        raise NotResolvableError(
            row.case_id, "it is not about one attribute", remedy="correct it in the system, then `--edited`"
        )
    with engine_errors("exceptions"):
        return _gate_sides(con, stack, row) if row.source == "gate" else _compared_sides(con, stack, row)


def canonical(stack: Stack, attribute: str, text: str) -> str:
    """What somebody entered, as canonical text (numbers and dates as the warehouse writes them).

    Raises ValueNotUnderstoodError, which does not repeat it.
    """
    kind = stack.attributes[attribute].type
    given = text.strip()
    if kind is AttributeType.SECRET or not given:
        raise ValueNotUnderstoodError(attribute, kind.value)
    if kind is AttributeType.EMAIL:
        return given.lower()
    column = SQL_TYPES.get(kind)
    if column is None:
        return given
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        rows = con.execute(f"SELECT CAST(TRY_CAST(? AS {column}) AS VARCHAR)", [given]).fetchall()
    if rows[0][0] is None:
        raise ValueNotUnderstoodError(attribute, kind.value)
    return str(rows[0][0])


def reference_in(
    con: duckdb.DuckDBPyConnection, stack: Stack, system: str, attribute: str, value: str | None
) -> str | None:
    """Where a value is a person: that person's record id in the system. Any other value is returned as it is."""
    if value is None or stack.attributes[attribute].type is not AttributeType.PERSON:
        return value
    if not has_table(con, "cells", system):
        return None
    rows = con.execute(
        f"SELECT source_id FROM {ident('cells', system)} WHERE person_id = $value OR source_id = $value",
        {"value": value},
    ).fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def wanted_there(con: duckdb.DuckDBPyConnection, stack: Stack, sides: Sides) -> str | None:
    """The authority's value in the copy's own terms; None where it has none, or refers to somebody the copy does not hold."""
    if sides.copy is None or sides.authority is None:
        return None
    return reference_in(con, stack, sides.copy.system, sides.attribute, sides.authority.held)


def _compared_sides(con: duckdb.DuckDBPyConnection, stack: Stack, row: sa.Row[Any]) -> Sides:
    found = []
    if has_table(con, "reconcile", "discrepancies"):
        found = con.execute(
            """SELECT person_id, copy_system, copy_source_id, copy_value, authority_system, authority_source_id, authority_value
               FROM reconcile.discrepancies WHERE person_id = ? AND copy_system = ? AND attribute = ?
               ORDER BY state = 'scheduled' LIMIT 1""",
            [row.person_id, row.system, row.attribute],
        ).fetchall()
    if not found:
        raise NotResolvableError(row.case_id, "the comparison shows no difference there now", remedy=_GONE)
    person, copy, copy_id, copy_value, authority, authority_id, authority_value = found[0]
    return Sides(
        person,
        row.attribute,
        _side(con, stack, copy, copy_id, row.attribute, copy_value),
        _side(con, stack, authority, authority_id, row.attribute, authority_value),
    )


def _side(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    system: str | None,
    source_id: str | None,
    attribute: str,
    value: str | None,
) -> Side | None:
    if system is None or source_id is None or system not in stack.systems:
        return None
    record = stack.systems[system].mapped().get(attribute)
    if record is None:
        return None
    return Side(system, record, source_id, reference_in(con, stack, system, attribute, value), value)


def _gate_sides(con: duckdb.DuckDBPyConnection, stack: Stack, row: sa.Row[Any]) -> Sides:
    """The record that waits in quarantine is the authority's side: what it holds now is what has to be replaced."""
    found = con.execute(
        """SELECT q.system, q.record, q.record_key, q.occurrence, coalesce(q.parent_id, q.source_id), l.person_id, g.stage
           FROM gates.quarantine q
           LEFT JOIN identity.links l ON l.system = q.system AND l.source_id = coalesce(q.parent_id, q.source_id)
           LEFT JOIN golden.persons g ON g.person_id = l.person_id
           WHERE q.case_id = ? AND q.closed_at IS NULL AND q.record_key IS NOT NULL""",
        [row.reference],
    ).fetchall()
    if not found:
        raise NotResolvableError(row.case_id, "no single record waits for it at the gate", remedy=_GONE)
    system, record, key, occurrence, base, person, stage = found[0]
    if person is None:
        raise NotResolvableError(
            row.case_id, "it is not known yet whose record this is", remedy=f"correct it in {system}, then `--edited`"
        )
    decider = stack.authority_of(row.attribute, stage) if stage else None
    if decider != system:
        raise NotResolvableError(
            row.case_id,
            f"{system} does not decide {row.attribute}",
            remedy=f"correct it in {system} by hand, then `--edited`; {decider or 'nobody'} decides it",
        )
    held = con.execute(
        f"""SELECT CAST({ident(row.attribute)} AS VARCHAR) FROM {record_table("history", system, record)}
            WHERE record_key = ? AND occurrence = ? AND valid_to IS NULL""",
        [key, occurrence],
    ).fetchall()
    value = str(held[0][0]) if held and held[0][0] is not None else None
    return Sides(person, row.attribute, None, Side(system, record, base, value, value))
