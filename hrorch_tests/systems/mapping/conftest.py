"""Maps small raw files through the real statement: one function, from Python rows to the rows of the snapshot file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.mapping import MappedCounts, map_records
from hrorch_pipelines.systems.raw import RawRecords, ReadReport

KEY = bytes(range(32))
NOW = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Mapped:
    """The outcome of one mapping."""

    counts: MappedCounts
    rows: list[dict[str, Any]]
    path: Path

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    def faults(self, row: int = 0) -> list[tuple[str, str]]:
        return [(fault["attribute"], fault["code"]) for fault in self.rows[row]["faults"]]


Mapper = Callable[..., Mapped]


def stack_of(record: dict[str, Any], types: dict[str, str], **more: Any) -> Stack:
    """A stack with one system `s` and one record type `r`."""
    records = more.pop("records", {})
    system = {
        "connector": "files",
        "base_url": "/",
        "owner": "dana",
        "records": {"r": {"read": {"path": "x.csv"}, "key": "id", **record}, **records},
        **more.pop("system", {}),
    }
    attributes = {name: {"data_type": "personal", "type": kind} for name, kind in types.items()}
    stack = Stack.model_validate(
        {
            "organization": {"name": "T", "time_zone": "America/Chicago", **more.pop("organization", {})},
            "people": {"dana": {"name": "Dana", "email": "d@x.example"}},
            "systems": {"s": system},
            "attributes": attributes,
            "stages": {"worker": {"present_in": ["s"]}},
            "authority": {"personal": {"worker": "s"}},
        }
    )
    stack._folder = more.pop("folder", Path())
    assert not more
    return stack


def raw_file(path: Path, rows: Sequence[Any], *, nested: bool) -> RawRecords:
    """Write rows as a connector would: JSON Lines, or all-VARCHAR Parquet with `_line`."""
    report = ReadReport(NOW, NOW, "full", 1, 1, None)
    if nested:
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return RawRecords(path, "nested", len(rows), (), report)
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["id"]
    table = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns}
    pq.write_table(pa.table({**table, "_line": pa.array(range(2, len(rows) + 2), pa.int64())}), path)
    return RawRecords(path, "flat", len(rows), tuple(columns), report)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def mapper(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Mapper:
    """`mapper(rows, fields, types, nested=False, record={…}, **stack)` → Mapped, rows ordered by `row_id`."""
    runs = iter(range(1_000_000))

    def run(rows: Sequence[Any], fields: dict[str, Any], types: dict[str, str], **more: Any) -> Mapped:
        nested = more.pop("nested", False)
        stack = stack_of({"fields": fields, **more.pop("record", {})}, types, **more)
        number = next(runs)
        raw = raw_file(tmp_path / f"raw-{number}", rows, nested=nested)
        return mapped(con, stack, raw, tmp_path / f"out-{number}.parquet")

    return run


def mapped(con: duckdb.DuckDBPyConnection, stack: Stack, raw: RawRecords, out: Path, record: str = "r") -> Mapped:
    """Map and read back."""
    counts = map_records(con, stack, "s", record, raw, out, KEY)
    con.execute("SET TimeZone = 'UTC'")
    reader = con.execute("SELECT * FROM read_parquet($path) ORDER BY row_id", {"path": str(out)})
    names = [column[0] for column in reader.description]
    return Mapped(counts, [dict(zip(names, row, strict=True)) for row in reader.fetchall()], out)


def one(mapper: Mapper, value: Any, kind: str, **declared: Any) -> tuple[Any, list[str]]:
    """Map one value; (canonical value, fault codes)."""
    done = mapper([{"id": "1", "v": value}], {"a": {"from": "v", **declared}}, {"a": kind})
    return done.rows[0]["a"], [code for _, code in done.faults()]


def many(mapper: Mapper, values: Sequence[Any], kind: str, **declared: Any) -> list[tuple[Any, list[str]]]:
    """Map many values at once; (canonical value, fault codes) of each, in order."""
    done = mapper(
        [{"id": str(at), "v": value} for at, value in enumerate(values)], {"a": {"from": "v", **declared}}, {"a": kind}
    )
    return [(row["a"], [fault["code"] for fault in row["faults"]]) for row in done.rows]
