"""The gate as a whole: every snapshot of a cycle judged, its good records accepted, a receipt issued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from hrorch_pipelines.gates.acceptance import accept, keep_pending, settle_pending
from hrorch_pipelines.gates.cases import close_record_cases, open_record_cases
from hrorch_pipelines.gates.expectations import snapshot_rules
from hrorch_pipelines.gates.hashes import gate_hash, rules_hash
from hrorch_pipelines.gates.judge import Judgement, judge
from hrorch_pipelines.gates.plain import plain_verdicts, remember_asked
from hrorch_pipelines.gates.profile import profile, rows_before
from hrorch_pipelines.gates.receipts import is_settled, issue, refused_snapshots
from hrorch_pipelines.gates.results import Counts, GateError, GateResult, Kind, Verdict
from hrorch_pipelines.gates.scope import RecordType, Snapshot, find_snapshot
from hrorch_pipelines.gates.snapshot_cases import settle, snapshot_cases
from hrorch_pipelines.gates.suites import Profiled, run_suites
from hrorch_pipelines.gates.tables import SCHEMA, make_accepted
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import engine_errors, transaction
from hrorch_pipelines.storage.home import Home


def validate(
    con: duckdb.DuckDBPyConnection, stack: Stack, home: Home, cycle: Cycle, *, data_docs: bool = True
) -> list[GateResult]:
    """Judge every ingested snapshot of the cycle that has no receipt for the rules of this stack file.

    A full cycle judges all records again. Each system is written in a transaction of its own (do not call this inside
    one), so that what one system delivered cannot hold up another. Snapshots already judged, or not in history, give no
    result; `require_receipts` tells whether all that a cycle uses may be used.
    `data_docs=False` leaves the pages under `home.data_docs` as they are and saves half a second per system.
    Raises CountsDisagree, WarehouseError.
    """
    with engine_errors("gates"):
        con.execute(cycles.SCHEMA)
        con.execute(SCHEMA)
        results = []
        for system, snapshot_id in cycle.sources.items():
            snapshot = find_snapshot(con, system, snapshot_id) if system in stack.systems else None
            if snapshot is None:
                continue
            if cycle.full or not is_settled(con, stack, system, snapshot_id):
                results.append(_validate(con, stack, home if data_docs else None, cycle, snapshot))
        _mark(con, stack, home, cycle)
        return results


def _mark(con: duckdb.DuckDBPyConnection, stack: Stack, home: Home, cycle: Cycle) -> None:
    """Tell extraction which snapshots not to measure the next ones against. Told every time, so that a crash forgets none."""
    refused = refused_snapshots(con, stack)
    for snapshot_id in {*refused, *cycle.sources.values()}:
        catalogue.mark(home, snapshot_id, refused=snapshot_id in refused)


@dataclass(frozen=True)
class _Verdicts:
    """What was found out about one snapshot before anything is written."""

    snapshot: Snapshot
    rules: str
    judgements: Sequence[Judgement]
    profiled: Sequence[Profiled]
    verdicts: Sequence[Verdict]
    asked: bool
    """Whether Great Expectations itself gave the verdicts."""

    @property
    def suite_passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts if verdict.severity == "error")


def _validate(
    con: duckdb.DuckDBPyConnection, stack: Stack, home: Home | None, cycle: Cycle, snapshot: Snapshot
) -> GateResult:
    snapshot.remember_moment(con)
    scopes = [RecordType(stack, snapshot.system, record) for record in stack.systems[snapshot.system].records]
    judgements = [
        judge(con, scope, snapshot, cycle, everything=_everything(con, scope, snapshot, cycle))
        for scope in scopes
        if has_table(con, "history", scope.name)
    ]
    profiled = [_profiled(con, scope, snapshot, cycle) for scope in scopes]
    rules, pages = gate_hash(stack, snapshot.system), home.data_docs / snapshot.system if home else None
    plain = None if cycle.full else plain_verdicts(con, snapshot, rules, profiled, cycle.now, pages)
    verdicts = run_suites(snapshot.system, profiled, pages) if plain is None else plain
    found = _Verdicts(snapshot, rules, judgements, profiled, verdicts, asked=plain is None)
    snapshot.remember_moment(con)
    with transaction(con, f"gates of {snapshot.system}"):
        _write(con, stack, cycle, found)
    for judgement in judgements:
        for what in ("picked", "facts", "failures", "found", "cases", "verdicts"):
            con.execute(f"DROP TABLE IF EXISTS {judgement.scope.temporary(what)}")
        for rule in judgement.rules:
            con.execute(f"DROP TABLE IF EXISTS {judgement.scope.temporary(f'uses {rule.number}')}")
    return _result(found)


def _everything(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle) -> bool:
    """All records are judged when all is asked for, when the rules changed, and when history has gone on since."""
    if cycle.full or not snapshot.newest:
        return True
    row = con.execute(
        "SELECT rules_hash FROM gates.basis WHERE system = ? AND record = ?", [scope.system, scope.record]
    ).fetchone()
    return row is None or row[0] != rules_hash(scope)


def _profiled(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle) -> Profiled:
    rules = snapshot_rules(scope, rows_before(con, scope, snapshot))
    return Profiled(scope, profile(con, scope, snapshot, cycle, rules), rules)


def _write(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, found: _Verdicts) -> None:
    snapshot = found.snapshot
    for scope in (item.scope for item in found.profiled):
        make_accepted(con, scope)
    _write_figures(con, found)
    if found.asked:
        remember_asked(con, snapshot, found.rules, cycle.now)
    for judgement in found.judgements:
        open_record_cases(con, judgement, cycle)
        if not found.suite_passed:
            keep_pending(con, judgement, cycle)
            continue
        close_record_cases(con, judgement, snapshot, cycle)
        accept(con, judgement, snapshot, cycle)
        if snapshot.newest:
            settle_pending(con, judgement)
    if found.suite_passed:
        for item in found.profiled:
            _remember_basis(con, item.scope, snapshot)
    settle(con, snapshot, cycle, list(snapshot_cases(found.judgements, found.profiled, found.verdicts)))
    records = {judgement.scope.record: judgement.counts for judgement in found.judgements}
    issue(con, snapshot, found.rules, cycle, _all_records(stack, snapshot, records), suite_passed=found.suite_passed)


def _all_records(stack: Stack, snapshot: Snapshot, records: dict[str, Counts]) -> dict[str, Counts]:
    return {name: records.get(name, Counts(0, 0, 0, 0)) for name in stack.systems[snapshot.system].records}


def _write_figures(con: duckdb.DuckDBPyConnection, found: _Verdicts) -> None:
    snapshot = found.snapshot
    for table in ("profiles", "expectations"):
        con.execute(f"DELETE FROM gates.{table} WHERE snapshot_id = ?", [snapshot.snapshot_id])
    con.executemany(
        "INSERT INTO gates.profiles VALUES (?, ?, ?, ?, ?, ?)",
        [
            [snapshot.snapshot_id, snapshot.system, item.scope.record, figure.measure, figure.attribute, figure.value]
            for item in found.profiled
            for figure in item.figures
        ],
    )
    con.executemany(
        "INSERT INTO gates.expectations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [
                snapshot.snapshot_id, snapshot.system, item.record, item.expectation, item.attribute, item.observed,
                item.limit_text, item.passed, item.severity, item.kind,
            ]
            for item in found.verdicts
        ],
    )  # fmt: skip


def _remember_basis(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot) -> None:
    con.execute("DELETE FROM gates.basis WHERE system = ? AND record = ?", [scope.system, scope.record])
    con.execute(
        "INSERT INTO gates.basis VALUES (?, ?, ?, ?)",
        [scope.system, scope.record, rules_hash(scope), snapshot.snapshot_id],
    )


def _result(found: _Verdicts) -> GateResult:
    crashed = [
        GateError(verdict.record, verdict.expectation, "expectation_crashed")
        for verdict in found.verdicts
        if verdict.kind is Kind.GATE_ERROR
    ]
    return GateResult(
        system=found.snapshot.system,
        snapshot_id=found.snapshot.snapshot_id,
        gate_hash=found.rules,
        records={judgement.scope.record: judgement.counts for judgement in found.judgements},
        rule_failures=tuple(failure for judgement in found.judgements for failure in judgement.failures),
        expectations=tuple(found.verdicts),
        suite_passed=found.suite_passed,
        gate_errors=(*(error for judgement in found.judgements for error in judgement.errors), *crashed),
    )
