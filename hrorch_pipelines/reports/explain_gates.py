"""How each record of a person stood at its gate when it was last judged. Why one is held is told by `explain`."""

from __future__ import annotations

from datetime import date

import duckdb

from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import literal, record_table

_GATES = (
    Column("system", "System"),
    Column("record", "Record type", inside="system"),
    Column("record_key", "Record", rank=2),
    Column("outcome", "At the gate"),
    Column("snapshot_id", "Version of snapshot", rank=3),
    Column("seen_at", "Version seen", "moment", rank=1),
    Column("judged_at", "Snapshot judged", "moment", rank=4),
)
PASSED = "passed"
HELD = "newest version held; the last good one counts"
NEVER = "held; none ever passed"


def gate_results(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    records: list[tuple[str, str]],
    attribute: str | None,
    as_of: date,
) -> Table:
    """One row per current record of these base records: whether its newest version passed, and which version counts."""
    wanted = {"systems": [system for system, _ in records], "ids": [source_id for _, source_id in records]}
    queries = [
        _standing(system, record, gated=has_table(con, "accepted", f"{system}.{record}"))
        for system, declared in stack.systems.items()
        for record, item in declared.records.items()
        if (attribute is None or attribute in item.fields) and has_table(con, "history", f"{system}.{record}")
    ]
    rows: list[tuple[object, ...]] = []
    if queries and has_table(con, "gates", "receipts"):
        rows = con.execute(
            f"""
            WITH mine AS (SELECT unnest($systems::VARCHAR[]) AS system, unnest($ids::VARCHAR[]) AS owner),
            standing AS ({" UNION ALL ".join(queries)})
            SELECT s.system, s.record, s.record_key,
                   CASE WHEN NOT s.accepted THEN $never WHEN s.held THEN $held ELSE $passed END,
                   s.snapshot_id, shots.observed_at, r.issued_at
            FROM standing s JOIN mine USING (system, owner)
            LEFT JOIN history.snapshots shots USING (snapshot_id)
            LEFT JOIN gates.receipts r ON r.snapshot_id = s.snapshot_id
            ORDER BY s.system, s.record, s.record_key""",
            {**wanted, "never": NEVER, "held": HELD, "passed": PASSED},
        ).fetchall()
    return Table("Gates", _GATES, tuple(rows), as_of)


def _standing(system: str, record: str, *, gated: bool) -> str:
    history = record_table("history", system, record)
    key = "h.record_key IS NOT DISTINCT FROM a.record_key AND h.occurrence = a.occurrence"
    names = f"{literal(system)} AS system, {literal(record)} AS record, coalesce(h.parent_id, h.source_id) AS owner"
    if not gated:
        return f"SELECT {names}, h.record_key, FALSE AS accepted, TRUE AS held, h.snapshot_id FROM {history} h WHERE h.valid_to IS NULL"
    return (
        f"SELECT {names}, h.record_key, a.record_hash IS NOT NULL AS accepted, coalesce(a.held, TRUE) AS held, "
        f"coalesce(a.snapshot_id, h.snapshot_id) AS snapshot_id "
        f"FROM {history} h LEFT JOIN {record_table('accepted', system, record)} a ON {key} WHERE h.valid_to IS NULL"
    )
