"""Which cases are over, wait for a landing, or were promised in vain: `case_known` held against what the systems show now.

Absence is no evidence: a case is over when the gate has closed its own, or when the cell, seen in a fresh snapshot of both
sides, agrees or is no longer compared. What is hidden, quarantined or stale is unknown, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from hrorch_pipelines.exceptions.known import fill
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle

_SETTLED = "('a', 'y', 'e', '.')"
"""Letters of `reconcile.states` with which a cell is in order: agrees (also in flight), both empty, not compared here."""

_UNKNOWN = "('q', 'h', 'u', 'k', 'Y', 's')"
"""Letters with which nothing can be said, or not yet."""


@dataclass(frozen=True)
class Gone:
    """Ids of cases: over; right at the source and not yet in every copy; promised and not kept; resting on what is stale."""

    over: list[str]
    awaiting: list[str]
    in_vain: list[str]
    resting: frozenset[str]


def judge_known(
    con: duckdb.DuckDBPyConnection,
    cycle: Cycle,
    systems: Collection[str],
    trusted: Mapping[str, datetime],
    read: Mapping[str, datetime],
) -> Gone:
    """Judge every case in `case_known`. `trusted`: system → its last good snapshot; `read`: system → when reading it began.

    `case_found` must hold what is found now, with the mass cases among it.
    """
    doubtful = sorted({name for name in systems if name in cycle.stale or name not in cycle.sources})
    fill(con, "case_doubtful", "system VARCHAR", [(name,) for name in doubtful])
    fill(con, "case_trusted", "system VARCHAR, since TIMESTAMPTZ", list(trusted.items()))
    fill(con, "case_read", "system VARCHAR, since TIMESTAMPTZ", list(read.items()))
    con.execute(
        """CREATE OR REPLACE TEMP TABLE case_absent AS
           SELECT k.*, system IN (FROM case_doubtful) OR authority IN (FROM case_doubtful) AS resting
           FROM case_known k ANTI JOIN case_found f ON f.case_id = k.case_id"""
    )
    over, awaiting = _gates(con)
    over += _discrepancies(con) + _others(con)
    awaiting += _corrected(con)
    rest = """SELECT case_id FROM case_known WHERE source = 'discrepancy'
              AND (system IN (FROM case_doubtful) OR authority IN (FROM case_doubtful))"""
    return Gone(over, awaiting, _in_vain(con), frozenset(_ids(con, rest)))


def _gates(con: duckdb.DuckDBPyConnection) -> tuple[list[str], list[str]]:
    """The gate's case is closed: over, unless a copy still differs in that attribute."""
    if not has_table(con, "gates", "quarantine"):
        return [], []
    compared = has_table(con, "identity", "links") and has_table(con, "reconcile", "discrepancies")
    landing = """EXISTS (SELECT 1 FROM identity.links l JOIN case_differing d ON d.person_id = l.person_id
                         WHERE l.system = q.system AND l.source_id = coalesce(q.parent_id, q.source_id) AND d.attribute = q.attribute)"""
    if compared:
        con.execute(
            """CREATE OR REPLACE TEMP TABLE case_differing AS
               SELECT DISTINCT person_id, attribute FROM
                   (FROM reconcile.discrepancies UNION ALL FROM reconcile.suspended) WHERE state <> 'scheduled'"""
        )
    rows = con.execute(
        f"""SELECT a.case_id, {landing if compared else "false"} AS landing
            FROM case_absent a JOIN gates.quarantine q ON q.case_id = a.reference
            WHERE a.source = 'gate' AND NOT a.mass AND q.closed_at IS NOT NULL"""
    ).fetchall()
    return [one for one, landing in rows if not landing], [one for one, landing in rows if landing]


def _discrepancies(con: duckdb.DuckDBPyConnection) -> list[str]:
    if not has_table(con, "reconcile", "patterns"):
        return []
    con.execute(
        """CREATE OR REPLACE TEMP TABLE case_cells AS
           WITH asked AS (SELECT * FROM case_absent WHERE source = 'discrepancy' AND NOT mass AND NOT resting)
           SELECT a.case_id, a.rule, p.pattern, substr(p.pattern, o.position + 1, 1) AS letter,
                  EXISTS (SELECT 1 FROM reconcile.suspended s WHERE s.person_id = a.person_id AND s.copy_system = a.system
                          AND (a.attribute IS NULL OR s.attribute = a.attribute)) AS suspended,
                  EXISTS (SELECT 1 FROM reconcile.discrepancies d WHERE d.person_id = a.person_id AND d.copy_system = a.system
                          AND (a.attribute IS NULL OR d.attribute = a.attribute) AND d.state = a.rule) AS still
           FROM asked a
           LEFT JOIN reconcile.patterns p ON p.person_id = a.person_id AND p.copy_system = a.system
           LEFT JOIN reconcile.positions o ON o.copy_system = p.copy_system AND o.stage = p.stage
                AND o.attribute = a.attribute AND o.position > 0"""
    )
    return _ids(
        con,
        f"""SELECT case_id FROM case_cells WHERE NOT suspended AND NOT still AND CASE rule
                WHEN 'missing_record' THEN pattern IS NULL OR NOT starts_with(pattern, 'x')
                WHEN 'ghost' THEN letter IS NULL OR letter NOT IN {_UNKNOWN}
                ELSE letter IS NULL OR letter IN {_SETTLED} END""",
    )


def _others(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Snapshots with a good one after them, questions of identity that were answered, masses that melted away."""
    over = _ids(
        con,
        """SELECT a.case_id FROM case_absent a JOIN case_trusted t ON t.system = a.system
           WHERE a.source = 'snapshot' AND t.since > a.occurred_at""",
    )
    if has_table(con, "identity", "reviews"):
        over += _ids(
            con,
            """SELECT a.case_id FROM case_absent a JOIN identity.reviews r ON r.review_id = a.reference
               WHERE a.source = 'identity' AND r.closed_at IS NOT NULL""",
        )
    return over + _ids(con, "SELECT case_id FROM case_absent WHERE mass AND (source <> 'discrepancy' OR NOT resting)")


def _corrected(con: duckdb.DuckDBPyConnection) -> list[str]:
    """A correction is under way by now: nobody has to act."""
    return _ids(
        con,
        """SELECT a.case_id FROM case_absent a SEMI JOIN case_writes w
           ON w.person_id = a.person_id AND w.target = a.system AND w.attribute = a.attribute
           WHERE a.source = 'discrepancy' AND a.state IN ('open', 'acknowledged', 'in_progress')""",
    )


def _in_vain(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Resolved, no write of it under way any more, and still there in snapshots that were read after it was resolved."""
    return _ids(
        con,
        """SELECT k.case_id FROM case_known k SEMI JOIN case_found f ON f.case_id = k.case_id
           JOIN case_read own ON own.system = k.system LEFT JOIN case_read other ON other.system = k.authority
           WHERE k.state = 'awaiting_confirmation' AND NOT k.mass AND own.since > k.resolved_at
             AND coalesce(other.since > k.resolved_at, k.authority IS NULL)
             AND NOT EXISTS (SELECT 1 FROM case_writes w WHERE w.case_id = k.case_id
                             OR (w.person_id = k.person_id AND w.attribute = k.attribute))""",
    )


def _ids(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [str(one) for (one,) in con.execute(query).fetchall()]
