"""A read of changes only, made into a complete snapshot again. What the window did not show is unknown, hence kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from hrorch_pipelines.snapshots.manifest import Manifest
from hrorch_pipelines.stack.systems import Record, RestRead
from hrorch_pipelines.storage.sql import literal

OVERLAP = timedelta(minutes=5)
"""Windows overlap by this much: the system's clock may lag ours, and a record read twice does no harm."""


def window_start(
    record: str, declared: Record, mapping: str, previous: Manifest | None, now: datetime
) -> datetime | None:
    """From when on to ask for changes only; None asks for everything.

    Everything is read when there is nothing to build on, when the mapping changed, when `full_every` has passed, and for
    records that a window cannot describe: elements of a list, rows of an effective-dated table, records with a condition
    (one that no longer holds looks like no change), records without a key.
    """
    before = previous.records.get(record) if previous else None
    window = declared.read.window if isinstance(declared.read, RestRead) else None
    if previous is None or before is None or window is None or before.mapping_hash != mapping or before.keyless:
        return None
    if isinstance(declared.read, RestRead) and declared.read.each is not None:
        return None
    if declared.explode or declared.effective or declared.where or now - before.complete_at >= window.full_every:
        return None
    return previous.started_at - OVERLAP


def complete(
    con: duckdb.DuckDBPyConnection, before: Path, window: Path, removed_ids: Sequence[str], into: Path
) -> None:
    """Write the last good rows with the window's in place of their older selves, without those listed as deleted.

    All rows of an id are replaced together, so `occurrence` stays right; `row_id` is counted anew.
    """
    last, changed = f"read_parquet({literal(str(before))})", f"read_parquet({literal(str(window))})"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE removed AS SELECT unnest($ids::VARCHAR[]) AS source_id",
        {"ids": list(removed_ids)},
    )
    con.execute(
        f"""
        COPY (
            WITH told AS (SELECT source_id FROM {changed} UNION SELECT source_id FROM removed),
            kept AS (SELECT * FROM {last} AS held ANTI JOIN told ON told.source_id = held.source_id),
            arrived AS (
                SELECT * FROM {changed} AS fresh
                ANTI JOIN removed ON removed.source_id = fresh.source_id
            ),
            merged AS (SELECT * FROM kept UNION ALL BY NAME SELECT * FROM arrived)
            SELECT (row_number() OVER () - 1)::BIGINT AS row_id, * EXCLUDE (row_id) FROM merged
        ) TO {literal(str(into))} (FORMAT parquet, COMPRESSION zstd)
        """
    )
