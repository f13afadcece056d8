"""A source of snapshots for these tests: rows in, `history` and `touched_records` out, as docs/tables.md describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from hrorch_pipelines.gates.results import GateResult
from hrorch_pipelines.gates.validate import validate
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.columns import SOURCE_COLUMNS, ddl, record_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import ident, record_table

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
KNOWN = {"snapshot_id": "VARCHAR", "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ"}

ATTRIBUTES: dict[str, dict[str, str]] = {
    "employee_number": {"data_type": "employment", "type": "identifier", "sensitivity": "normal"},
    "last_name": {"data_type": "employment", "type": "name"},
    "email": {"data_type": "employment", "type": "email"},
    "department": {"data_type": "employment", "type": "text", "sensitivity": "normal"},
    "manager": {"data_type": "employment", "type": "person", "sensitivity": "normal"},
    "birth_date": {"data_type": "employment", "type": "date"},
    "start_date": {"data_type": "employment", "type": "date", "sensitivity": "normal"},
    "end_date": {"data_type": "employment", "type": "date", "sensitivity": "normal"},
    "seen_at": {"data_type": "employment", "type": "timestamp", "sensitivity": "normal"},
    "level": {"data_type": "employment", "type": "integer", "sensitivity": "normal"},
    "bonus": {"data_type": "employment", "type": "money", "sensitivity": "pay"},
    "active": {"data_type": "employment", "type": "boolean", "sensitivity": "normal"},
    "national_id": {"data_type": "employment", "type": "secret", "sensitivity": "secret"},
    "pay_amount": {"data_type": "employment", "type": "pay", "sensitivity": "pay"},
    "account": {"data_type": "employment", "type": "identifier", "sensitivity": "special"},
}
WORKER = [name for name in ATTRIBUTES if name not in {"pay_amount", "account"}]


def stack_of(folder: Path, gates: Mapping[str, Sequence[Mapping[str, Any]]], children: Sequence[str] = ()) -> Stack:
    """A stack of two systems; `hris` has a base record and, if asked for, `pay` (effective-dated) and `bank` below it."""
    folder.mkdir(parents=True, exist_ok=True)
    read = {"path": "unused.csv"}
    worker = {"read": read, "key": "id", "fields": {name: name for name in WORKER}}
    pay = {
        "read": read, "key": "id", "parent": "worker", "parent_key": "person",
        "effective": {"from": "from", "sequence": "number"}, "fields": {"pay_amount": "pay_amount"},
    }  # fmt: skip
    bank = {"read": read, "key": "id", "parent": "worker", "parent_key": "person", "fields": {"account": "account"}}
    content = {
        "organization": {"name": "Test", "time_zone": "America/Chicago"},
        "people": {
            "analyst": {"name": "A", "email": "a@example.org", "deputy": "lead"},
            "lead": {"name": "B", "email": "b@example.org"},
        },
        "systems": {
            "hris": {
                "connector": "files", "base_url": ".", "owner": "analyst",
                "records": {"worker": worker, **{name: {"pay": pay, "bank": bank}[name] for name in children}},
            },
            "payroll": {
                "connector": "files", "base_url": ".", "owner": "lead",
                "records": {"worker": {"read": read, "key": "id", "fields": {"employee_number": "n", "manager": "m"}}},
            },
        },
        "attributes": ATTRIBUTES,
        "stages": {"worker": {"present_in": ["hris"]}},
        "authority": {"employment": {"worker": "hris"}},
        "gates": {name: list(rules) for name, rules in gates.items()},
    }  # fmt: skip
    # Not by `load_stack`, which refuses at load some of what a gate must survive as well.
    stack = Stack.model_validate(content)
    stack._folder = folder
    stack._hash = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return stack


@dataclass
class World:
    """A warehouse that observes snapshots and runs gates on them, an hour apart."""

    folder: Path
    stack: Stack
    con: duckdb.DuckDBPyConnection
    children: Sequence[str] = ()
    turn: int = 0
    cycle: Cycle | None = None
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @property
    def now(self) -> datetime:
        return START + timedelta(hours=self.turn)

    def rules(self, gates: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Change the stack file's gates."""
        self.stack = stack_of(self.folder, gates, self.children)

    def observe(self, system: str = "hris", **records: Sequence[Mapping[str, Any]]) -> str:
        """Bring one complete snapshot into history, in a new cycle that goes on from the last one."""
        self.turn += 1
        if self.cycle is not None:
            cycles.finish(self.con, self.cycle)
        snapshot_id = f"{system}-{self.now:%Y%m%dT%H%M%S%fZ}"
        self.sources[system] = snapshot_id
        self.begin()
        for record in self.stack.systems[system].records:
            self._ingest(system, record, records.get(record, []), snapshot_id)
        self.con.execute(
            "INSERT INTO history.snapshots VALUES (?, ?, ?, NULL, 0, ?)", [snapshot_id, system, self.now, self.now]
        )
        return snapshot_id

    def begin(self, *, full: bool = False, sources: Mapping[str, str] | None = None) -> Cycle:
        chosen = dict(sources or self.sources)
        self.cycle = Cycle(
            f"cycle-{self.turn}-{full}-{len(chosen)}",
            self.now,
            date(2026, 3, 2),
            MappingProxyType(chosen),
            full=full,
        )
        cycles.begin(self.con, self.cycle, self.stack.content_hash, {})
        return self.cycle

    def gate(self, *, data_docs: bool = False) -> GateResult:
        """Run the gates; the result of the one snapshot judged."""
        (result,) = self.gates(data_docs=data_docs)
        return result

    def gates(self, *, data_docs: bool = False) -> list[GateResult]:
        assert self.cycle is not None
        return validate(self.con, self.stack, self.home, self.cycle, data_docs=data_docs)

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(query, list(values)).fetchall()

    def accepted(self, record: str = "hris.worker", column: str = "record_hash") -> dict[str, tuple[Any, bool]]:
        """Record key → (a column's value, held)."""
        rows = self.all(f"SELECT record_key, {ident(column)}, held FROM accepted.{ident(record)}")
        assert len({row[0] for row in rows}) == len(rows)
        return {row[0]: (row[1], row[2]) for row in rows}

    def open_cases(self, record: str = "worker") -> set[tuple[str | None, str]]:
        rows = self.all(
            "SELECT record_key, rule_id FROM gates.quarantine WHERE system = 'hris' AND record = ? AND closed_at IS NULL",
            record,
        )
        return set(rows)

    def _ingest(self, system: str, record: str, rows: Sequence[Mapping[str, Any]], snapshot_id: str) -> None:
        columns = record_columns(self.stack, system, record)
        table = record_table("history", system, record)
        self.con.execute(f"CREATE TABLE IF NOT EXISTS {table} ({ddl({**columns, **KNOWN})})")
        incoming = complete(
            rows, list(columns), effective=self.stack.systems[system].records[record].effective is not None
        )
        held = {
            (key, occurrence): (value, rowid, person)
            for key, occurrence, value, rowid, person in self.all(
                f"SELECT record_key, occurrence, record_hash, rowid, coalesce(parent_id, source_id) FROM {table} "
                "WHERE valid_to IS NULL"
            )
        }
        touched: set[str | None] = set()
        known = {(row["record_key"], row["occurrence"]): row for row in incoming}
        for place, (value, rowid, person) in held.items():
            if place not in known or known[place]["record_hash"] != value:
                self.con.execute(f"UPDATE {table} SET valid_to = ? WHERE rowid = ?", [self.now, rowid])
                touched.add(person)
        new = [row for place, row in known.items() if place not in held or held[place][0] != row["record_hash"]]
        names = [*columns, "snapshot_id", "valid_from"]
        if new:
            self.con.executemany(
                f"INSERT INTO {table} ({', '.join(ident(name) for name in names)}) "
                f"VALUES ({', '.join('?' for _ in names)})",
                [[*(row[name] for name in columns), snapshot_id, self.now] for row in new],
            )
        touched |= {row["parent_id"] or row["source_id"] for row in new}
        assert self.cycle is not None
        for person in touched:
            self.con.execute(
                "INSERT INTO cycles.touched_records VALUES (?, ?, ?, ?)",
                [self.cycle.cycle_id, system, record, person],
            )


def complete(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, effective: bool = False
) -> list[dict[str, Any]]:
    """Rows of a snapshot with every column filled in: keys, occurrences, hashes."""
    made = []
    for number, given in enumerate(rows):
        row: dict[str, Any] = dict.fromkeys(columns)
        row |= {"hidden": [], "faults": [], "deleted": False, **given, "row_id": number}
        if row["source_id"] is not None:
            start = row["effective_from"]
            row["record_key"] = row["source_id"] if not effective else start and f"{row['source_id']}@{start}"
        if "parent_id" not in given:
            row["parent_id"] = row["source_id"]
        content = {name: value for name, value in row.items() if name not in SOURCE_COLUMNS}
        content |= {name: row[name] for name in ("source_id", "parent_id", "effective_from", "sequence")}
        row["record_hash"] = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
        made.append(row)
    seen: dict[Any, int] = {}
    for row in sorted(made, key=lambda row: (str(row["record_key"]), row["record_hash"], row["row_id"])):
        seen[row["record_key"]] = row["occurrence"] = seen.get(row["record_key"], 0) + 1
    return made


def open_world(
    folder: Path,
    gates: Mapping[str, Sequence[Mapping[str, Any]]],
    database: str = ":memory:",
    children: Sequence[str] = (),
) -> World:
    con = duckdb.connect(database)
    con.execute("SET TimeZone = 'UTC'")
    con.execute(cycles.SCHEMA)
    con.execute(
        "CREATE SCHEMA history; CREATE TABLE history.snapshots (snapshot_id VARCHAR, system VARCHAR, "
        "observed_at TIMESTAMPTZ, previous_snapshot_id VARCHAR, rows BIGINT, ingested_at TIMESTAMPTZ)"
    )
    return World(folder, stack_of(folder, gates, children), con, children)


def worker(source_id: str | None, **attributes: Any) -> dict[str, Any]:
    """A worker's row; without an e-mail, pay or dates unless given."""
    return {"source_id": source_id, "employee_number": f"E{source_id}", "last_name": "Ng", **attributes}
