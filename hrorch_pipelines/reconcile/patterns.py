"""One pass over golden record and cells per copy system: the pattern of every person, and the values of what is not in order.

Leaves `fresh_patterns`; counted in `counts`, made into rows in `emit`.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.pairs import CopyPlan, Position
from hrorch_pipelines.reconcile.presence import SCOPE, judge_presence
from hrorch_pipelines.reconcile.states import SHOWN, missing_pattern_sql, pattern_sql
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.columns import column_type
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal

COLUMNS = "person_id VARCHAR USING COMPRESSION uncompressed, copy_system VARCHAR, stage VARCHAR, pattern VARCHAR"
"""Ids are all different: looking for a way to compress a million of them costs more than the join that compares them."""

CELLS = "cells STRUCT(place INTEGER, authority_value VARCHAR, copy_value VARCHAR)[]"
"""Both sides' values of the cells to show; only there until they have become rows."""


def compute_patterns(
    con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, plans: list[CopyPlan], *, full: bool
) -> None:
    """Make `fresh_patterns(person_id, copy_system, stage, pattern, cells)`, for everybody or for `compare_scope`.

    One row per person with a stage and copy system in which there is a record, or ought to be; `cells` is NULL for those in
    order. For everybody, patterns are written where they stay, and `fresh_patterns` is a view of `reconcile.patterns`.
    """
    if full:
        con.execute(f"CREATE OR REPLACE TABLE reconcile.patterns ({COLUMNS}, {CELLS})")
        con.execute("CREATE OR REPLACE TEMP VIEW fresh_patterns AS FROM reconcile.patterns")
    else:
        plain = COLUMNS.replace(" USING COMPRESSION uncompressed", "")
        con.execute(f"CREATE OR REPLACE TEMP TABLE fresh_patterns ({plain}, {CELLS})")
        con.execute(f"CREATE OR REPLACE TEMP TABLE scoped_golden AS {_in_scope('golden.wide')}")
    target = "reconcile.patterns" if full else "fresh_patterns"
    for plan in plans:
        if plan.system not in cycle.sources:
            continue
        judge_presence(con, stack, cycle, plan.system, full=full)
        _compare_copy(con, stack, plan, target, full=full)
        con.execute("DROP TABLE verdicts")
    if not full:
        con.execute("DROP TABLE IF EXISTS scoped_golden; DROP TABLE IF EXISTS scoped_copy")


def settle_patterns(con: duckdb.DuckDBPyConnection, *, full: bool) -> None:
    """After counting and emitting: values leave the patterns, and the temporary relation goes."""
    con.execute(f"DROP {'VIEW' if full else 'TABLE'} fresh_patterns")
    if full:
        con.execute("ALTER TABLE reconcile.patterns DROP COLUMN cells")


def _compare_copy(con: duckdb.DuckDBPyConnection, stack: Stack, plan: CopyPlan, target: str, *, full: bool) -> None:
    """One join of the golden record with a copy, and the persons who ought to be in the copy."""
    copy = ident("cells", plan.system)
    usual = (_usual(con, "golden.wide"), _usual(con, copy)) if full else (None, None)
    judged = con.execute("SELECT 1 FROM verdicts LIMIT 1").fetchone() is not None
    verdicts = (
        "LEFT JOIN verdicts v ON v.person_id = g.person_id" if judged else "CROSS JOIN (SELECT NULL AS verdict) v"
    )
    golden = f"(SELECT * FROM {'golden.wide' if full else 'scoped_golden'} WHERE stage IS NOT NULL)"
    if not full:
        con.execute(f"CREATE OR REPLACE TEMP TABLE scoped_copy AS {_in_scope(copy)}")
    copied = copy if full else "scoped_copy"
    anything = " OR ".join(f"contains(pattern, '{letter}')" for letter in SHOWN)
    found = f"""SELECT person_id, {literal(plan.system)} AS copy_system, stage, pattern,
                       CASE WHEN {anything} THEN [{_cells(stack, plan)}] END AS cells"""
    con.execute(
        f"""INSERT INTO {target} {found} FROM (
                SELECT {_sides(stack, plan, copied=True)}, {pattern_sql(stack, plan, usual)} AS pattern
                FROM {golden} g JOIN {copied} c ON c.person_id = g.person_id {verdicts})"""
    )
    if judged:
        con.execute(
            f"""INSERT INTO {target} {found} FROM (
                    SELECT {_sides(stack, plan, copied=False)}, {missing_pattern_sql(plan)} AS pattern
                    FROM verdicts v JOIN golden.wide g ON g.person_id = v.person_id
                    WHERE NOT EXISTS (SELECT 1 FROM {copy} c WHERE c.person_id = v.person_id))"""
        )


def _in_scope(table: str) -> str:
    """A SELECT of the rows of persons in scope, found by number first: the wide columns are then read for those alone."""
    return f"FROM {table} WHERE rowid IN (SELECT rowid FROM {table} {SCOPE})"


def _sides(stack: Stack, plan: CopyPlan, *, copied: bool) -> str:
    columns = ["g.person_id", "g.stage"]
    for position in plan.positions:
        if position.attribute in stack.attributes:
            columns.append(f"g.{ident(position.attribute)} AS {ident(f'g.{position.attribute}')}")
        if position.mapped:
            side = f"c.{ident(position.attribute)}" if copied else f"NULL::{column_type(stack, position.attribute)}"
            columns.append(f"{side} AS {ident(f'c.{position.attribute}')}")
    return ", ".join(columns)


def _cells(stack: Stack, plan: CopyPlan) -> str:
    """Both sides of the cells to show; NULL in the place of the others, so that only what is shown is turned into text."""
    return ", ".join(
        f"CASE WHEN contains('{''.join(SHOWN)}', substr(pattern, {place + 1}, 1)) THEN {{'place': {place}, "
        f"'authority_value': {_shown(stack, plan.system, 'g', position)}, "
        f"'copy_value': {_shown(stack, plan.system, 'c', position)}}} END"
        for place, position in enumerate(plan.positions, start=1)
    )


def _shown(stack: Stack, copy_system: str, side: str, position: Position) -> str:
    """The value of a side as canonical text. A copy that is itself the authority has no other value to show beside it."""
    exists = position.mapped if side == "c" else position.attribute in stack.attributes
    if not exists or is_secret(stack, position.attribute):
        return "NULL::VARCHAR"
    column = f"CAST({ident(f'{side}.{position.attribute}')} AS VARCHAR)"
    if side == "c":
        return column
    elsewhere = [s for s in stack.stages if stack.authority_of(position.attribute, s) not in (None, copy_system)]
    if len(elsewhere) == len(stack.stages):
        return column
    if not elsewhere:
        return "NULL::VARCHAR"
    return f"CASE WHEN stage IN ({', '.join(literal(stage) for stage in elsewhere)}) THEN {column} END"


def is_secret(stack: Stack, attribute: str) -> bool:
    """Whether nothing of the values may be shown, not even to compare by eye."""
    declared = stack.attributes.get(attribute)
    return declared is not None and (declared.type is AttributeType.SECRET or declared.sensitivity == "secret")


def _usual(con: duckdb.DuckDBPyConnection, table: str) -> str | None:
    row = con.execute(f"SELECT marks FROM {table} GROUP BY marks ORDER BY count(*) DESC, marks LIMIT 1").fetchone()
    return row[0] if row else None
