"""A small company's warehouse, as the rooms before authority leave it: accepted and history tables, links, cycles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

import duckdb

from hrorch_pipelines.authority.cells import CellsResult, assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.clock import local_date
from hrorch_pipelines.gates import tables as gate_tables
from hrorch_pipelines.reconcile.compare import CompareResult, compare
from hrorch_pipelines.snapshots import tables as history_tables
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.columns import ddl, record_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, record_table

ZONE = "America/Chicago"
NOW = datetime(2026, 6, 15, 17, tzinfo=UTC)

IDENTITY = """
CREATE SCHEMA IF NOT EXISTS identity;
CREATE TABLE IF NOT EXISTS identity.links (system VARCHAR, source_id VARCHAR, person_id VARCHAR);
"""


def declare(**changes: Any) -> Stack:
    """ats (name, pay), hris (worker, effective-dated job and pay), payroll, directory; every kind of attribute."""

    def record(fields: Iterable[str], **more: Any) -> dict[str, Any]:
        return {"read": {"path": "x.csv"}, "key": "id", "fields": {name: name for name in fields}, **more}

    child = {"parent": "worker", "parent_key": "worker", "effective": {"from": "from", "to": "to"}}
    worker = ["legal_name", "employment_status", "start_date", "end_date", "email", "manager", "ssn"]

    def system(**records: Any) -> dict[str, Any]:
        return {"connector": "files", "base_url": ".", "owner": "dana", "records": records}

    content: dict[str, Any] = {
        "organization": {"name": "Small", "time_zone": ZONE},
        "people": {"dana": {"name": "Dana", "email": "dana@small.example"}},
        "systems": {
            "ats": system(candidate=record(["legal_name", "pay"])),
            "hris": system(
                worker=record(worker),
                job=record(["job_title", "level"], **child),
                money=record(["pay"], **child),
            ),
            "payroll": system(
                worker=record(["legal_name", "employment_status", "start_date", "pay", "manager", "ssn"])
            ),
            "directory": system(account=record(["legal_name", "email", "job_title", "level", "manager"])),
        },
        "attributes": {
            "legal_name": {"data_type": "personal", "type": "name", "required_in": ["payroll", "directory"]},
            "employment_status": {"data_type": "employment", "type": "code", "required_in": ["payroll"]},
            "start_date": {"data_type": "employment", "type": "date"},
            "end_date": {"data_type": "employment", "type": "date"},
            "job_title": {"data_type": "employment", "type": "text", "grace": "3d"},
            "level": {"data_type": "employment", "type": "integer"},
            "manager": {"data_type": "employment", "type": "person"},
            "pay": {"data_type": "compensation", "type": "pay", "tolerance": "0.5", "required_in": ["payroll"]},
            "email": {"data_type": "access", "type": "email", "required_in": ["directory"]},
            "ssn": {"data_type": "personal", "type": "secret", "sensitivity": "secret"},
        },
        "stages": {
            "worker": {"present_in": ["hris"], "when": "hris.employment_status <> 'offered'"},
            "candidate": {"present_in": ["ats", "hris", "payroll", "directory"]},
        },
        "authority": {
            "personal": {"candidate": "ats", "worker": "hris"},
            "employment": {"worker": "hris"},
            "compensation": {"candidate": "ats", "worker": "hris"},
            "access": {
                "candidate": {"system": "directory", "when_empty": "hold"},
                "worker": {"system": "directory", "when_empty": "hold"},
            },
        },
        "presence": {
            "payroll": {
                "must": "stage = 'worker' AND employment_status IN ('active', 'leave')",
                "must_not": "stage = 'worker' AND employment_status = 'terminated'",
                "live": "employment_status <> 'terminated'",
                "grace": "5d",
            },
            "directory": {"must": "stage = 'worker' AND employment_status = 'active'", "grace": "2d"},
        },
        "comparison": {"grace": "24h"},
    }
    for path, value in changes.items():
        place = content
        *parents, last = path.split("__")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return Stack.model_validate(content)


class House:
    """A warehouse in memory and the rows that fill it. Rows are dicts; what they leave out is empty."""

    def __init__(self, stack: Stack, path: str = ":memory:") -> None:
        self.stack = stack
        self.con = duckdb.connect(path)
        self.con.execute("SET TimeZone = 'UTC'")
        self.con.execute(gate_tables.SCHEMA + history_tables.SCHEMA + cycles.SCHEMA + IDENTITY)
        for system, declared in stack.systems.items():
            for record in declared.records:
                columns = {**record_columns(stack, system, record), "snapshot_id": "VARCHAR"}
                self.con.execute(
                    f"CREATE TABLE {record_table('accepted', system, record)} ({ddl({**columns, 'held': 'BOOLEAN'})})"
                )
                known = {**columns, "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ"}
                self.con.execute(f"CREATE TABLE {record_table('history', system, record)} ({ddl(known)})")
        self.count = 0

    def put(self, system: str, record: str, rows: Iterable[Mapping[str, Any]], *, accepted: bool = True) -> None:
        """Add rows to history and, unless they never passed, to accepted. `id` = own key, `worker` = the parent's."""
        for row in rows:
            full = self._row(system, record, row)
            self._insert(record_table("history", system, record), {**full, "valid_from": NOW, "valid_to": None})
            if accepted:
                self._insert(record_table("accepted", system, record), {**full, "held": row.get("held", False)})
            else:
                self._quarantine(system, record, full)

    def replace(self, system: str, record: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Make these the only rows of a record type."""
        for schema in ("accepted", "history"):
            self.con.execute(f"DELETE FROM {record_table(schema, system, record)}")
        self.con.execute("DELETE FROM gates.quarantine WHERE system = ? AND record = ?", [system, record])
        self.put(system, record, [row for row in rows if not row.get("unpassed")])
        self.put(system, record, [row for row in rows if row.get("unpassed")], accepted=False)

    def link(self, links: Iterable[tuple[str, str, str]]) -> None:
        """Replace all links: (system, source id, person)."""
        self.con.execute("DELETE FROM identity.links")
        for link in links:
            self.con.execute("INSERT INTO identity.links VALUES (?, ?, ?)", list(link))

    def changed(self, system: str, record: str, owner: str, attribute: str, at: datetime, **more: Any) -> None:
        """A row of `history.changes`."""
        row = {
            "system": system, "record": record, "source_id": owner, "parent_id": owner, "record_key": owner, "occurrence": 1,
            "attribute": attribute, "kind": "updated", "changed_at": at, "observed_at": at, "changed_by": "kim", **more,
        }  # fmt: skip
        self._insert("history.changes", row)

    def open(self, now: datetime = NOW, *, as_of: date | None = None, stale: Iterable[str] = (), **more: Any) -> Cycle:
        """Begin a cycle in which every system has a snapshot (or those in `sources`)."""
        self.count += 1
        sources = more.pop("sources", None) or list(self.stack.systems)
        cycle = Cycle(
            f"c{self.count}",
            now,
            as_of or local_date(now, ZONE),
            MappingProxyType({system: f"{system}-{self.count}" for system in sources}),
            frozenset(stale),
            **more,
        )
        cycles.begin(self.con, cycle, "", {system: now - timedelta(minutes=5) for system in sources})
        return cycle

    def touch(self, cycle: Cycle, *persons: str) -> None:
        for person in persons:
            self.con.execute("INSERT INTO cycles.touched_persons VALUES (?, ?)", [cycle.cycle_id, person])

    def touch_record(self, cycle: Cycle, system: str, record: str, source_id: str) -> None:
        self.con.execute(
            "INSERT INTO cycles.touched_records VALUES (?, ?, ?, ?)", [cycle.cycle_id, system, record, source_id]
        )

    def run(self, cycle: Cycle) -> tuple[CellsResult, CompareResult]:
        cells = assemble(self.con, self.stack, cycle)
        decide(self.con, self.stack, cycle)
        result = compare(self.con, self.stack, cycle)
        cycles.finish(self.con, cycle)
        return cells, result

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(query, list(values)).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        rows = self.all(query, *values)
        assert len(rows) == 1, rows
        return rows[0][0] if len(rows[0]) == 1 else rows[0]

    def states(self) -> dict[tuple[str, str, str], str]:
        """(person, copy system, attribute) → letter of every cell that makes a pair."""
        rows = self.all(
            """SELECT person_id, copy_system, attribute, substr(pattern, position + 1, 1)
               FROM reconcile.patterns JOIN reconcile.positions USING (copy_system, stage) WHERE position > 0"""
        )
        return {(person, copy, attribute): letter for person, copy, attribute, letter in rows if letter != "."}

    def _row(self, system: str, record: str, row: Mapping[str, Any]) -> dict[str, Any]:
        base = self.stack.systems[system].records[record].parent is None
        attributes = {name: row.get(name) for name in self.stack.systems[system].records[record].fields}
        owner = row["id"] if base else row["worker"]
        start = row.get("from")
        key = row.get("key") or (f"{row['id']}@{start}" if start else row["id"])
        content = json.dumps([key, attributes, row.get("to")], default=str)
        return {
            "row_id": row.get("row_id", 0), "record_key": key, "occurrence": row.get("occurrence", 1), "source_id": row["id"],
            "parent_id": owner, "effective_from": start, "effective_to": row.get("to"), "sequence": row.get("sequence"),
            "source_updated_at": row.get("updated"), "source_updated_by": None, "source_version": None,
            "deleted": row.get("deleted", False), "record_hash": content, **attributes, "hidden": row.get("hidden", []),
            "faults": row.get("faults", []), "snapshot_id": row.get("snapshot", f"{system}-0"),
        }  # fmt: skip

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        columns = ", ".join(ident(name) for name in row)
        self.con.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(row))})", list(row.values()))

    def _quarantine(self, system: str, record: str, row: Mapping[str, Any]) -> None:
        self._insert(
            "gates.quarantine",
            {
                "case_id": f"{system}.{record}.{row['record_key']}", "system": system, "record": record, "severity": "error",
                "record_key": row["record_key"], "occurrence": row["occurrence"], "source_id": row["source_id"], "opened_at": NOW,
            },
        )  # fmt: skip
