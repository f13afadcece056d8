"""What is measured in one record's Parquet file, for the manifest and for the trust rules. Judging is in `trust`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.storage.sql import ident, literal


@dataclass(frozen=True)
class Measured:
    """Counts of one file; attributes map to numbers of cells."""

    rows: int
    keyless: int
    repeated: int
    content_hash: str
    columns: dict[str, str]
    answered: dict[str, int]
    fault_cells: dict[str, int]
    keys_before: int
    keys_kept: int


def measure(con: duckdb.DuckDBPyConnection, file: Path, attributes: list[str], previous: Path | None) -> Measured:
    """Read a snapshot file once for its counts and once for its keys beside those of the last good one."""
    source = f"read_parquet({literal(str(file))})"
    filled = "".join(f", count({ident(name)})" for name in attributes)
    row = con.execute(
        f"""
        SELECT count(*), count(*) FILTER (WHERE record_key IS NULL),
               sum(md5_number_lower(coalesce(record_key, '') || chr(31) || record_hash)) {filled}
        FROM {source}
        """
    ).fetchone()
    assert row is not None, "an aggregate always answers with one row"  # noqa: S101
    rows, keyless, total, *counts = row
    hidden = _count(con, f"SELECT unnest(hidden) AS attribute FROM {source} WHERE len(hidden) > 0")
    faulty = _count(con, f"SELECT unnest(faults).attribute AS attribute FROM {source} WHERE len(faults) > 0")
    answered = {
        name: count + hidden.get(name, 0) + faulty.get(name, 0) for name, count in zip(attributes, counts, strict=True)
    }
    before, kept = _overlap(con, file, previous) if previous else (0, 0)
    return Measured(
        rows=rows,
        keyless=keyless,
        repeated=_repeated(con, source),
        content_hash=f"{rows:x}-{int(total or 0):x}",
        columns={name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()},
        answered=answered,
        fault_cells=faulty,
        keys_before=before,
        keys_kept=kept,
    )


def mapped_columns(record: Record, found: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of a flat source that the mapping names and the source has.

    Only these are written down: the other names may be anything, in a file without a header even a person's data.
    """
    wanted = {path for field in record.maps() for path in field.read_from}
    return tuple(name for name in found if name in wanted)


def _repeated(con: duckdb.DuckDBPyConnection, source: str) -> int:
    """Rows equal to another in key and content, beyond the first of each."""
    row = con.execute(
        f"""
        WITH doubled AS (SELECT record_key FROM {source} WHERE occurrence > 1 AND record_key IS NOT NULL),
             same AS (SELECT count(*) AS n FROM {source} SEMI JOIN doubled USING (record_key) GROUP BY record_key, record_hash)
        SELECT coalesce(sum(n - 1), 0)::BIGINT FROM same
        """
    ).fetchone()
    return int(row[0]) if row else 0


def _overlap(con: duckdb.DuckDBPyConnection, file: Path, previous: Path) -> tuple[int, int]:
    """Distinct ids alive in the last good snapshot, and how many of them this one still speaks of."""
    row = con.execute(
        f"""
        WITH before AS (
            SELECT DISTINCT source_id FROM read_parquet({literal(str(previous))})
            WHERE source_id IS NOT NULL AND NOT coalesce(deleted, FALSE)
        ),
        kept AS (SELECT count(*) AS n FROM before SEMI JOIN read_parquet({literal(str(file))}) AS now USING (source_id))
        SELECT (SELECT count(*) FROM before), (SELECT n FROM kept)
        """
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def _count(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return dict(con.execute(f"SELECT attribute, count(*) FROM ({query}) GROUP BY attribute").fetchall())
