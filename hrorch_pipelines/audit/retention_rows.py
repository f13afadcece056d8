"""Retention in the warehouse: values whose time has passed become hidden, row by row. Which ones is decided in `retention`."""

from __future__ import annotations

from datetime import datetime

import duckdb

from hrorch_pipelines.audit.erase_warehouse import ask_for_a_full_cycle
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import stored_tables
from hrorch_pipelines.storage.engine import transaction
from hrorch_pipelines.storage.sql import ident, literal

RETENTION = "retention"


def stored(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Keep all of `expired` as `expired_ever`, and in `expired` what a table still holds a value of."""
    con.execute("CREATE OR REPLACE TEMP TABLE expired_ever AS FROM expired")
    con.execute("CREATE OR REPLACE TEMP TABLE still (person_id VARCHAR, attribute VARCHAR)")
    for (schema, table), columns in stored_tables(con).items():
        for attribute, column in _values(stack, columns):
            if mine := _mine(schema, table, columns):
                con.execute(
                    f"""INSERT INTO still SELECT DISTINCT e.person_id, e.attribute FROM {ident(schema, table)} AS held
                        JOIN expired_ever e ON e.attribute = {literal(attribute)} AND {mine}
                        WHERE held.{ident(column)} IS NOT NULL"""
                )
    con.execute("DELETE FROM expired WHERE (person_id, attribute) NOT IN (SELECT (person_id, attribute) FROM still)")


def blank_rows(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime) -> dict[str, int]:
    """Destroy what `expired` names, in one transaction. Returns table → rows changed."""
    counts: dict[str, int] = {}
    with transaction(con, RETENTION):
        for (schema, table), columns in stored_tables(con).items():
            changed = sum(
                _blank(con, schema, table, columns, attribute, column) for attribute, column in _values(stack, columns)
            )
            changed += _told(con, schema, table, columns)
            if changed:
                counts[f"{schema}.{table}"] = changed
        if counts:
            _hold_together(con, now)
            ask_for_a_full_cycle(con)
    return counts


def _values(stack: Stack, columns: frozenset[str]) -> list[tuple[str, str]]:
    """(attribute, column): an attribute's own column, and those that kept its values under an older type."""
    return [
        (name, column)
        for column in sorted(columns)
        if (name := column.partition("@")[0]) in stack.attributes and stack.attributes[name].retention is not None
    ]


def _mine(schema: str, table: str, columns: frozenset[str]) -> str | None:
    """How a row of a table is joined to `expired e`; None where the table is about nobody."""
    owner = "coalesce(held.parent_id, held.source_id)" if "parent_id" in columns else "held.source_id"
    if "person_id" in columns:
        return "e.person_id = held.person_id"
    if {"system", "source_id"} <= columns:
        return f"e.system = held.system AND e.source_id = {owner}"
    if "source_id" in columns and schema in {"history", "accepted"}:
        return f"e.system = {literal(table.partition('.')[0])} AND e.source_id = {owner}"
    return None


def _blank(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, columns: frozenset[str], attribute: str, column: str
) -> int:
    mine = _mine(schema, table, columns)
    if mine is None:
        return 0
    also = ""
    if "hidden" in columns:
        also += f", hidden = list_distinct(list_append(hidden, {literal(attribute)}))"
    if "faults" in columns:
        also += f", faults = list_filter(faults, lambda fault: fault.attribute <> {literal(attribute)})"
    if "upcoming" in columns:
        also += f", upcoming = list_filter(upcoming, lambda value: value.attribute <> {literal(attribute)})"
    if "former_names" in columns:
        also += ", former_names = []"
    faulty = (
        f" OR list_contains(list_transform(faults, lambda fault: fault.attribute), {literal(attribute)})"
        if "faults" in columns
        else ""
    )
    return _count(
        con.execute(
            f"""UPDATE {ident(schema, table)} AS held SET {ident(column)} = NULL{also}
                WHERE ({ident(column)} IS NOT NULL{faulty}) AND EXISTS (
                    SELECT 1 FROM expired_ever e WHERE e.attribute = {literal(attribute)} AND {mine})"""
        )
    )


def _told(con: duckdb.DuckDBPyConnection, schema: str, table: str, columns: frozenset[str]) -> int:
    """Tables with one row per attribute: values in columns of other names."""
    mine = _mine(schema, table, columns)
    if "attribute" not in columns or mine is None:
        return 0
    name, about = (
        ident(schema, table),
        f"EXISTS (SELECT 1 FROM expired_ever e WHERE e.attribute = held.attribute AND {mine})",
    )
    if (schema, table) == ("history", "changes"):
        blank = [column for column in ("before", "after", "salt") if column in columns]
        told = " OR ".join(f"{column} IS NOT NULL" for column in blank)
        return _count(
            con.execute(
                f"UPDATE {name} AS held SET {', '.join(f'{column} = NULL' for column in blank)} WHERE ({told}) AND {about}"
            )
        )
    if "found_masked" in columns:
        return _count(
            con.execute(f"UPDATE {name} AS held SET found_masked = NULL WHERE found_masked IS NOT NULL AND {about}")
        )
    if "authority_value" in columns or (schema, table) == ("handoffs", "states"):
        return _count(con.execute(f"DELETE FROM {name} AS held WHERE {about}"))
    return 0


def _hold_together(con: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Verdicts that a person's records are one person: the values that told so may be gone, and nobody must fall apart."""
    con.execute(
        """
        INSERT INTO identity.decisions
        WITH mine AS (
            SELECT DISTINCT l.person_id, l.system, l.source_id FROM identity.links l
            JOIN expired e USING (person_id)),
        pairs AS (
            SELECT system AS left_system, source_id AS left_id,
                   lead(system) OVER one AS right_system, lead(source_id) OVER one AS right_id
            FROM mine WINDOW one AS (PARTITION BY person_id ORDER BY system, source_id)),
        fresh AS (
            SELECT * FROM pairs WHERE right_id IS NOT NULL
              AND (left_system, left_id, right_system, right_id) NOT IN (
                  SELECT (left_system, left_id, right_system, right_id) FROM identity.verdicts))
        SELECT uuid()::VARCHAR, left_system, left_id, right_system, right_id, 'same', 'hrorch', $now,
               'their values reached the end of their retention',
               (SELECT coalesce(max(sequence), 0) FROM identity.decisions) + row_number() OVER ()
        FROM fresh""",
        {"now": now},
    )


def _count(answer: duckdb.DuckDBPyConnection) -> int:
    row = answer.fetchone()
    return int(row[0]) if row else 0
