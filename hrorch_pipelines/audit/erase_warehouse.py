"""Erasure in the warehouse: every table that holds rows of the person, found by its columns. Files are another matter.

What counts are kept without values: change rows keep their leaf of the audit digest, landings and cases their place.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import duckdb

from hrorch_pipelines.audit.persons import Subject
from hrorch_pipelines.storage.catalog import has_table, stored_tables
from hrorch_pipelines.storage.engine import transaction
from hrorch_pipelines.storage.sql import ident

ERASED = "erased"

_PERSON = "{person} IN (FROM erased_persons)"
_RECORD = "(system, {record}) IN (FROM erased_records)"


def erase_rows(con: duckdb.DuckDBPyConnection, subject: Subject, now: datetime) -> dict[str, int]:
    """Destroy the person's values in one transaction. Returns table → rows; tables without any are left out.

    The next cycle is made a full one, so that all counts are taken again without them.
    """
    with transaction(con, "erasure"):
        choose(con, subject)
        counts = {
            f"{schema}.{table}": _erase(con, schema, table, columns, now)
            for (schema, table), columns in stored_tables(con).items()
        }
        ask_for_a_full_cycle(con)
        for name in ("erased_persons", "erased_records"):
            con.execute(f"DROP TABLE temp.{name}")
    return {name: rows for name, rows in counts.items() if rows}


def choose(con: duckdb.DuckDBPyConnection, subject: Subject) -> None:
    """Make `erased_persons(person_id)` and `erased_records(system, source_id)`."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE erased_persons AS SELECT unnest(?::VARCHAR[]) AS person_id",
        [list(subject.persons)],
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE erased_records AS SELECT unnest(?::VARCHAR[]) AS system, unnest(?::VARCHAR[]) AS source_id",
        [[system for system, _ in subject.records], [source_id for _, source_id in subject.records]],
    )


def where(schema: str, table: str, columns: frozenset[str]) -> str | None:
    """The condition that finds the chosen person's rows in a table; None where there can be none."""
    if "person_id" in columns:
        also = f" OR {_PERSON.format(person='other_person_id')}" if "other_person_id" in columns else ""
        return _PERSON.format(person="person_id") + also
    owner = "coalesce(parent_id, source_id)" if "parent_id" in columns else "source_id"
    if {"system", "source_id"} <= columns:
        return _RECORD.format(record=owner)
    if {"left_system", "left_id", "right_system", "right_id"} <= columns:
        return "(left_system, left_id) IN (FROM erased_records) OR (right_system, right_id) IN (FROM erased_records)"
    if "source_id" in columns and schema in {"history", "accepted"}:
        # `<system>.<record>`: neither name holds a dot (stack.terms.Name).
        system = ident(table.partition(".")[0]).replace('"', "'")
        return f"({system}, {owner}) IN (FROM erased_records)"
    return None


def _erase(con: duckdb.DuckDBPyConnection, schema: str, table: str, columns: frozenset[str], now: datetime) -> int:
    condition = where(schema, table, columns)
    if condition is None:
        return 0
    name = ident(schema, table)
    keep = _KEPT.get(f"{schema}.{table}")
    if keep is None:
        return _count(con.execute(f"DELETE FROM {name} WHERE {condition}"))
    return keep(con, name, columns, condition, now)


def _changes(con: duckdb.DuckDBPyConnection, name: str, columns: frozenset[str], condition: str, _now: datetime) -> int:
    """A change stays as one that was seen: without its values and its salt nobody can guess them from the leaf."""
    blank = [column for column in ("before", "after", "changed_by", "salt") if column in columns]
    return _count(
        con.execute(f"UPDATE {name} SET {', '.join(f'{column} = NULL' for column in blank)} WHERE {condition}")
    )


def _landings(
    con: duckdb.DuckDBPyConnection, name: str, _columns: frozenset[str], condition: str, _now: datetime
) -> int:
    return _count(con.execute(f"UPDATE {name} SET source_id = NULL, changed_by = NULL WHERE {condition}"))


def _cases(con: duckdb.DuckDBPyConnection, name: str, _columns: frozenset[str], condition: str, now: datetime) -> int:
    return _count(
        con.execute(
            f"""UPDATE {name} SET found_masked = NULL, record_key = NULL, source_id = NULL, parent_id = NULL,
                closed_at = coalesce(closed_at, $now), closed_by = coalesce(closed_by, $by) WHERE {condition}""",
            {"now": now, "by": ERASED},
        )
    )


def _events(con: duckdb.DuckDBPyConnection, name: str, _columns: frozenset[str], condition: str, _now: datetime) -> int:
    """That a record founded a person stays, so that the person id is never used again; ids only."""
    return _count(con.execute(f"DELETE FROM {name} WHERE ({condition}) AND kind <> 'created'"))


def _untouched(
    _con: duckdb.DuckDBPyConnection, _name: str, _columns: frozenset[str], _condition: str, _now: datetime
) -> int:
    return 0


_KEPT: dict[str, Callable[[duckdb.DuckDBPyConnection, str, frozenset[str], str, datetime], int]] = {
    "history.changes": _changes,
    "gates.quarantine": _cases,
    "identity.events": _events,
    "reconcile.landings": _landings,
    "reconcile.resolved": _untouched,  # which attribute differed and when: no value, and the id leads nowhere any more
}
"""Tables whose rows stay, without what they told."""


def ask_for_a_full_cycle(con: duckdb.DuckDBPyConnection) -> None:
    """Counts are kept up by difference: a person who is suddenly not there would stay counted. Results that were computed
    under other rules are computed anew, and these now are."""
    if has_table(con, "cycles", "runs"):
        con.execute(
            """UPDATE cycles.runs SET stack_hash = $erased WHERE finished_at IS NULL OR cycle_id = (
                   SELECT cycle_id FROM cycles.runs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, now DESC LIMIT 1)""",
            {"erased": ERASED},
        )


def _count(answer: duckdb.DuckDBPyConnection) -> int:
    row = answer.fetchone()
    return int(row[0]) if row else 0
