"""What was found, as a reviewer may see it: the failing value masked by its attribute's sensitivity. Failing records only."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.gates.judge import Judgement
from hrorch_pipelines.gates.results import Kind
from hrorch_pipelines.gates.rules import RowRule
from hrorch_pipelines.gates.scope import RecordType, arrow_table
from hrorch_pipelines.gates.words import shown
from hrorch_pipelines.storage.sql import ident

_CHUNK = 50_000


def found_masked(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> None:
    """Write the temporary table `found(gate_row, rule, kind, found_masked)`, one row per row of `failures`."""
    scope = judgement.scope
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {scope.temporary('found')} "
        "(gate_row BIGINT, rule BIGINT, kind VARCHAR, found_masked VARCHAR)"
    )
    failed = {row[0] for row in con.execute(f"SELECT DISTINCT rule FROM {scope.temporary('failures')}").fetchall()}
    for rule in judgement.rules:
        if rule.number in failed:
            _mask_rule(con, scope, rule)


def _mask_rule(con: duckdb.DuckDBPyConnection, scope: RecordType, rule: RowRule) -> None:
    import pyarrow as pa

    first, second = (
        f"CAST(h.{ident(name)} AS VARCHAR)" if name and name in scope.attributes else "NULL::VARCHAR"
        for name in (rule.attribute, rule.other)
    )
    uses = f"facts.{ident(f'#{rule.number}')}" if rule.kind == "unique" and not rule.fault else "NULL"
    result = arrow_table(
        con,
        f"SELECT f.gate_row, f.kind, f.note, f.found, {first} AS first, {second} AS second, {uses} AS uses "
        f"FROM {scope.temporary('failures')} AS f "
        f"JOIN {scope.temporary('facts')} AS facts ON facts.gate_row = f.gate_row "
        f"JOIN {scope.history} AS h ON h.rowid = facts.history_row WHERE f.rule = $rule",
        {"rule": rule.number},
    )
    for batch in result.to_batches(max_chunksize=_CHUNK):
        rows = batch.to_pylist()
        table = pa.table(
            {
                "gate_row": batch.column("gate_row"),
                "rule": pa.array([rule.number] * len(rows), pa.int64()),
                "kind": batch.column("kind"),
                "found_masked": pa.array([_words(scope, rule, row) for row in rows], pa.string()),
            }
        )
        con.register("gate_found", table)
        con.execute(f"INSERT INTO {scope.temporary('found')} SELECT * FROM gate_found")
        con.unregister("gate_found")


def _words(scope: RecordType, rule: RowRule, row: dict[str, str | int | None]) -> str:
    def masked(attribute: str | None, value: object) -> str:
        return shown(scope.stack, attribute, None if value is None else str(value))

    if row["kind"] == Kind.GATE_ERROR:
        return "(the rule could not be evaluated on this record)"
    if rule.kind == "convertible":
        return f"{masked(rule.attribute, row['found'])} ({row['note']})"
    if rule.kind == "duplicate-key":
        return f"{row['note']} records with this key"
    if rule.structural:
        return "several rows" if rule.kind == "ambiguous-effective-date" else "(empty)"
    if rule.attribute is None:
        return "not true"
    if rule.other:
        return f"{masked(rule.attribute, row['first'])}; {rule.other}: {masked(rule.other, row['second'])}"
    if row["uses"] is not None:
        return f"{masked(rule.attribute, row['first'])} in {row['uses']} records"
    return masked(rule.attribute, row["first"])
