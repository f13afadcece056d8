"""Compute patterns: one pass over golden record and cells per copy system. Leaves `fresh_patterns`; kept and counted in `counts`."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.pairs import CopyPlan
from hrorch_pipelines.reconcile.presence import SCOPE, judge_presence
from hrorch_pipelines.reconcile.states import missing_pattern_sql, pattern_sql
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal

COLUMNS = "person_id VARCHAR, copy_system VARCHAR, stage VARCHAR, pattern VARCHAR"


def compute_patterns(
    con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, plans: list[CopyPlan], *, full: bool
) -> None:
    """Make `fresh_patterns(person_id, copy_system, stage, pattern)` for everybody, or for `compare_scope`.

    One row per person with a stage and copy system in which there is a record, or ought to be.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE fresh_patterns ({COLUMNS})")
    scope = "" if full else SCOPE
    golden = f"(SELECT * FROM golden.wide {scope} WHERE stage IS NOT NULL)"
    for plan in plans:
        if plan.system not in cycle.sources:
            continue
        judge_presence(con, stack, cycle, plan.system, full=full)
        cells = ident("cells", plan.system)
        usual = (_usual(con, "golden.wide"), _usual(con, cells)) if full else (None, None)
        con.execute(
            f"""INSERT INTO fresh_patterns
                SELECT g.person_id, {literal(plan.system)}, g.stage, {pattern_sql(stack, plan, usual)}
                FROM {golden} g JOIN {cells} c ON c.person_id = g.person_id
                LEFT JOIN verdicts v ON v.person_id = g.person_id"""
        )
        con.execute(
            f"""INSERT INTO fresh_patterns
                SELECT g.person_id, {literal(plan.system)}, g.stage, {missing_pattern_sql(plan)}
                FROM verdicts v JOIN golden.wide g ON g.person_id = v.person_id
                WHERE NOT EXISTS (SELECT 1 FROM {cells} c WHERE c.person_id = v.person_id)"""
        )
        con.execute("DROP TABLE verdicts")


def _usual(con: duckdb.DuckDBPyConnection, table: str) -> str | None:
    row = con.execute(f"SELECT marks FROM {table} GROUP BY marks ORDER BY count(*) DESC, marks LIMIT 1").fetchone()
    return row[0] if row else None
