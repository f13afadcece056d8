"""Cases about a record type as a whole: an expectation that failed, a rule that could not be evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from hrorch_pipelines.gates.cases import CLOSED_BY, case_id, merge
from hrorch_pipelines.gates.expectations import SnapshotRule
from hrorch_pipelines.gates.judge import Judgement
from hrorch_pipelines.gates.results import Kind, Verdict
from hrorch_pipelines.gates.rules import RowRule
from hrorch_pipelines.gates.scope import RecordType, Snapshot
from hrorch_pipelines.gates.suites import Profiled
from hrorch_pipelines.storage.cycles import Cycle


@dataclass(frozen=True)
class SnapshotCase:
    """One case; in quarantine it has neither record key nor row."""

    record: str
    rule_id: str
    attribute: str | None
    severity: str
    kind: Kind
    expected: str
    found: str
    cause: str
    action: str
    reviewer: str
    deputy: str | None
    due: timedelta


def snapshot_cases(
    judgements: Sequence[Judgement], profiled: Sequence[Profiled], verdicts: Sequence[Verdict]
) -> Iterator[SnapshotCase]:
    """Every expectation that failed and every rule that could not be evaluated for a record type."""
    rules = {(item.scope.record, rule.expectation): rule for item in profiled for rule in item.rules}
    for verdict in verdicts:
        if not verdict.passed:
            yield _failed(verdict, rules[verdict.record, verdict.expectation])
    for judgement in judgements:
        for rule in judgement.rules:
            if rule.fault:
                yield _not_evaluated(judgement.scope, rule)


def settle(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, cycle: Cycle, cases: Sequence[SnapshotCase]) -> None:
    """Open or reopen these cases; close those of the same system that no longer hold."""
    con.execute("CREATE OR REPLACE TEMP TABLE gate_snapshot_cases AS SELECT * FROM gates.quarantine LIMIT 0")
    for case in cases:
        con.execute(
            f"""
            INSERT INTO gate_snapshot_cases BY NAME
            SELECT {case_id("''", "0", "$rule_id::VARCHAR")} AS case_id, $system AS system, $record AS record,
                   $snapshot_id AS snapshot_id, $rule_id AS rule_id, $attribute AS attribute, $severity AS severity,
                   $kind AS kind, $expected AS expected, $found AS found_masked, $cause AS cause, $action AS action,
                   $reviewer AS reviewer, $deputy AS deputy, $now::TIMESTAMPTZ AS opened_at,
                   $now::TIMESTAMPTZ + $due::INTERVAL AS due_at, $now::TIMESTAMPTZ AS last_seen_at
            """,
            {**vars(case), "system": snapshot.system, "snapshot_id": snapshot.snapshot_id, "now": cycle.now},
        )
    merge(con, "gate_snapshot_cases")
    con.execute(
        f"""
        UPDATE gates.quarantine AS q SET closed_at = $now, closed_by = '{CLOSED_BY}'
        WHERE q.system = $system AND q.closed_at IS NULL AND q.row_id IS NULL
          AND q.case_id NOT IN (SELECT case_id FROM gate_snapshot_cases)
        """,
        {"system": snapshot.system, "now": cycle.now},
    )
    con.execute("DROP TABLE gate_snapshot_cases")


def _failed(verdict: Verdict, rule: SnapshotRule) -> SnapshotCase:
    crashed = verdict.kind is Kind.GATE_ERROR
    return SnapshotCase(
        record=verdict.record,
        rule_id=verdict.expectation,
        attribute=verdict.attribute,
        severity=verdict.severity,
        kind=Kind.GATE_ERROR if crashed else Kind.BAD_DATA,
        expected=f"{rule.measure}: {verdict.limit_text}",
        found="could not be evaluated" if crashed else f"{verdict.observed:g}",
        cause="The expectation in the stack file does not fit the record" if crashed else rule.cause,
        action="Mend the expectation in the stack file" if crashed else rule.action,
        reviewer=rule.reviewer,
        deputy=rule.deputy,
        due=rule.due,
    )


def _not_evaluated(scope: RecordType, rule: RowRule) -> SnapshotCase:
    return SnapshotCase(
        record=scope.record,
        rule_id=rule.rule_id,
        attribute=rule.attribute,
        severity=rule.severity,
        kind=Kind.GATE_ERROR,
        expected=rule.expected,
        found=f"the rule could not be evaluated ({rule.fault})",
        cause="The rule in the stack file does not fit the data or its catalogue",
        action=f"Mend rule {rule.rule_id} of {scope.name} in the stack file",
        reviewer=rule.reviewer,
        deputy=rule.deputy,
        due=rule.due,
    )
