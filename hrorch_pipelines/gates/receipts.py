"""Gate receipts: what was let through, under which rules. Stages ask here before they read what was accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import duckdb

from hrorch_pipelines.gates.errors import GateRefused, Refusal
from hrorch_pipelines.gates.hashes import gate_hash, rules_hash
from hrorch_pipelines.gates.results import Counts
from hrorch_pipelines.gates.rules import reviewer_of
from hrorch_pipelines.gates.scope import RecordType, Snapshot
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle


def require_receipts(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """Refuse to go on unless every source of the cycle has passed a gate under the rules of this stack file.

    Raises GateRefused with every snapshot that has not: which, why, who, what to do. Asked by every later stage, so that a
    separate run of one of them cannot pass by a failed gate.
    """
    refusals = [
        refusal
        for system, snapshot_id in cycle.sources.items()
        if (refusal := _refusal(con, stack, system, snapshot_id)) is not None
    ]
    if refusals:
        raise GateRefused(refusals)


def refused_snapshots(con: duckdb.DuckDBPyConnection, stack: Stack) -> set[str]:
    """Snapshots that the gate refused under the rules of this stack file; mended rules give them another chance."""
    if not has_table(con, "gates", "receipts"):
        return set()
    hashes = [gate_hash(stack, system) for system in stack.systems]
    rows = con.execute(
        "SELECT snapshot_id FROM gates.receipts WHERE NOT suite_passed AND list_contains($hashes, gate_hash)",
        {"hashes": hashes},
    ).fetchall()
    return {row[0] for row in rows}


def is_settled(con: duckdb.DuckDBPyConnection, stack: Stack, system: str, snapshot_id: str) -> bool:
    """Whether this snapshot has been through this gate and nothing has been accepted since from another one.

    A refused snapshot is settled: nothing of it is to be accepted.
    """
    receipt = con.execute(
        "SELECT suite_passed FROM gates.receipts WHERE snapshot_id = ? AND gate_hash = ?",
        [snapshot_id, gate_hash(stack, system)],
    ).fetchone()
    return receipt is not None and (not receipt[0] or _is_accepted(con, stack, system, snapshot_id))


def issue(
    con: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    rules: str,
    cycle: Cycle,
    records: Mapping[str, Counts],
    *,
    suite_passed: bool,
) -> None:
    """Write the receipt; one per snapshot and gate hash. A full cycle that judges the same again replaces it."""
    con.execute("DELETE FROM gates.receipts WHERE snapshot_id = ? AND gate_hash = ?", [snapshot.snapshot_id, rules])
    con.execute(
        "INSERT INTO gates.receipts VALUES (?, ?, ?, ?, ?, ?)",
        [
            snapshot.snapshot_id,
            snapshot.system,
            rules,
            json.dumps({record: asdict(counts) for record, counts in records.items()}),
            suite_passed,
            cycle.now,
        ],
    )


def _refusal(con: duckdb.DuckDBPyConnection, stack: Stack, system: str, snapshot_id: str) -> Refusal | None:
    wanted = gate_hash(stack, system)
    receipts: dict[str, bool] = {}
    if has_table(con, "gates", "receipts"):
        rows = con.execute(
            "SELECT gate_hash, suite_passed FROM gates.receipts WHERE snapshot_id = ?", [snapshot_id]
        ).fetchall()
        receipts = dict(rows)
    reviewer, deputy = reviewer_of(stack, system, None)
    if receipts.get(wanted) is False:
        return _failed_suite(con, system, snapshot_id, reviewer, deputy)
    if receipts.get(wanted):
        if _is_accepted(con, stack, system, snapshot_id):
            return None
        reason = "it has passed, but what is accepted now comes from another snapshot or from other rules"
    else:
        reason = (
            "it has been judged under other gate rules than those of the stack file now"
            if receipts
            else "it has not been through the gate"
        )
    return Refusal(system, snapshot_id, reason, reviewer, deputy, "run the cycle from its gates on")


def _is_accepted(con: duckdb.DuckDBPyConnection, stack: Stack, system: str, snapshot_id: str) -> bool:
    """Whether what is accepted of every record type comes from this snapshot, under these rules."""
    rows = con.execute("SELECT record, rules_hash, snapshot_id FROM gates.basis WHERE system = ?", [system]).fetchall()
    basis = {record: (rules, source) for record, rules, source in rows}
    return all(
        basis.get(record) == (rules_hash(RecordType(stack, system, record)), snapshot_id)
        for record in stack.systems[system].records
    )


def _failed_suite(
    con: duckdb.DuckDBPyConnection, system: str, snapshot_id: str, reviewer: str, deputy: str | None
) -> Refusal:
    """The first failed expectation names the reviewer and the action; all are in the reason."""
    rows = con.execute(
        "SELECT record, expectation, observed, limit_text, kind FROM gates.expectations "
        "WHERE snapshot_id = ? AND NOT passed AND severity = 'error' ORDER BY record, expectation",
        [snapshot_id],
    ).fetchall()
    told = [
        f"{record} {expectation} "
        + ("could not be evaluated" if kind == "gate_error" else f"is {observed:g}, must be {limit}")
        for record, expectation, observed, limit, kind in rows
    ]
    case = con.execute(
        "SELECT reviewer, deputy, action FROM gates.quarantine WHERE system = ? AND snapshot_id = ? AND row_id IS NULL "
        "AND severity = 'error' AND closed_at IS NULL ORDER BY record, rule_id LIMIT 1",
        [system, snapshot_id],
    ).fetchone()
    who, stand_in, action = case or (reviewer, deputy, "look at the snapshot in the system, and extract again")
    return Refusal(system, snapshot_id, f"it failed its expectations ({'; '.join(told)})", who, stand_in, action)
