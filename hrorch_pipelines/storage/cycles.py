"""A cycle: one pass of the warehouse stages, what it looks at, and which records and persons it touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType

import duckdb

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS cycles;
CREATE TABLE IF NOT EXISTS cycles.runs (
    cycle_id VARCHAR PRIMARY KEY, now TIMESTAMPTZ NOT NULL, as_of DATE NOT NULL, is_full BOOLEAN NOT NULL,
    stack_hash VARCHAR NOT NULL, finished_at TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS cycles.sources (
    cycle_id VARCHAR, system VARCHAR, snapshot_id VARCHAR, observed_at TIMESTAMPTZ, stale BOOLEAN);
CREATE TABLE IF NOT EXISTS cycles.touched_records (cycle_id VARCHAR, system VARCHAR, record VARCHAR, source_id VARCHAR);
CREATE TABLE IF NOT EXISTS cycles.touched_persons (cycle_id VARCHAR, person_id VARCHAR);
"""


@dataclass(frozen=True)
class Cycle:
    """What one pass works on.

    `now` is the moment of the pass (UTC); `as_of` the calendar date in the organization's zone for which
    effective-dated values are resolved. `sources` names the snapshot in use per system; systems in `stale` are older than their limit.
    `full` asks every stage to recompute everything; the result must equal the incremental one.
    """

    cycle_id: str
    now: datetime
    as_of: date
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stale: frozenset[str] = frozenset()
    full: bool = False


def begin(con: duckdb.DuckDBPyConnection, cycle: Cycle, stack_hash: str, observed: Mapping[str, datetime]) -> None:
    """Open a cycle. Records touched by a cycle that never finished are taken over, so a crash loses none."""
    con.execute(SCHEMA)
    for table in ("touched_records", "touched_persons"):
        con.execute(
            f"UPDATE cycles.{table} SET cycle_id = ? "
            "WHERE cycle_id IN (SELECT cycle_id FROM cycles.runs WHERE finished_at IS NULL)",
            [cycle.cycle_id],
        )
    # Begun again at the same moment (after a refusal), the cycle has the same id and other sources.
    con.execute(
        "DELETE FROM cycles.sources WHERE cycle_id IN (SELECT cycle_id FROM cycles.runs WHERE finished_at IS NULL)"
    )
    con.execute("DELETE FROM cycles.runs WHERE finished_at IS NULL")
    con.execute(
        "INSERT INTO cycles.runs VALUES (?, ?, ?, ?, ?, NULL)",
        [cycle.cycle_id, cycle.now, cycle.as_of, cycle.full, stack_hash],
    )
    for system, snapshot_id in cycle.sources.items():
        con.execute(
            "INSERT INTO cycles.sources VALUES (?, ?, ?, ?, ?)",
            [cycle.cycle_id, system, snapshot_id, observed.get(system), system in cycle.stale],
        )


def finish(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> None:
    """Close a cycle; what it touched is settled."""
    con.execute(
        "UPDATE cycles.runs SET finished_at = ? WHERE cycle_id = ?", [cycle.now.astimezone(UTC), cycle.cycle_id]
    )
    con.execute("DELETE FROM cycles.touched_records WHERE cycle_id = ?", [cycle.cycle_id])
    con.execute("DELETE FROM cycles.touched_persons WHERE cycle_id = ?", [cycle.cycle_id])
