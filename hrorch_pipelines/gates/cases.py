"""Cases about single records: opened, seen again, reopened, closed by themselves. What failed comes from `judge`."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from hrorch_pipelines.gates.findings import found_masked
from hrorch_pipelines.gates.judge import Judgement
from hrorch_pipelines.gates.rules import RowRule
from hrorch_pipelines.gates.scope import Snapshot
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident

CLOSED_BY = "gate"
_COLUMNS = (
    "case_id", "system", "record", "record_key", "occurrence", "source_id", "row_id", "snapshot_id", "rule_id",
    "attribute", "severity", "kind", "expected", "found_masked", "cause", "action", "reviewer", "deputy", "opened_at",
    "due_at", "last_seen_at", "closed_at", "closed_by", "parent_id",
)  # fmt: skip
_KEPT = {"case_id", "system", "record", "record_key", "opened_at", "due_at", "rule_id"}
"""What a case keeps for good: reopening continues its clock (METRICS.md, M4)."""


def open_record_cases(con: duckdb.DuckDBPyConnection, judgement: Judgement, cycle: Cycle) -> None:
    """One case per record and failed rule. Also leaves the temporary table `cases` with their ids."""
    scope = judgement.scope
    cases = scope.temporary("cases")
    _register_rules(con, judgement.rules)
    found_masked(con, judgement)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {cases} AS
        WITH failed AS (
            SELECT gate_row, rule, kind, found_masked FROM {scope.temporary("found")}
        ), nameless AS (
            SELECT gate_row, row_number() OVER (PARTITION BY record_hash ORDER BY row_id) AS position
            FROM {scope.temporary("facts")} WHERE record_key IS NULL
        ), named AS (
            SELECT failed.*, facts.*,
                   coalesce(facts.record_key, 'no key ' || facts.record_hash || ' ' || nameless.position) AS token
            FROM failed JOIN {scope.temporary("facts")} AS facts ON facts.gate_row = failed.gate_row
            LEFT JOIN nameless ON nameless.gate_row = failed.gate_row
        )
        SELECT {case_id("named.token", "coalesce(named.occurrence, 0)", "rules.rule_id")} AS case_id,
               $system AS system, $record AS record, named.record_key, named.occurrence, named.source_id, named.row_id,
               named.snapshot_id, rules.rule_id, rules.attribute, rules.severity, named.kind, rules.expected,
               named.found_masked, rules.cause, rules.action, rules.reviewer, rules.deputy,
               $now::TIMESTAMPTZ AS opened_at, $now::TIMESTAMPTZ + rules.due AS due_at,
               $now::TIMESTAMPTZ AS last_seen_at, NULL::TIMESTAMPTZ AS closed_at, NULL::VARCHAR AS closed_by,
               named.parent_id
        FROM named JOIN gate_rules AS rules ON rules.number = named.rule
        """,
        {"system": scope.system, "record": scope.record, "now": cycle.now},
    )
    con.unregister("gate_rules")
    merge(con, cases)


def close_record_cases(con: duckdb.DuckDBPyConnection, judgement: Judgement, snapshot: Snapshot, cycle: Cycle) -> None:
    """Close the cases of records that pass now or are gone. Those not judged again have been seen again unchanged."""
    scope = judgement.scope
    names = {"system": scope.system, "record": scope.record, "now": cycle.now}
    mine = "q.system = $system AND q.record = $record AND q.closed_at IS NULL AND q.row_id IS NOT NULL"
    con.execute(
        f"""
        UPDATE gates.quarantine AS q SET closed_at = $now, closed_by = '{CLOSED_BY}'
        WHERE {mine} AND q.case_id NOT IN (SELECT case_id FROM {scope.temporary("cases")})
          AND (q.record_key IS NULL
               OR q.record_key IN (SELECT record_key FROM {scope.temporary("facts")})
               OR q.record_key NOT IN (SELECT h.record_key FROM {scope.history} AS h
                                       WHERE {snapshot.holds("h")} AND h.record_key IS NOT NULL))
        """,
        names,
    )
    con.execute(f"UPDATE gates.quarantine AS q SET last_seen_at = $now WHERE {mine}", names)


def case_id(token: str, occurrence: str, rule_id: str) -> str:
    """SQL: the same record and rule give the same id in every run."""
    return f"left(sha256(concat_ws(chr(31), $system, $record, {token}, {occurrence}, {rule_id})), 32)"


def merge(con: duckdb.DuckDBPyConnection, cases: str) -> None:
    columns = ", ".join(ident(name) for name in _COLUMNS)
    values = ", ".join(f"c.{ident(name)}" for name in _COLUMNS)
    updates = ", ".join(f"{ident(name)} = c.{ident(name)}" for name in _COLUMNS if name not in _KEPT)
    con.execute(
        f"MERGE INTO gates.quarantine AS q USING {cases} AS c ON q.case_id = c.case_id "
        f"WHEN MATCHED THEN UPDATE SET {updates} WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})"
    )


def _register_rules(con: duckdb.DuckDBPyConnection, rules: Sequence[RowRule]) -> None:
    import pyarrow as pa

    names = ("number", "rule_id", "attribute", "severity", "expected", "cause", "action", "reviewer", "deputy", "due")
    kinds = {"number": pa.int64(), "due": pa.duration("us")}
    table = pa.table(
        {name: pa.array([getattr(rule, name) for rule in rules], kinds.get(name, pa.string())) for name in names}
    )
    con.register("gate_rules", table)


def records_waiting(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Records now held in quarantine, per (system, record type); a record with two failed rules counts once."""
    rows = con.execute(
        """SELECT system, record, count(DISTINCT (record_key, occurrence)) FROM gates.quarantine
           WHERE closed_at IS NULL AND severity = 'error' AND record_key IS NOT NULL GROUP BY ALL"""
    ).fetchall()
    return {(system, record): int(n) for system, record, n in rows}
