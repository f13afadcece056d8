"""Runs the compiled statement: raw records in, the snapshot file of docs/tables.md out, every row accounted for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.systems.mapping.assemble import Compiled
from hrorch_pipelines.systems.mapping.compile import compile_record
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.raw import RawRecords

_OBJECT_SIZE = 16 * 1024 * 1024  # DuckDB's own limit of one JSON record
_LARGEST_OBJECT = 1024 * 1024 * 1024
_FORMAT = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
_NUMBERED = """
WITH repeated AS (
    SELECT record_key FROM read_parquet($out) GROUP BY record_key HAVING count(*) > 1
), numbered AS (
    SELECT row_id, CAST(row_number() OVER (PARTITION BY record_key ORDER BY record_hash, row_id) AS INTEGER) AS occurrence
    FROM read_parquet($out) AS mapped SEMI JOIN repeated ON mapped.record_key IS NOT DISTINCT FROM repeated.record_key
)
SELECT mapped.* REPLACE (coalesce(numbered.occurrence, 1) AS occurrence)
FROM read_parquet($out) AS mapped LEFT JOIN numbered USING (row_id)
"""


@dataclass(frozen=True)
class MappedCounts:
    """Where every row went. `exploded` = `mapped` + `left_out`; without `explode`, `exploded` = `source_rows`.

    `childless` source rows have an empty list to explode. `faults`: attribute → code → cells. `hidden` and `filled`:
    attribute → cells withheld, cells with a value.
    """

    source_rows: int
    exploded: int
    childless: int
    mapped: int
    left_out: int
    faults: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    hidden: Mapping[str, int] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)


def map_records(
    con: duckdb.DuckDBPyConnection, stack: Stack, system: str, record: str, raw: RawRecords, out: Path, key: bytes
) -> MappedCounts:
    """Write the Parquet file `out` (docs/tables.md, "Snapshot files") and count.

    `con` is any connection; nothing is kept in it. `key` keys the hashes of `secret` attributes. Raises MappingFault when
    the declaration does not fit the file, the file cannot be read, or rows do not add up; then `out` does not exist.
    """
    compiled = compile_record(con, stack, system, record, raw, key)
    try:
        sources, childless, records, kept = _run(con, compiled, system, record, raw, out)
        counts = _count(con, stack, system, record, out, (sources, childless, records, kept))
        _assert_adds_up(system, record, raw, counts, kept)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return counts


def _run(
    con: duckdb.DuckDBPyConnection, compiled: Compiled, system: str, record: str, raw: RawRecords, out: Path
) -> tuple[int, int, int, int]:
    copy = f"COPY (\n{compiled.mapped}\n) TO $out ({_FORMAT})"
    size = _OBJECT_SIZE
    while True:
        params = {**compiled.params, "out": str(out), "object_size": size}
        try:
            tally = con.execute(compiled.tally, _used(compiled.tally, params)).fetchall()[0]
            con.execute(copy, _used(copy, params))
            _number_repeated(con, out)
        except duckdb.Error as problem:
            if "maximum_object_size" in str(problem) and size < _LARGEST_OBJECT:
                size *= 4
                continue
            raise _unreadable(system, record, raw, problem) from None  # DuckDB's messages quote values
        return int(tally[0]), int(tally[1]), int(tally[2]), int(tally[3])


def _number_repeated(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    """Set `occurrence`. Keys are hardly ever repeated, so rows are written as they come and again only where some are."""
    keys = "count(*) FILTER (record_key IS NULL), count(record_key), count(DISTINCT record_key)"
    keyless, filled, distinct = con.execute(f"SELECT {keys} FROM read_parquet($out)", {"out": str(out)}).fetchall()[0]
    if keyless <= 1 and filled == distinct:
        return
    made = out.with_suffix(".numbered")
    try:
        con.execute(f"COPY (\n{_NUMBERED}\n) TO $made ({_FORMAT})", {"out": str(out), "made": str(made)})
        made.replace(out)
    finally:
        made.unlink(missing_ok=True)


def _used(sql: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters a statement names; DuckDB refuses others."""
    named = set(re.findall(r"\$(\w+)", sql))
    return {name: value for name, value in params.items() if name in named}


def _unreadable(system: str, record: str, raw: RawRecords, problem: duckdb.Error) -> MappingFault:
    line = _bad_line(raw.path) if raw.shape == "nested" else None
    if line is not None:
        what = f"line {line} of `{raw.path.name}` is not JSON"
        return MappingFault(system, record, what, remedy="read the system again; if it stays, ask for the export anew")
    what = f"the engine stopped on `{raw.path.name}` ({type(problem).__name__})"
    return MappingFault(system, record, what, remedy="check that the file is whole; if it is, report this as a bug")


def _bad_line(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    # encoding again refuses lone surrogates, as the engine does
                    json.dumps(json.loads(line or b"null"), ensure_ascii=False).encode("utf-8")
                except ValueError:
                    if line.strip():
                        return number
    except OSError:
        return None
    return None


def _count(
    con: duckdb.DuckDBPyConnection, stack: Stack, system: str, record: str, out: Path, tally: tuple[int, int, int, int]
) -> MappedCounts:
    sources, childless, records, _ = tally
    attributes = list(stack.systems[system].records[record].fields)
    counted = "".join(f", count({ident(name)})" for name in attributes)
    path = {"path": str(out)}
    row = con.execute(f"SELECT count(*){counted} FROM read_parquet($path)", path).fetchall()[0]
    faults: dict[str, dict[str, int]] = {}
    for attribute, code, cells in con.execute(
        "SELECT fault.attribute, fault.code, count(*) FROM (SELECT unnest(faults) AS fault FROM read_parquet($path)) "
        "GROUP BY ALL ORDER BY ALL",
        path,
    ).fetchall():
        faults.setdefault(str(attribute), {})[str(code)] = int(cells)
    hidden = con.execute(
        "SELECT name, count(*) FROM (SELECT unnest(hidden) AS name FROM read_parquet($path)) GROUP BY ALL ORDER BY ALL",
        path,
    ).fetchall()
    return MappedCounts(
        source_rows=sources,
        exploded=records,
        childless=childless,
        mapped=int(row[0]),
        left_out=records - tally[3],
        faults=faults,
        hidden={str(name): int(cells) for name, cells in hidden},
        filled=dict(zip(attributes, map(int, row[1:]), strict=True)),
    )


def _assert_adds_up(system: str, record: str, raw: RawRecords, counts: MappedCounts, kept: int) -> None:
    """Rows read, kept and written are counted apart; here they must agree."""
    if counts.source_rows != raw.rows:
        what = f"the reader handed over {raw.rows} rows, `{raw.path.name}` holds {counts.source_rows}"
        raise MappingFault(system, record, what, remedy="read the system again; nothing of this file was used")
    if counts.mapped != kept or counts.mapped + counts.left_out != counts.exploded:
        what = f"{counts.exploded} records came in, {counts.mapped} were written and {counts.left_out} left out"
        raise MappingFault(system, record, what, remedy="report this as a bug; nothing of this file was used")
