"""Keep `reconcile.discrepancies` over cycles: what is new, what goes on, what is resolved, what rests on a stale snapshot."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.storage.cycles import Cycle

_COLUMNS = """
    discrepancy_id VARCHAR, person_id VARCHAR, attribute VARCHAR, data_type VARCHAR, stage VARCHAR, state VARCHAR,
    authority_system VARCHAR, authority_source_id VARCHAR, authority_value VARCHAR, authority_snapshot_id VARCHAR,
    copy_system VARCHAR, copy_source_id VARCHAR, copy_value VARCHAR, copy_snapshot_id VARCHAR, cause VARCHAR, cause_detail VARCHAR,
    authority_changed_at TIMESTAMPTZ, copy_changed_at TIMESTAMPTZ, copy_changed_by VARCHAR, money_at_risk DECIMAL(18,2),
    first_seen_at TIMESTAMPTZ, cycle_id VARCHAR"""

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS reconcile.discrepancies ({_COLUMNS});
CREATE TABLE IF NOT EXISTS reconcile.suspended ({_COLUMNS});
CREATE TABLE IF NOT EXISTS reconcile.resolved (
    discrepancy_id VARCHAR, person_id VARCHAR, attribute VARCHAR, authority_system VARCHAR, copy_system VARCHAR, state VARCHAR,
    cause VARCHAR, first_seen_at TIMESTAMPTZ, resolved_at TIMESTAMPTZ, cycle_id VARCHAR);
"""


def keep_rows(con: duckdb.DuckDBPyConnection, cycle: Cycle, *, full: bool) -> tuple[int, int]:
    """Replace the rows of the persons looked at by `fresh_rows`; returns how many are new and how many were resolved.

    A row that goes on keeps `first_seen_at` and the cycle that first saw it. Causes are empty again on every row written.
    Rows that rest on a stale system, or on one that cannot be read at all now, wait in `reconcile.suspended`, neither
    asserted nor resolved.
    """
    read = {"read": sorted(cycle.sources)}
    readable = "list_contains($read, copy_system) AND list_contains($read, authority_system)"
    scope = "" if full else "SEMI JOIN compare_scope USING (person_id)"
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE former_rows AS
            SELECT * FROM (FROM reconcile.discrepancies UNION ALL FROM reconcile.suspended) {scope} WHERE {readable}""",
        read,
    )
    resolved = con.execute(
        """INSERT INTO reconcile.resolved
           SELECT discrepancy_id, person_id, attribute, authority_system, copy_system, state, cause, first_seen_at, ?, ?
           FROM former_rows ANTI JOIN fresh_rows USING (discrepancy_id)""",
        [cycle.now, cycle.cycle_id],
    ).fetchone()
    new = con.execute("SELECT count(*) FROM fresh_rows ANTI JOIN former_rows USING (discrepancy_id)").fetchone()
    con.execute(
        """CREATE OR REPLACE TEMP TABLE kept_rows AS
           SELECT f.* REPLACE (coalesce(o.first_seen_at, f.first_seen_at) AS first_seen_at, coalesce(o.cycle_id, f.cycle_id) AS cycle_id)
           FROM fresh_rows f LEFT JOIN former_rows o USING (discrepancy_id)"""
    )
    for table in ("discrepancies", "suspended"):
        where = "" if full else "AND person_id IN (SELECT person_id FROM compare_scope)"
        con.execute(f"DELETE FROM reconcile.{table} WHERE {readable} {where}", read)
    con.execute("INSERT INTO reconcile.discrepancies BY NAME FROM kept_rows")
    _move_stale(con)
    for name in ("former_rows", "kept_rows", "fresh_rows"):
        con.execute(f"DROP TABLE {name}")
    return (int(new[0]) if new else 0, int(resolved[0]) if resolved else 0)


def _move_stale(con: duckdb.DuckDBPyConnection) -> None:
    """Between `discrepancies` and `suspended`, whichever system went stale or came back."""
    stale = """EXISTS (SELECT 1 FROM reconcile.positions p
                       WHERE p.copy_system = d.copy_system AND p.stage = d.stage AND p.attribute = d.attribute AND p.position > 0
                         AND CASE WHEN d.state IN ('missing_record', 'ghost') THEN p.stale_presence ELSE p.stale END)"""
    for source, target, moves in (
        ("discrepancies", "suspended", stale),
        ("suspended", "discrepancies", f"NOT {stale}"),
    ):
        con.execute(f"CREATE OR REPLACE TEMP TABLE moving AS SELECT d.* FROM reconcile.{source} d WHERE {moves}")
        con.execute(f"DELETE FROM reconcile.{source} WHERE discrepancy_id IN (SELECT discrepancy_id FROM moving)")
        con.execute(f"INSERT INTO reconcile.{target} BY NAME FROM moving")
    con.execute("DROP TABLE moving")
