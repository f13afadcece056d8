"""A small real world for matching: a stack of `files` systems built from models, `accepted` tables in a real DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.identity.match import match
from hrorch_pipelines.identity.terms import Limits, MatchResult
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.columns import ddl, record_columns
from hrorch_pipelines.storage.cycles import SCHEMA, Cycle
from hrorch_pipelines.storage.engine import connect
from hrorch_pipelines.storage.sql import record_table

START = datetime(2026, 3, 2, 6, tzinfo=UTC)

TYPES = {
    "employee_number": "identifier",
    "legal_first_name": "name",
    "legal_last_name": "name",
    "preferred_name": "name",
    "work_email": "email",
    "personal_email": "email",
    "phone": "phone",
    "date_of_birth": "date",
    "national_id": "secret",
    "postcode": "identifier",
    "employment_status": "code",
    "start_date": "date",
    "end_date": "date",
}

NUMBER = {"attributes": ["employee_number"], "confirm": ["legal_last_name", "date_of_birth", "legal_first_name"]}
WORK_EMAIL = {"attributes": ["work_email"], "confirm": ["legal_last_name", "legal_first_name"]}
PERSONAL_EMAIL = {"attributes": ["personal_email"], "confirm": ["legal_last_name", "legal_first_name", "date_of_birth"]}
PROBABILISTIC = {
    "attributes": ["legal_first_name", "legal_last_name", "date_of_birth", "postcode"],
    "block_on": [
        ["date_of_birth"],
        ["legal_last_name", "postcode"],
        ["legal_first_name", "legal_last_name"],
        ["legal_first_name", "postcode"],
    ],
}


def make_stack(systems: Iterable[str] = ("hris", "payroll", "directory"), **matching: Any) -> Stack:
    """A stack whose systems all map every attribute of TYPES on one base record `worker`."""
    names = list(systems)
    return Stack.model_validate(
        {
            "organization": {"name": "Test"},
            "people": {
                "analyst": {"name": "Analyst", "email": "analyst@test.example", "deputy": "lead"},
                "lead": {"name": "Lead", "email": "lead@test.example", "deputy": "analyst"},
            },
            "systems": {
                name: {
                    "connector": "files",
                    "base_url": ".",
                    "owner": "lead",
                    "records": {
                        "worker": {
                            "read": {"path": f"{name}.csv"},
                            "key": "id",
                            "fields": {attribute: attribute for attribute in TYPES},
                        }
                    },
                }
                for name in names
            },
            "attributes": {name: {"data_type": "personal", "type": kind} for name, kind in TYPES.items()},
            "stages": {"worker": {"present_in": names}},
            "authority": {"personal": {"worker": names[0]}},
            "matching": {
                "keys": [NUMBER, WORK_EMAIL, PERSONAL_EMAIL],
                "probabilistic": PROBABILISTIC,
                "reviewer": "analyst",
                **matching,
            },
        }
    )


class World:
    """Accepted tables and cycles, played forward by hand."""

    def __init__(self, stack: Stack, limits: Limits | None = None, salt: str = "test") -> None:
        self.stack, self.limits, self.salt = stack, limits, salt
        self.con = connect(None, temporary=Path(gettempdir()) / "hrorch-identity")
        self.con.execute("SET TimeZone = 'UTC'")
        self.con.execute(SCHEMA)
        self.con.execute("CREATE SCHEMA accepted")
        self.columns: dict[str, dict[str, str]] = {}
        for name, system in stack.systems.items():
            self.columns[name] = {**record_columns(stack, name, system.base_record), "held": "BOOLEAN"}
            self.con.execute(
                f"CREATE TABLE {record_table('accepted', name, system.base_record)} ({ddl(self.columns[name])})"
            )
        self.cycles = 0
        self.clock = SetClock(START)

    def table(self, system: str) -> str:
        return record_table("accepted", system, self.stack.systems[system].base_record)

    def put(self, system: str, source_id: str, *, touch: bool = True, **values: Any) -> None:
        """Insert or replace one accepted record."""
        self.con.execute(f"DELETE FROM {self.table(system)} WHERE source_id = ?", [source_id])
        self.add_row(system, source_id, **values)
        if touch:
            self.touch(system, source_id)

    def add_row(self, system: str, source_id: str, occurrence: int = 1, **values: Any) -> None:
        row: dict[str, Any] = dict.fromkeys(self.columns[system])
        row |= {
            "record_key": source_id,
            "source_id": source_id,
            "parent_id": source_id,
            "occurrence": occurrence,
            "deleted": False,
            "record_hash": f"{source_id}{occurrence}{sorted(values.items())}",
            "hidden": [],
            "faults": [],
            "held": False,
        }
        assert set(values) <= set(row), set(values) - set(row)
        row |= values
        self.con.execute(f"INSERT INTO {self.table(system)} VALUES ({', '.join('?' * len(row))})", list(row.values()))

    def remove(self, system: str, source_id: str) -> None:
        self.con.execute(f"DELETE FROM {self.table(system)} WHERE source_id = ?", [source_id])
        self.touch(system, source_id)

    def touch(self, system: str, source_id: str) -> None:
        self.con.execute("INSERT INTO cycles.touched_records VALUES ('next', ?, 'worker', ?)", [system, source_id])

    def run(self, full: bool = False) -> MatchResult:
        self.cycles += 1
        self.clock.at += timedelta(hours=1)
        cycle = self.cycle(full)
        self.con.execute("UPDATE cycles.touched_records SET cycle_id = ? WHERE cycle_id = 'next'", [cycle.cycle_id])
        return match(self.con, self.stack, cycle, salt=self.salt, limits=self.limits)

    def cycle(self, full: bool = False) -> Cycle:
        return Cycle(f"c{self.cycles:04}", self.clock.now(), date(2026, 3, 2), full=full)

    def person(self, system: str, source_id: str) -> str:
        row = self.con.execute(
            "SELECT person_id FROM identity.links WHERE system = ? AND source_id = ?", [system, source_id]
        ).fetchone()
        assert row, f"{system}/{source_id} has no link"
        return str(row[0])

    def together(self, *records: tuple[str, str]) -> bool:
        return len({self.person(*record) for record in records}) == 1

    def partition(self) -> set[frozenset[tuple[str, str]]]:
        rows = self.con.execute("SELECT person_id, system, source_id FROM identity.links").fetchall()
        groups: dict[str, set[tuple[str, str]]] = {}
        for person, system, source_id in rows:
            groups.setdefault(person, set()).add((system, source_id))
        return {frozenset(group) for group in groups.values()}

    def reviews(self, *, open_only: bool = True) -> list[dict[str, Any]]:
        found = self.con.execute(
            f"SELECT * FROM identity.reviews {'WHERE closed_at IS NULL' if open_only else ''} ORDER BY ALL"
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def asked(self) -> set[tuple[str, str, str, str, str]]:
        return {(r["kind"], r["left_system"], r["left_id"], r["right_system"], r["right_id"]) for r in self.reviews()}

    def all_linked_once(self) -> None:
        """Every accepted record has exactly one link, and every link an accepted record."""
        accepted = " UNION ALL ".join(
            f"SELECT '{name}' AS system, source_id FROM {self.table(name)}" for name in self.stack.systems
        )
        [(links, distinct, matched)] = self.con.execute(
            f"""
            SELECT count(*), count(DISTINCT (l.system, l.source_id)), count(a.source_id)
            FROM identity.links l FULL JOIN (SELECT DISTINCT * FROM ({accepted})) a USING (system, source_id)"""
        ).fetchall()
        assert links == distinct == matched
        missing = self.con.execute(
            """
            SELECT count(*) FROM identity.links
            WHERE person_id NOT IN (SELECT person_id FROM identity.persons WHERE merged_into IS NULL)"""
        ).fetchall()
        assert missing == [(0,)]


PERSON: Mapping[str, Any] = {
    "legal_first_name": "Robert",
    "legal_last_name": "Black",
    "date_of_birth": date(1980, 4, 17),
    "postcode": "60601",
}
