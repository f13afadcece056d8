"""Which records are judged: those that changed, and those whose verdict can change without them. Judging is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from hrorch_pipelines.gates.rules import RowRule
from hrorch_pipelines.gates.scope import RecordType, Snapshot
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident


def pick(
    con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle, rules: Sequence[RowRule]
) -> str:
    """Write the temporary table `picked(history_row)` of rowids in history; return the SQL condition for a row `h`.

    Picked are: records touched in this cycle or left pending; records without a key; records whose open case depends on
    other records, on time or on a crash; unchanged records that hold a value which must be unique and is now held by a
    picked one; and, where rows are effective-dated, all rows of a person of whom one is picked.
    """
    picked = scope.temporary("picked")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {picked} AS
        WITH asked AS (
            SELECT source_id FROM cycles.touched_records
            WHERE cycle_id = $cycle_id AND system = $system AND record = $record
            UNION
            SELECT source_id FROM gates.pending WHERE system = $system AND record = $record
        ), reopened AS (
            SELECT DISTINCT record_key FROM gates.quarantine
            WHERE system = $system AND record = $record AND closed_at IS NULL AND record_key IS NOT NULL
              AND (kind = 'gate_error' OR NOT list_contains($lasting, rule_id))
        )
        SELECT h.rowid AS history_row FROM {scope.history} AS h
        WHERE {snapshot.holds("h")}
          AND (h.record_key IS NULL OR coalesce(h.parent_id, h.source_id) IS NULL
               OR coalesce(h.parent_id, h.source_id) IN (SELECT source_id FROM asked)
               OR h.record_key IN (SELECT record_key FROM reopened))
        """,
        {
            "cycle_id": cycle.cycle_id,
            "system": scope.system,
            "record": scope.record,
            "lasting": [rule.rule_id for rule in rules if rule.lasting] + _convertible_ids(con, scope),
        },
    )
    for rule in rules:
        if rule.kind == "unique" and rule.attribute and not rule.fault:
            _add_sharers(con, scope, snapshot, rule.attribute)
    if scope.effective:
        _add_rest_of_timelines(con, scope, snapshot)
    return f"h.rowid IN (SELECT history_row FROM {picked})"


def _convertible_ids(con: duckdb.DuckDBPyConnection, scope: RecordType) -> list[str]:
    """Open cases of values that could not be read; their rules are made as they are met, not declared."""
    rows = con.execute(
        "SELECT DISTINCT rule_id FROM gates.quarantine WHERE system = ? AND record = ? AND closed_at IS NULL "
        "AND rule_id = attribute || '-convertible'",
        [scope.system, scope.record],
    ).fetchall()
    return [row[0] for row in rows]


def _add_sharers(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, attribute: str) -> None:
    picked, column = scope.temporary("picked"), ident(attribute)
    con.execute(
        f"""
        INSERT INTO {picked}
        WITH values_now AS (
            SELECT DISTINCT h.{column} AS value FROM {scope.history} AS h
            WHERE h.rowid IN (SELECT history_row FROM {picked}) AND h.{column} IS NOT NULL
        )
        SELECT h.rowid FROM {scope.history} AS h
        WHERE {snapshot.holds("h")} AND h.{column} IN (SELECT value FROM values_now)
          AND h.rowid NOT IN (SELECT history_row FROM {picked})
        """
    )


def _add_rest_of_timelines(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot) -> None:
    picked = scope.temporary("picked")
    con.execute(
        f"""
        INSERT INTO {picked}
        WITH people AS (
            SELECT DISTINCT coalesce(h.parent_id, h.source_id) AS person FROM {scope.history} AS h
            WHERE h.rowid IN (SELECT history_row FROM {picked})
        )
        SELECT h.rowid FROM {scope.history} AS h
        WHERE {snapshot.holds("h")} AND coalesce(h.parent_id, h.source_id) IN (SELECT person FROM people)
          AND h.rowid NOT IN (SELECT history_row FROM {picked})
        """
    )
