"""Tables of the schema `identity` (docs/tables.md). No index: they are written in bulk and read by scans and hash joins."""

from __future__ import annotations

import secrets

import duckdb

from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.storage.catalog import columns_of
from hrorch_pipelines.storage.columns import SQL_TYPES, ddl

_TABLES = """
CREATE SCHEMA IF NOT EXISTS identity;
CREATE TABLE IF NOT EXISTS identity.links (
    system VARCHAR NOT NULL, source_id VARCHAR NOT NULL, person_id VARCHAR NOT NULL, method VARCHAR NOT NULL,
    probability DOUBLE, edge_id VARCHAR, since TIMESTAMPTZ, cycle_id VARCHAR);
CREATE TABLE IF NOT EXISTS identity.former_links (
    system VARCHAR NOT NULL, source_id VARCHAR NOT NULL, person_id VARCHAR NOT NULL, until TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS identity.persons (person_id VARCHAR NOT NULL, created_at TIMESTAMPTZ, merged_into VARCHAR);
CREATE TABLE IF NOT EXISTS identity.edges (
    edge_id VARCHAR NOT NULL, left_system VARCHAR, left_id VARCHAR, right_system VARCHAR, right_id VARCHAR,
    method VARCHAR, basis VARCHAR, probability DOUBLE, evidence VARCHAR, zone VARCHAR, created_at TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS identity.reviews (
    review_id VARCHAR NOT NULL, kind VARCHAR, left_system VARCHAR, left_id VARCHAR, right_system VARCHAR,
    right_id VARCHAR, probability DOUBLE, why VARCHAR, action VARCHAR, reviewer VARCHAR, deputy VARCHAR,
    opened_at TIMESTAMPTZ, closed_at TIMESTAMPTZ, outcome VARCHAR, evidence VARCHAR);
CREATE TABLE IF NOT EXISTS identity.decisions (
    decision_id VARCHAR NOT NULL, left_system VARCHAR, left_id VARCHAR, right_system VARCHAR, right_id VARCHAR,
    verdict VARCHAR, decided_by VARCHAR, decided_at TIMESTAMPTZ, reason VARCHAR, sequence BIGINT);
CREATE TABLE IF NOT EXISTS identity.events (
    event_id VARCHAR NOT NULL, kind VARCHAR, person_id VARCHAR, other_person_id VARCHAR, system VARCHAR,
    source_id VARCHAR, "at" TIMESTAMPTZ, cause VARCHAR, part_of VARCHAR);
CREATE TABLE IF NOT EXISTS identity.pending (system VARCHAR, source_id VARCHAR);
CREATE TABLE IF NOT EXISTS identity.models (
    fingerprint VARCHAR, origin VARCHAR, records BIGINT, trained_at TIMESTAMPTZ, settings VARCHAR);
CREATE TABLE IF NOT EXISTS identity.settings (name VARCHAR, value VARCHAR);
CREATE OR REPLACE VIEW identity.verdicts AS
    SELECT left_system, left_id, right_system, right_id, arg_max(verdict, sequence) AS verdict
    FROM identity.decisions GROUP BY ALL;
"""


def trait_columns(plan: Plan) -> dict[str, str]:
    """Columns of `identity.traits`: one row per base record ever seen, with its attributes folded for comparison."""
    attributes = {name: SQL_TYPES.get(kind, "VARCHAR") for name, kind in plan.kinds.items()}
    return {
        "system": "VARCHAR",
        "source_id": "VARCHAR",
        **attributes,
        "spell_start": "DATE",
        "spell_end": "DATE",
        "ended": "BOOLEAN",
        "gone": "BOOLEAN",
        "copies": "BIGINT",
        "former_names": "VARCHAR[]",
    }


def prepare(con: duckdb.DuckDBPyConnection, plan: Plan, salt: str | None) -> bool:
    """Create what is missing. True when the evidence must be computed for everybody: matching is declared differently now."""
    con.execute(_TABLES)
    if not setting(con, "salt"):
        _set(con, "salt", salt or secrets.token_hex(32))
    anew = setting(con, "plan") != plan.fingerprint
    wanted = trait_columns(plan)
    if list(columns_of(con, "identity", "traits")) != list(wanted):
        con.execute("DROP TABLE IF EXISTS identity.traits")
        con.execute(f"CREATE TABLE identity.traits ({ddl(wanted)})")
    if anew:
        _set(con, "plan", plan.fingerprint)
    return anew


def setting(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """A remembered value of this warehouse; the salt keeps person ids from being guessed from record ids."""
    rows = con.execute("SELECT value FROM identity.settings WHERE name = ?", [name]).fetchall()
    return rows[0][0] if rows else None


def _set(con: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    con.execute("DELETE FROM identity.settings WHERE name = ?", [name])
    con.execute("INSERT INTO identity.settings VALUES (?, ?)", [name, value])
