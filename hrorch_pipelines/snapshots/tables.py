"""The tables of `history`: made when first needed, widened when the mapping grows. docs/tables.md is the contract."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from hrorch_pipelines.audit.leaves import COLUMNS
from hrorch_pipelines.snapshots.manifest import RecordFacts
from hrorch_pipelines.storage.catalog import columns_of
from hrorch_pipelines.storage.columns import SOURCE_COLUMNS, STATE_COLUMNS, ddl
from hrorch_pipelines.storage.sql import ident, record_table

SCHEMA = (
    """
CREATE SCHEMA IF NOT EXISTS history;
CREATE TABLE IF NOT EXISTS history.snapshots (
    snapshot_id VARCHAR, system VARCHAR, observed_at TIMESTAMPTZ, previous_snapshot_id VARCHAR, rows BIGINT,
    ingested_at TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS history.changes (
    system VARCHAR, record VARCHAR, record_key VARCHAR, occurrence INTEGER, source_id VARCHAR, parent_id VARCHAR,
    effective_from DATE, attribute VARCHAR, before VARCHAR, after VARCHAR, kind VARCHAR, changed_at TIMESTAMPTZ,
    changed_by VARCHAR, observed_at TIMESTAMPTZ, previous_observed_at TIMESTAMPTZ, snapshot_id VARCHAR,
    salt VARCHAR, leaf VARCHAR);
CREATE TABLE IF NOT EXISTS history.mappings (
    system VARCHAR, record VARCHAR, shape_hash VARCHAR, attribute VARCHAR, field_hash VARCHAR, snapshot_id VARCHAR);
"""
    + COLUMNS
)

KNOWN_COLUMNS = {"snapshot_id": "VARCHAR", "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ"}
"""What history adds to a record's columns: when we knew it, and from which snapshot."""


@dataclass(frozen=True)
class Comparable:
    """What of a record type may be compared with what is held: nothing on first sight, else attributes read alike."""

    baseline: bool
    attributes: tuple[str, ...]


def attributes_of(facts: RecordFacts) -> dict[str, str]:
    """Attribute → SQL type, as the snapshot's file has them."""
    fixed = {*SOURCE_COLUMNS, *STATE_COLUMNS, "raw"}
    return {name: kind for name, kind in facts.columns.items() if name not in fixed}


def make_room(con: duckdb.DuckDBPyConnection, system: str, record: str, attributes: dict[str, str]) -> None:
    """Create the record's table, or add the columns it lacks. A column whose type changed is kept under another name."""
    table = record_table("history", system, record)
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {table} ({ddl({**SOURCE_COLUMNS, **attributes, **STATE_COLUMNS, **KNOWN_COLUMNS})})"
    )
    present = columns_of(con, "history", f"{system}.{record}")
    same = _spelled_alike(con, attributes)
    for name, kind in attributes.items():
        if name in present and present[name] == same[name]:
            continue
        if name in present:
            retired = _free_name(f"{name}@{present[name]}", present)
            con.execute(f"ALTER TABLE {table} RENAME COLUMN {ident(name)} TO {ident(retired)}")
            present[retired] = present[name]
        con.execute(f"ALTER TABLE {table} ADD COLUMN {ident(name)} {kind}")


def comparable(con: duckdb.DuckDBPyConnection, system: str, record: str, facts: RecordFacts) -> Comparable:
    """Compare the mapping of a snapshot with that of the last one ingested."""
    known = con.execute(
        "SELECT shape_hash, attribute, field_hash FROM history.mappings WHERE system = ? AND record = ?",
        [system, record],
    ).fetchall()
    if not any(shape == facts.shape_hash for shape, _, _ in known):
        return Comparable(baseline=True, attributes=())
    before = {attribute: field_hash for _, attribute, field_hash in known}
    return Comparable(
        baseline=False,
        attributes=tuple(name for name in attributes_of(facts) if before.get(name) == facts.field_hashes.get(name, "")),
    )


def remember_mapping(
    con: duckdb.DuckDBPyConnection, system: str, record: str, facts: RecordFacts, snapshot: str
) -> None:
    """Note how this record type was mapped. Nothing is written while nothing changes."""
    con.execute("DELETE FROM history.mappings WHERE system = ? AND record = ?", [system, record])
    rows = [[system, record, facts.shape_hash, name, value, snapshot] for name, value in facts.field_hashes.items()]
    con.executemany(
        "INSERT INTO history.mappings VALUES (?, ?, ?, ?, ?, ?)",
        rows or [[system, record, facts.shape_hash, None, None, snapshot]],
    )


def _spelled_alike(con: duckdb.DuckDBPyConnection, kinds: dict[str, str]) -> dict[str, str]:
    """The engine's own spelling of types: TIMESTAMPTZ is `TIMESTAMP WITH TIME ZONE` to it."""
    if not kinds:
        return {}
    columns = ", ".join(f"NULL::{kind} AS {ident(name)}" for name, kind in kinds.items())
    return {name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT {columns}").fetchall()}


def _free_name(wanted: str, taken: dict[str, str]) -> str:
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}#{number}"
    return name
