"""Assemble `cells."<system>"`: what one system says of each person on the day of the cycle, one wide row per person.

Rows of record types come from `resolve`, marks of unusual cells from `flags`, the choice among several records of one person
from `spells`. Nothing is compared here.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from hrorch_pipelines.authority.changed import find_changes
from hrorch_pipelines.authority.conditions import require_conditions
from hrorch_pipelines.authority.errors import RecordsNotAccepted
from hrorch_pipelines.authority.flags import attribute_order, find_flags
from hrorch_pipelines.authority.passes import must_recompute, prepare, record_pass
from hrorch_pipelines.authority.resolve import kept_rows, resolve_record
from hrorch_pipelines.authority.scope import close_scope, open_scope
from hrorch_pipelines.authority.spells import choose_spells, live_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import drop_temporary, has_table
from hrorch_pipelines.storage.columns import column_type, ddl
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import transaction
from hrorch_pipelines.storage.sql import ident, literal

_RARE = {
    "cell_marks": {"hidden": "[]", "held": "[]", "absent": "[]", "unresolved": "[]", "marks": "NULL"},
    "cell_changed_lists": {"changed": "[]"},
    "cell_upcoming_lists": {"upcoming": "[]"},
}
"""Temporary tables of what few records have, and what the others have instead."""

CHANGED_TYPE = 'STRUCT("attribute" VARCHAR, "at" TIMESTAMPTZ, "by" VARCHAR)[]'
UPCOMING_TYPE = 'STRUCT("attribute" VARCHAR, "value" VARCHAR, effective_from DATE)[]'

SPELLS = """CREATE TABLE IF NOT EXISTS cells.spells (
    system VARCHAR, source_id VARCHAR, person_id VARCHAR, present BOOLEAN, chosen BOOLEAN)"""


@dataclass(frozen=True)
class CellsResult:
    """How a pass went: whether everybody was assembled anew, and rows in `cells."<system>"` written by it."""

    full: bool
    written: dict[str, int]


def cell_columns(stack: Stack, system: str) -> dict[str, str]:
    """Column → SQL type of `cells."<system>"`."""
    return {
        "person_id": "VARCHAR",
        "source_id": "VARCHAR",
        **{name: column_type(stack, name) for name in attribute_order(stack, system)},
        "hidden": "VARCHAR[]",
        "held": "VARCHAR[]",
        "absent": "VARCHAR[]",
        "unresolved": "VARCHAR[]",
        "marks": "VARCHAR",
        "changed": CHANGED_TYPE,
        "upcoming": UPCOMING_TYPE,
        "snapshot_id": "VARCHAR",
        "live": "BOOLEAN",
    }


def assemble(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> CellsResult:
    """Bring `cells` up to the cycle, in one transaction; running it again changes nothing.

    Works on the persons of `cycles.touched_persons` and adds to them whoever else has to be looked at again (a value came
    into force, a grace period ran out, somebody they refer to is another person now); on everybody when
    `passes.must_recompute` says so. A system without a trusted snapshot keeps an empty table: nothing is known of it.
    Raises AuthorityFault for a condition of the stack file that does not bind; RecordsNotAccepted when the gates have not run.
    """
    require_conditions(stack)
    with transaction(con, "cells"):
        prepare(con, "cells")
        con.execute(SPELLS)
        full = must_recompute(con, stack, cycle, "cells")
        open_scope(con, stack, cycle, full=full)
        if full:
            con.execute("DELETE FROM cells.due WHERE room = 'cells'")
        else:
            con.execute(
                "DELETE FROM cells.due WHERE room = 'cells' AND person_id IN (SELECT person_id FROM scope_persons)"
            )
            con.execute(
                """DELETE FROM cells.spells WHERE rowid IN (
                       SELECT place FROM scope_spells WHERE list_contains($systems, system))""",
                {"systems": list(stack.systems)},
            )
        written = {system: _assemble_system(con, stack, cycle, system, full=full) for system in stack.systems}
        close_scope(con)
        record_pass(con, stack, cycle, "cells")
    return CellsResult(full, written)


def _assemble_system(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str, *, full: bool) -> int:
    table = ident("cells", system)
    if full:
        con.execute(f"CREATE OR REPLACE TABLE {table} ({ddl(cell_columns(stack, system))})")
        con.execute("DELETE FROM cells.spells WHERE system = ?", [system])
    else:
        con.execute(f"DELETE FROM {table} WHERE person_id IN (SELECT person_id FROM scope_persons)")
    records = stack.systems[system].records
    base = stack.systems[system].base_record
    if system not in cycle.sources:
        return 0
    for record in records:
        if not has_table(con, "accepted", f"{system}.{record}"):
            raise RecordsNotAccepted(system, record)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE scope_sources AS SELECT source_id, person_id FROM scope_links WHERE system = ?",
        [system],
    )
    for record in records:
        resolve_record(con, stack, cycle, system, record, full=full, keep_rows=True)
    if records[base].effective is None:
        con.execute(f"CREATE OR REPLACE TEMP VIEW cell_owners AS SELECT owner FROM {ident(f'resolved.{base}')}")
    else:
        rows = kept_rows(stack, system, base, full=full)
        con.execute(f"CREATE OR REPLACE TEMP TABLE cell_owners AS SELECT DISTINCT owner FROM ({rows})")
    find_changes(con, stack, cycle, system, full=full)
    find_flags(con, stack, cycle, system)
    _gather_lists(con)
    wide = live_of(stack, cycle, system, _wide(con, stack, system))
    choose_spells(con, cycle, system, stack.systems[system].mapped(), wide)
    row = con.execute(
        f"INSERT INTO {table} SELECT * FROM ({wide}) ANTI JOIN cell_passed_over USING (source_id)"
    ).fetchone()
    _record_dues(con)
    drop_temporary(
        con, *_TEMPORARY, *(f"{kind}.{record}" for record in records for kind in ("resolved", "doubtful", "rows"))
    )
    return int(row[0]) if row else 0


_TEMPORARY = (
    "scope_sources", "cell_owners", "cell_changes", "cell_upcoming", "cell_days", "record_changes", "cell_flags", "cell_young",
    "cell_due", "cell_marks", "cell_changed_lists", "cell_upcoming_lists", "cell_passed_over",
)  # fmt: skip


def _gather_lists(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """CREATE OR REPLACE TEMP TABLE cell_changed_lists AS
           SELECT owner, list({'attribute': attribute, 'at': moment, 'by': author} ORDER BY attribute) AS changed
           FROM cell_changes GROUP BY owner"""
    )
    con.execute(
        """CREATE OR REPLACE TEMP TABLE cell_upcoming_lists AS
           SELECT owner, list({'attribute': attribute, 'value': value, 'effective_from': effective_from}
                              ORDER BY attribute, effective_from, value) AS upcoming
           FROM cell_upcoming GROUP BY owner"""
    )


def _wide(con: duckdb.DuckDBPyConnection, stack: Stack, system: str) -> str:
    """A SELECT of all columns but `live`, one row per record of a person in scope. References become person ids."""
    declared = stack.systems[system]
    base = declared.base_record
    values, references = [], []
    for attribute, record in declared.mapped().items():
        column = f"{ident(f'r_{record}')}.{ident(attribute)}"
        if stack.attributes[attribute].type is AttributeType.PERSON:
            alias = ident(f"to_{attribute}")
            references.append(
                f"LEFT JOIN (SELECT source_id, person_id FROM identity.links WHERE system = {literal(system)}) {alias} "
                f"ON {alias}.source_id = {column}"
            )
            column = f"{alias}.person_id"
        values.append(f"{column} AS {ident(attribute)}")
    own = ident(f"r_{base}")
    if declared.records[base].effective is None:
        owners = f"{ident(f'resolved.{base}')} {own}"
    else:
        owners = f"cell_owners o LEFT JOIN {ident(f'resolved.{base}')} {own} ON {own}.owner = o.owner"
    joins = [
        f"LEFT JOIN {ident(f'resolved.{record}')} {ident(f'r_{record}')} ON {ident(f'r_{record}')}.owner = s.source_id"
        for record in declared.records
        if record != base
    ]
    lists = []
    for table, columns in _RARE.items():
        if con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            joins.append(f"LEFT JOIN {table} ON {table}.owner = s.source_id")
            lists += [f"coalesce({table}.{column}, {empty}) AS {column}" for column, empty in columns.items()]
        else:
            lists += [f"{empty} AS {column}" for column, empty in columns.items()]
    key = f"{own}.owner" if declared.records[base].effective is None else "o.owner"
    return f"""
        SELECT s.person_id, s.source_id, {"".join(f"{value}, " for value in values)} {", ".join(lists)}, {own}.snapshot_id
        FROM {owners} JOIN scope_sources s ON s.source_id = {key} {" ".join(joins)} {" ".join(references)}"""


def _record_dues(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """INSERT INTO cells.due SELECT s.person_id, 'cells', d.due_at, d.due_on
           FROM cell_due d JOIN scope_sources s ON s.source_id = d.owner"""
    )
