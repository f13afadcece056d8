"""Compare every copy with its authority: patterns of states, counts, and the rows worth looking at. The steps are in their modules."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from hrorch_pipelines.authority.conditions import require_conditions
from hrorch_pipelines.authority.passes import must_recompute, prepare, record_pass
from hrorch_pipelines.reconcile import counts, ledger
from hrorch_pipelines.reconcile.emit import emit_rows
from hrorch_pipelines.reconcile.pairs import copy_plans
from hrorch_pipelines.reconcile.patterns import compute_patterns, settle_patterns
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import transaction


@dataclass(frozen=True)
class CompareResult:
    """How a pass went: everybody or the touched ones, rows that are new, rows resolved, cell pairs per state."""

    full: bool
    new: int
    resolved: int
    states: dict[str, int]


def compare(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> CompareResult:
    """Bring the comparison half of `reconcile` up to the cycle, in one transaction; running it again changes nothing.

    Needs `cells` and `golden` of the same cycle. States are those of METRICS.md (M2), decided in docs/decisions/0010 to 0014.
    Causes stay empty: another module fills them. Raises AuthorityFault for a condition that does not bind.
    """
    require_conditions(stack)
    plans = copy_plans(stack)
    with transaction(con, "reconcile"):
        prepare(con, "reconcile")
        con.execute(counts.SCHEMA + ledger.SCHEMA)
        full = must_recompute(con, stack, cycle, "reconcile")
        con.execute(
            "CREATE OR REPLACE TEMP TABLE compare_scope AS SELECT DISTINCT person_id FROM cycles.touched_persons WHERE cycle_id = ?",
            [cycle.cycle_id],
        )
        where = "" if full else "AND person_id IN (SELECT person_id FROM compare_scope)"
        con.execute(f"DELETE FROM cells.due WHERE room = 'reconcile' {where}")
        counts.record_positions(con, stack, cycle, plans)
        compute_patterns(con, stack, cycle, plans, full=full)
        counts.keep_counts(con, cycle, full=full)
        emit_rows(con, stack, cycle, plans)
        new, resolved = ledger.keep_rows(con, cycle, full=full)
        settle_patterns(con, full=full)
        con.execute("DROP TABLE compare_scope")
        record_pass(con, stack, cycle, "reconcile")
    states = con.execute("SELECT state, sum(n) FROM reconcile.pair_counts GROUP BY state ORDER BY state").fetchall()
    return CompareResult(full, new, resolved, {state: int(n) for state, n in states})
