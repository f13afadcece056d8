"""Snapshots written straight to disk from plain rows, so that history is tested apart from reading and mapping."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots.catalogue import folder_of
from hrorch_pipelines.snapshots.facts import measure
from hrorch_pipelines.snapshots.fingerprint import field_hashes, mapping_hash, shape_hash
from hrorch_pipelines.snapshots.manifest import Manifest, RecordFacts, snapshot_id, write_manifest
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.columns import attribute_columns, ddl, record_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import ident, literal

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "legal_last_name": "last",
    "job_title": "title",
    "pay_amount": {"from": "pay", "unit": "year"},
    "start_date": "start",
}


def small_stack(
    *, fields: Mapping[str, Any] | None = None, records: Mapping[str, Any] | None = None, **system: Any
) -> Stack:
    """One system `hris` with one record type `worker`, mapped as `fields` says."""
    worker = {"read": {"path": "workers.csv"}, "key": "id", "fields": dict(FIELDS if fields is None else fields)}
    declared = {
        "connector": "files",
        "base_url": "exports",
        "owner": "dana",
        "records": {"worker": worker} if records is None else dict(records),
        **system,
    }
    text = {"data_type": "personal", "type": "text"}
    return Stack.model_validate(
        {
            "organization": {"name": "Lakeside", "time_zone": "America/Chicago"},
            "people": {"dana": {"name": "Dana", "email": "dana@lakeside.example"}},
            "systems": {"hris": declared},
            "attributes": {
                "legal_last_name": text,
                "job_title": text,
                "department": text,
                "pay_amount": {"data_type": "personal", "type": "pay"},
                "start_date": {"data_type": "personal", "type": "date"},
                "national_id": {"data_type": "personal", "type": "secret", "sensitivity": "secret"},
            },
            "stages": {"worker": {"present_in": ["hris"]}},
            "authority": {"personal": {"worker": "hris"}},
        }
    )


@dataclass
class Past:
    """A run-time folder, a warehouse in memory, and the means to let systems speak one snapshot after the other."""

    home: Home
    stack: Stack
    con: duckdb.DuckDBPyConnection
    clock: SetClock = field(default_factory=lambda: SetClock(START))

    def say(self, rows: Sequence[Mapping[str, Any]], *, record: str = "worker", stack: Stack | None = None) -> Manifest:
        """Write a trusted snapshot of `hris`: rows hold `id`, attributes, and any other column of a record."""
        stack = stack or self.stack
        self.clock.at += timedelta(hours=1)
        made = self.home.scratch / "said"
        made.mkdir(parents=True)
        file = made / f"{record}.parquet"
        self._write(stack, record, rows, file)
        attributes = list(attribute_columns(stack, "hris", record))
        measured = measure(self.con, file, attributes, None)
        declared = stack.systems["hris"].records[record]
        manifest = Manifest(
            snapshot_id=snapshot_id("hris", self.clock.at),
            system="hris",
            owner="dana",
            started_at=self.clock.at,
            observed_at=self.clock.at,
            trusted=True,
            stack_hash=stack.content_hash,
            records={
                record: RecordFacts(
                    file=file.name,
                    rows=measured.rows,
                    read_rows=len(rows),
                    left_out=0,
                    mode="full",
                    complete_at=self.clock.at,
                    pages=1,
                    requests=1,
                    claimed_rows=None,
                    content_hash=measured.content_hash,
                    columns=measured.columns,
                    source_columns=(),
                    mapping_hash=mapping_hash(stack, "hris", record),
                    shape_hash=shape_hash(declared),
                    field_hashes=field_hashes(stack, "hris", record),
                    answered=measured.answered,
                    fault_cells=measured.fault_cells,
                    keyless=measured.keyless,
                    repeated=measured.repeated,
                )
            },
        )
        write_manifest(made, manifest)
        place = folder_of(self.home, manifest)
        place.parent.mkdir(parents=True, exist_ok=True)
        made.rename(place)
        return manifest

    def cycle(self) -> Cycle:
        """A cycle at this moment."""
        return Cycle(cycle_id=f"cycle-{self.clock.at:%H%M%S}", now=self.clock.now(), as_of=date(2026, 3, 2))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(query, list(values)).fetchall()

    def _write(self, stack: Stack, record: str, rows: Sequence[Mapping[str, Any]], file: Path) -> None:
        columns = {**record_columns(stack, "hris", record), "raw": "VARCHAR"}
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE said ({ddl(columns)})")
        seen: dict[Any, int] = {}
        full = sorted((_filled(row, columns) for row in rows), key=lambda row: row["record_hash"])
        for number, row in enumerate(full):
            seen[row["record_key"]] = seen.get(row["record_key"], 0) + 1
            row |= {"row_id": number, "occurrence": seen[row["record_key"]]}
            self.con.execute(
                f"INSERT INTO said ({', '.join(ident(name) for name in row)}) VALUES ({', '.join('?' * len(row))})",
                list(row.values()),
            )
        self.con.execute(f"COPY said TO {literal(str(file))} (FORMAT parquet)")


def _filled(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    given = {name: value for name, value in row.items() if name in columns}
    key = row.get("id", row.get("record_key"))
    content = {name: str(value) for name, value in given.items() if not name.startswith("source_updated")}
    digest = hashlib.sha256(json.dumps([key, content], sort_keys=True).encode()).hexdigest()[:32]
    base = {"record_key": key, "source_id": key, "parent_id": key, "deleted": False, "hidden": [], "faults": []}
    return {**base, "raw": "{}", **given, "record_hash": digest}


@pytest.fixture
def past(tmp_path: Path) -> Past:
    con = duckdb.connect(":memory:", config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(cycles.SCHEMA)
    return Past(Home(tmp_path), small_stack(), con)
