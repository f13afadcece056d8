"""From one system's head count to another's, reason by reason; whatever no reason explains stands there as itself.

What a head is, and what each reason means, is in docs/metrics.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from hrorch_pipelines.authority.conditions import presence_condition
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, record_table

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS reconcile;
CREATE TABLE IF NOT EXISTS reconcile.bridge (
    cycle_id VARCHAR, from_system VARCHAR, to_system VARCHAR, step INTEGER, reason VARCHAR, count BIGINT, running BIGINT);
"""

UNEXPLAINED = "unexplained"

LEAVING = (
    "not yet started",
    "contingent worker, not required",
    "not required by the presence rule",
    "record ended or not live",
    "in flight: within the grace period",
    "missing record",
)
ARRIVING = ("ended in {start}: ghost", "in {start}, but not live there", "unknown to {start}: unmatched")
HELD = "quarantined in {system}: person not known"


@dataclass(frozen=True)
class Bridge:
    """One waterfall: (reason, signed count, running total), from the first system's heads to the second's."""

    start: str
    end: str
    steps: tuple[tuple[str, int, int], ...]


def build_bridges(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> list[Bridge]:
    """A bridge from the authority of employment to every other system that has presence rules. Replaces this cycle's rows."""
    con.execute(SCHEMA)
    con.execute("DELETE FROM reconcile.bridge WHERE cycle_id = ?", [cycle.cycle_id])
    origin = employment_authority(stack)
    bridges = [
        build_bridge(con, stack, cycle, origin, system)
        for system in stack.presence
        if system != origin and origin in cycle.sources and system in cycle.sources
    ]
    for bridge in bridges:
        con.executemany(
            "INSERT INTO reconcile.bridge VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (cycle.cycle_id, bridge.start, bridge.end, number, reason, count, running)
                for number, (reason, count, running) in enumerate(bridge.steps)
            ],
        )
    return bridges


def employment_authority(stack: Stack) -> str:
    """The system that says who is employed: the authority of `employment_status` in the first stage, else the first system."""
    attribute = stack.attributes.get("employment_status")
    rules = stack.authority.get(attribute.data_type, {}) if attribute else {}
    return next((rules[stage].system for stage in stack.stages if stage in rules), next(iter(stack.systems)))


def build_bridge(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, start: str, end: str) -> Bridge:
    """The waterfall from `start` to `end`. The end is counted by itself, so that an error shows as a residue."""
    _place_heads(con, stack, start, "bridge_start")
    _place_heads(con, stack, end, "bridge_end")
    held_start, held_end = _held(con, stack, start), _held(con, stack, end)
    began = _count(con, "SELECT count(*) FROM bridge_start WHERE head") + held_start
    ended = _count(con, "SELECT count(*) FROM bridge_end WHERE head") + held_end
    leaving = _reasons(con, _leaving(stack, end), {"end": end, "as_of": cycle.as_of})
    arriving = _reasons(con, _ARRIVING, {})
    moves = [
        (HELD.format(system=start), -held_start),
        *((reason, -leaving.get(reason, 0)) for reason in LEAVING),
        *((reason.format(start=start), arriving.get(reason, 0)) for reason in ARRIVING),
        (HELD.format(system=end), held_end),
    ]
    residue = ended - began - sum(count for _, count in moves)
    steps, running = [(f"heads in {start}", began, began)], began
    for reason, count in [*moves, (UNEXPLAINED, residue)]:
        running += count
        steps.append((reason, count, running))
    steps.append((f"heads in {end}", ended, running))
    con.execute("DROP TABLE bridge_start; DROP TABLE bridge_end")
    return Bridge(start, end, tuple(steps))


_ENDED = "('terminated', 'retired', 'deceased')"

_ARRIVING = """
SELECT CASE WHEN s.person_id IS NULL THEN 'unknown to {start}: unmatched'
            WHEN s.ended THEN 'ended in {start}: ghost'
            ELSE 'in {start}, but not live there' END AS reason, count(*)
FROM bridge_end AS e LEFT JOIN bridge_start AS s USING (person_id)
WHERE e.head AND NOT coalesce(s.head, false) GROUP BY reason
"""


def _leaving(stack: Stack, end: str) -> str:
    """Heads of the first system that are none in the second, by the first reason that holds."""
    must = presence_condition(stack, end, "must")
    status, kind, starts = (
        f"golden.{ident(name)}" if name in stack.attributes else "NULL"
        for name in ("employment_status", "employment_type", "start_date")
    )
    required = f"(SELECT person_id, {must.sql if must else 'true'} AS must FROM golden_today)"
    return f"""
    WITH golden_today AS (SELECT *, $as_of AS as_of FROM golden.persons),
    gone AS (
        SELECT s.person_id, e.person_id IS NOT NULL AS has_record
        FROM bridge_start AS s LEFT JOIN bridge_end AS e USING (person_id)
        WHERE s.head AND NOT coalesce(e.head, false)),
    missing AS (SELECT DISTINCT person_id FROM reconcile.discrepancies WHERE state = 'missing_record' AND copy_system = $end)
    SELECT CASE WHEN {starts} > $as_of OR lower({status}) IN ('prehire', 'onboarding') THEN 'not yet started'
                WHEN NOT coalesce(required.must, false) AND lower({kind}) IN ('contractor', 'temporary', 'intern')
                    THEN 'contingent worker, not required'
                WHEN NOT coalesce(required.must, false) THEN 'not required by the presence rule'
                WHEN missing.person_id IS NOT NULL THEN 'missing record'
                WHEN gone.has_record THEN 'record ended or not live'
                ELSE 'in flight: within the grace period' END AS reason, count(*)
    FROM gone JOIN golden.persons AS golden USING (person_id) JOIN {required} AS required USING (person_id)
    LEFT JOIN missing USING (person_id) GROUP BY reason
    """


def _place_heads(con: duckdb.DuckDBPyConnection, stack: Stack, system: str, table: str) -> None:
    """Make `table(person_id, head, ended)`: one row per person the system has a record of."""
    status = ident("employment_status") if "employment_status" in stack.systems[system].mapped() else "NULL"
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {ident(table)} AS
            SELECT person_id, coalesce(lower({status}) IN {_ENDED}, false) AS ended, coalesce(live, false) AND NOT ended AS head
            FROM {ident("cells", system)}"""
    )


def _held(con: duckdb.DuckDBPyConnection, stack: Stack, system: str) -> int:
    """Records of the system that never passed its gate: it counts them, we cannot say who they are."""
    base = stack.systems[system].base_record
    return _count(
        con,
        f"""SELECT count(*) FROM {record_table("history", system, base)} AS h
            WHERE h.valid_to IS NULL AND NOT coalesce(h.deleted, false)
              AND NOT EXISTS (SELECT 1 FROM {record_table("accepted", system, base)} AS a
                              WHERE a.record_key = h.record_key AND a.occurrence = h.occurrence)""",
    )


def _reasons(con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object]) -> dict[str, int]:
    return {str(reason): int(n) for reason, n in con.execute(query, parameters).fetchall()}


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
