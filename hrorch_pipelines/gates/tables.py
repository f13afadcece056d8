"""The tables this room writes (docs/tables.md): `gates.*`, and `accepted.*` grown along with the mapping."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.gates.scope import RecordType
from hrorch_pipelines.storage.catalog import columns_of
from hrorch_pipelines.storage.columns import ddl, record_columns
from hrorch_pipelines.storage.sql import ident

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS gates;
CREATE SCHEMA IF NOT EXISTS accepted;
CREATE TABLE IF NOT EXISTS gates.quarantine (
    case_id VARCHAR, system VARCHAR, record VARCHAR, record_key VARCHAR, occurrence INTEGER,
    source_id VARCHAR, row_id BIGINT, snapshot_id VARCHAR, rule_id VARCHAR, attribute VARCHAR, severity VARCHAR,
    kind VARCHAR, expected VARCHAR, found_masked VARCHAR, cause VARCHAR, action VARCHAR, reviewer VARCHAR,
    deputy VARCHAR, opened_at TIMESTAMPTZ, due_at TIMESTAMPTZ, last_seen_at TIMESTAMPTZ, closed_at TIMESTAMPTZ,
    closed_by VARCHAR, parent_id VARCHAR);
CREATE TABLE IF NOT EXISTS gates.receipts (
    snapshot_id VARCHAR, system VARCHAR, gate_hash VARCHAR, records JSON, suite_passed BOOLEAN, issued_at TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS gates.expectations (
    snapshot_id VARCHAR, system VARCHAR, record VARCHAR, expectation VARCHAR, attribute VARCHAR, observed DOUBLE,
    limit_text VARCHAR, passed BOOLEAN, severity VARCHAR, kind VARCHAR);
CREATE TABLE IF NOT EXISTS gates.profiles (
    snapshot_id VARCHAR, system VARCHAR, record VARCHAR, measure VARCHAR, attribute VARCHAR, value DOUBLE);
CREATE TABLE IF NOT EXISTS gates.basis (
    system VARCHAR, record VARCHAR, rules_hash VARCHAR, snapshot_id VARCHAR);
CREATE TABLE IF NOT EXISTS gates.pending (system VARCHAR, record VARCHAR, source_id VARCHAR);
CREATE TABLE IF NOT EXISTS gates.suites (
    system VARCHAR, gate_hash VARCHAR, snapshot_id VARCHAR, judged_at TIMESTAMPTZ);
"""
"""`basis`: the snapshot that what is accepted now comes from, and the rules under which it was judged. `pending`: records
that changed in a snapshot that was refused, or that a crashed rule could not judge; the next gate judges them although
nothing touched them again. `suites`: the snapshot of each system that Great Expectations itself judged last."""


def accepted_columns(scope: RecordType) -> dict[str, str]:
    """What `history` and `accepted` share, with `snapshot_id`."""
    return {**record_columns(scope.stack, scope.system, scope.record), "snapshot_id": "VARCHAR"}


def make_accepted(con: duckdb.DuckDBPyConnection, scope: RecordType) -> None:
    """Create a record type's accepted table, or give it the columns the mapping has gained.

    A column whose type changed is converted where it can be: changed types change the rules' hash, so all but the
    records in quarantine are written anew in the same gate.
    """
    wanted = {**accepted_columns(scope), "held": "BOOLEAN"}
    con.execute(f"CREATE TABLE IF NOT EXISTS {scope.accepted} ({ddl(wanted)})")
    present = columns_of(con, "accepted", scope.name)
    for name, kind in wanted.items():
        if name not in present:
            con.execute(f"ALTER TABLE {scope.accepted} ADD COLUMN {ident(name)} {kind}")
        elif present[name] != _engine_name(con, kind):
            con.execute(
                f"ALTER TABLE {scope.accepted} ALTER COLUMN {ident(name)} TYPE {kind} USING TRY_CAST({ident(name)} AS {kind})"
            )


def _engine_name(con: duckdb.DuckDBPyConnection, kind: str) -> str:
    row = con.execute(f"SELECT typeof(NULL::{kind})").fetchone()
    return str(row[0]) if row else kind
