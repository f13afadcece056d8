"""A chain of handoffs over five systems, and the tables a cycle would leave of what was seen of them. For tests of the pass.

What a source holds and what was seen of it are two things: a notification makes the product see the record as it is now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.handoffs.passing import PassResult, run_pass
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.columns import column_type
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, cases, steps
from hrorch_pipelines.storage.sql import ident

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY_ONE = date(2026, 4, 1)

FIELDS: dict[str, list[str]] = {
    "ats": ["application", "last_name", "personal_email", "offer_status", "authorised", "start_date", "manager", "pay"],
    "check": ["application", "check_result"],
    "hris": ["application", "last_name", "personal_email", "start_date", "end_date", "employment_status", "manager"],
    "payroll": ["application", "last_name", "pay", "employment_status"],
    "directory": ["application", "last_name", "personal_email", "employment_status"],
}
GONE = "('terminated', 'no-show', 'cancelled')"
SIGNED = "ats_offer_status = 'countersigned'"
_BACK = f"ats_offer_status = 'rescinded' OR (hris_application = ats_application AND hris_employment_status IN {GONE})"
_USUAL = {"within": "2d", "owner": "dana"}

HANDOFFS: dict[str, dict[str, Any]] = {
    "offer-letter": {
        "when": "ats_offer_status IN ('extended', 'countersigned')",
        "then": {"mail": "letters", "to": "ats_personal_email", "subject": "Your offer", "text": "offer.txt",
                 "fields": {"name": "ats_last_name"}},
    },
    "order-check": {
        "when": "ats_offer_status IN ('extended', 'countersigned')",
        "requires": [{"that": "ats_authorised", "missing": "the candidate's authorisation", "owner": "rita"}],
        "then": {"create": "check.report", "with": {"application": "ats_application"}},
        "done": "check_application = ats_application",
    },
    "hris-record": {
        "when": SIGNED,
        "requires": ["identity_resolved"],
        "then": {"create": "hris.worker", "with": {
            "application": "ats_application", "last_name": "ats_last_name", "personal_email": "ats_personal_email",
            "start_date": "ats_start_date", "employment_status": "'pre-hire'", "manager": "ats_manager"}},
        "done": "hris_application = ats_application",
        "compensate": {"when": _BACK, "then": {"change": "hris.worker", "with": {"employment_status": "'cancelled'"}}},
    },
    "payroll-record": {
        "when": SIGNED,
        "requires": [
            {"that": "done_hris_record", "missing": "the HRIS record"},
            {"that": "check_application = ats_application AND check_check_result = 'clear'", "missing": "a clear check"},
        ],
        "then": {"create": "payroll.worker", "with": {
            "application": "ats_application", "last_name": "ats_last_name", "pay": "ats_pay",
            "employment_status": "'active'"}},
        "done": "payroll_application = ats_application",
        "compensate": {"when": _BACK, "then": {"change": "payroll.worker", "with": {"employment_status": "'terminated'"}}},
    },
    "account": {
        "when": f"{SIGNED} AND today >= ats_start_date - 7",
        "requires": ["done_hris_record"],
        "then": {"create": "directory.account", "with": {
            "application": "ats_application", "last_name": "ats_last_name", "personal_email": "ats_personal_email",
            "employment_status": "'active'"}},
        "done": "directory_application = ats_application",
        "compensate": {"when": _BACK, "then": {"change": "directory.account", "with": {"employment_status": "'terminated'"}}},
    },
    "first-day": {
        "when": SIGNED,
        "requires": ["done_hris_record"],
        "then": {"invite": "calendar", "starts": "ats_start_date", "summary": "First day", "attendees": ["ats_personal_email"]},
        "compensate": {"when": _BACK},
    },
    "adverse": {
        "when": f"check_application = ats_application AND check_check_result = 'consider' AND {SIGNED}",
        "then": {"ask": "A check came back with something to consider.", "action": "Take the statutory steps."},
    },
}  # fmt: skip


def declare(handoffs: Mapping[str, dict[str, Any]] | None = None, **changes: Any) -> Stack:
    """The stack; `changes` by path, `corrections__mode`."""

    def system(name: str, record: str) -> dict[str, Any]:
        fields = {field: field for field in FIELDS[name]}
        one = {"read": {"path": f"/{name}"}, "key": "id", "fields": fields}
        return {"connector": "rest", "base_url": "http://127.0.0.1:9", "owner": "dana", "records": {record: one},
                "trust": {"max_age": "1000d"}}  # fmt: skip

    kinds = {"personal_email": "email", "last_name": "name", "authorised": "boolean", "start_date": "date", "end_date": "date",
             "manager": "person", "pay": "pay", "application": "identifier"}  # fmt: skip
    names = list(dict.fromkeys(name for fields in FIELDS.values() for name in fields))
    content: dict[str, Any] = {
        "organization": {"name": "Small", "time_zone": "UTC"},
        "people": {name: {"name": name.title(), "email": f"{name}@small.example"} for name in ("dana", "rita")},
        "systems": {
            "ats": system("ats", "candidate"), "check": system("check", "report"), "hris": system("hris", "worker"),
            "payroll": system("payroll", "worker"), "directory": system("directory", "account"),
        },
        "attributes": {name: {"data_type": "all", "type": kinds.get(name, "code")} for name in names},
        "stages": {"worker": {"present_in": ["hris"]}, "candidate": {"present_in": list(FIELDS)}},
        "authority": {"all": {"candidate": "ats", "worker": "hris"}},
        "outlets": {
            "letters": {"connector": "smtp", "host": "127.0.0.1", "security": "none", "sender": "p@small.example", "owner": "dana"},
            "calendar": {"connector": "caldav", "base_url": "http://127.0.0.1:9/d/", "organizer": "p@small.example", "owner": "dana"},
        },
        "lifecycle": {"spell": "ats_application"},
        "corrections": {"mode": "apply", "patience": "2s", "tries": 50,
                        "budgets": [{"kind": kind, "count": 100000} for kind in ("hire", "message", "status", "other", "termination")]},
        "handoffs": {name: {**_USUAL, **one} for name, one in (HANDOFFS if handoffs is None else handoffs).items()},
    }  # fmt: skip
    for path, value in changes.items():
        place = content
        *parents, last = path.split("__")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    stack = Stack.model_validate(content)
    stack._hash = hashlib.sha256(repr(content).encode()).hexdigest()
    return stack


class Seen:
    """The tables of a finished cycle, made of what was seen of each system's records."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'; SET threads = 1")
        self.con.execute(
            """CREATE SCHEMA golden; CREATE SCHEMA cells; CREATE SCHEMA identity; CREATE SCHEMA history;
            CREATE TABLE identity.persons (person_id VARCHAR, created_at TIMESTAMPTZ, merged_into VARCHAR);
            CREATE TABLE identity.links (system VARCHAR, source_id VARCHAR, person_id VARCHAR);
            CREATE TABLE identity.reviews (review_id VARCHAR, left_system VARCHAR, left_id VARCHAR, right_system VARCHAR,
                right_id VARCHAR, closed_at TIMESTAMPTZ);
            CREATE TABLE golden.sources (system VARCHAR, snapshot_id VARCHAR, observed_at TIMESTAMPTZ, stale BOOLEAN);
            CREATE TABLE history.changes (system VARCHAR, record VARCHAR, source_id VARCHAR, kind VARCHAR,
                changed_at TIMESTAMPTZ, observed_at TIMESTAMPTZ)"""
        )
        attributes = ", ".join(f"{ident(name)} {column_type(stack, name)}" for name in stack.attributes)
        self.con.execute(
            f"CREATE TABLE golden.wide (person_id VARCHAR, stage VARCHAR, {attributes}, marks VARCHAR);"
            "CREATE VIEW golden.persons AS SELECT * EXCLUDE (marks) FROM golden.wide"
        )
        for name in stack.systems:
            columns = ", ".join(f"{ident(field)} {column_type(stack, field)}" for field in FIELDS[name])
            self.con.execute(
                f"""CREATE TABLE {ident("cells", name)} (person_id VARCHAR PRIMARY KEY, source_id VARCHAR, {columns}, marks VARCHAR,
                    changed STRUCT(attribute VARCHAR, "at" TIMESTAMPTZ, "by" VARCHAR)[])"""
            )
            self.con.execute("INSERT INTO golden.sources VALUES (?, ?, ?, false)", [name, f"{name}-1", START])
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        self._marks: dict[tuple[str, str], str | None] = {}
        self._moments: dict[tuple[str, str], dict[str, datetime]] = {}

    def see(
        self, system: str, person: str, record: Mapping[str, Any] | None, at: datetime, marks: str | None = None
    ) -> None:
        """What the system holds of a person as of now: None, nothing. `at`: when it last changed there; NULL marks: no doubt."""
        key = (system, person)
        before = self._known.get(key, {})
        if record is not None and before == dict(record) and marks == self._marks.get(key):
            return
        self._marks[key] = marks
        self.con.execute(f"DELETE FROM {ident('cells', system)} WHERE person_id = ?", [person])
        if record is None:
            self._known.pop(key, None)
            return
        moments = self._moments.setdefault(key, {})
        for field in FIELDS[system]:
            if record.get(field) != before.get(field):
                moments[field] = at
        if not before:
            self.con.execute(
                "INSERT INTO history.changes VALUES (?, ?, ?, 'created', ?, ?)",
                [system, self.stack.systems[system].base_record, record["id"], at, at],
            )
            self.con.execute("INSERT INTO identity.links VALUES (?, ?, ?)", [system, record["id"], person])
        self._known[key] = dict(record)
        changed = [{"attribute": field, "at": moment, "by": None} for field, moment in moments.items()]
        values = [person, record["id"], *(record.get(field) for field in FIELDS[system]), marks, changed]
        self.con.execute(f"INSERT INTO {ident('cells', system)} VALUES ({', '.join('?' * len(values))})", values)

    def decide(self) -> None:
        """Make the golden table anew: the HRIS decides about whom it has, the ATS about the others."""
        people = " UNION ".join(f"SELECT person_id FROM {ident('cells', name)}" for name in self.stack.systems)

        def value(name: str) -> str:
            ats = f"a.{ident(name)}" if name in FIELDS["ats"] else "NULL"
            hris = f"h.{ident(name)}" if name in FIELDS["hris"] else "NULL"
            return f"CASE WHEN h.person_id IS NOT NULL THEN {hris} ELSE {ats} END"

        self.con.execute(
            f"""DELETE FROM golden.wide; INSERT INTO golden.wide
            SELECT p.person_id, CASE WHEN h.person_id IS NOT NULL THEN 'worker' ELSE 'candidate' END,
                   {", ".join(value(name) for name in self.stack.attributes)}, NULL
            FROM ({people}) p LEFT JOIN cells.hris h USING (person_id) LEFT JOIN cells.ats a USING (person_id)"""
        )

    def stale(self, *systems: str, at: datetime | None = None) -> None:
        """These systems' data are very old; all others' are not."""
        old = (at or START) - timedelta(days=2000)
        for name in self.stack.systems:
            self.con.execute(
                "UPDATE golden.sources SET observed_at = ? WHERE system = ?", [old if name in systems else START, name]
            )


class Office:
    """A ledger, what was seen, a clock: passes are run here, and what they wrote is looked at."""

    def __init__(self, ledger: Ledger, stack: Stack, clock: SetClock) -> None:
        self.ledger, self.stack, self.clock, self.seen = ledger, stack, clock, Seen(stack)
        self.twice = False

    def run(self, stack: Stack | None = None) -> PassResult:
        """One pass; where it is asked for (`twice`), a second one right after changes nothing."""
        self.seen.decide()
        used = stack or self.stack
        first = run_pass(self.ledger, self.seen.con, used, self.clock.now())
        if not self.twice:
            return first
        before = self.everything()
        second = run_pass(self.ledger, self.seen.con, used, self.clock.now())
        assert not second.changed, second
        assert self.everything() == before
        return first

    def everything(self) -> tuple[Any, ...]:
        with self.ledger.read() as con:
            return tuple(
                con.execute(sa.select(table).order_by(*table.primary_key)).all() for table in (steps, actions, cases)
            )

    def steps(self, handoff: str | None = None) -> list[sa.Row[Any]]:
        query = sa.select(steps).order_by(steps.c.known_at, steps.c.handoff)
        with self.ledger.read() as con:
            return list(con.execute(query if handoff is None else query.where(steps.c.handoff == handoff)).all())

    def step(self, handoff: str, person: str = "ann") -> sa.Row[Any]:
        return next(row for row in self.steps(handoff) if row.person_id == person)

    def actions(self, handoff: str | None = None) -> list[sa.Row[Any]]:
        query = sa.select(actions).order_by(actions.c.proposed_at, actions.c.revision)
        with self.ledger.read() as con:
            return list(con.execute(query if handoff is None else query.where(actions.c.handoff == handoff)).all())

    def cases(self) -> list[sa.Row[Any]]:
        with self.ledger.read() as con:
            return list(con.execute(sa.select(cases).order_by(cases.c.rule)).all())


def candidate(person: str = "ann", **more: Any) -> dict[str, Any]:
    """An ATS record of somebody with an offer."""
    return {
        "id": f"ats-{person}", "application": f"{person}-1", "last_name": "Nowak", "personal_email": f"{person}@home.example",
        "offer_status": "extended", "authorised": True, "start_date": DAY_ONE, "pay": 52000, **more,
    }  # fmt: skip


def only(*names: str) -> dict[str, dict[str, Any]]:
    """Some of the chain's handoffs."""
    return {name: HANDOFFS[name] for name in names}


def states(rows: Iterable[sa.Row[Any]]) -> dict[str, str]:
    """Handoff → state."""
    return {row.handoff: row.state for row in rows}
