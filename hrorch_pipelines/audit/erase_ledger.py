"""Erasure in the ledger: the person's key and everything sealed under it. The chain keeps its envelopes and so still verifies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import SERVICE, Action, Entry
from hrorch_pipelines.audit.persons import Subject
from hrorch_pipelines.audit.refusals import WriteUnderWayError
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import (
    actions,
    audit_values,
    cases,
    corrections,
    inbox,
    letters,
    metadata,
    overrides,
    person_keys,
    steps,
)

ERASED = "erased"
_WHY = "the person was erased"
_UNSENT = {"why": _WHY, "lease": None, "lease_until": None}
_FOREVER = timedelta(days=365 * 100)
_OPEN_CORRECTIONS = ("proposed", "awaiting_approval", "frozen", "ready", "sent")
_UNDER_WAY = "sending"
_SETTLED_CASES = ("confirmed", "waived")
_OPEN_STEPS = ("parked", "due", "asked", "compensating")
"""States by their words: the rooms that own them stand above this one (corrections.terms, exceptions.terms, handoffs.terms)."""


def require_nothing_under_way(con: sa.Connection, subject: Subject) -> None:
    """Raise WriteUnderWayError while a write of this person has left and nobody knows what became of it."""
    for table in (corrections, actions):
        target = con.execute(
            sa.select(table.c.target).where(table.c.person_id.in_(subject.persons), table.c.state == _UNDER_WAY)
        ).scalar()
        if target is not None:
            raise WriteUnderWayError(target)


def with_made(con: sa.Connection, stack: Stack, subject: Subject) -> Subject:
    """The subject with the base records that handoffs made for them and that no snapshot has shown yet."""
    rows = con.execute(
        sa.select(actions.c.target, actions.c.record, actions.c.source_id).where(
            actions.c.person_id.in_(subject.persons), actions.c.verb == "create", actions.c.source_id.is_not(None)
        )
    ).all()
    made = {
        (row.target, row.source_id)
        for row in rows
        if row.target in stack.systems and row.record == stack.systems[row.target].base_record
    }
    return Subject(subject.persons, (*subject.records, *sorted(made - set(subject.records))))


def stop_writes(con: sa.Connection, subject: Subject, now: datetime) -> list[Entry]:
    """Withdraw what could still be sent about the person, so that no write begins while they are being erased. Returns what
    the log must say. Raises WriteUnderWayError."""
    require_nothing_under_way(con, subject)
    return [*_withdraw(con, subject, now), *_withdraw_actions(con, subject, now), *_drop_steps(con, subject, now)]


def erase_person(con: sa.Connection, subject: Subject, now: datetime) -> tuple[dict[str, int], list[Entry]]:
    """Destroy keys and sealed values inside the caller's transaction. Returns table → rows, and what the log must say.

    Open corrections are withdrawn, open cases waived and overrides ended: nobody could act on them any more.
    Raises WriteUnderWayError.
    """
    persons = subject.persons
    entries = [*stop_writes(con, subject, now), *_waive(con, subject, now), *_end(con, subject, now)]
    counts = {"person_keys": _destroy_keys(con, persons, now)}
    counts["audit_values"] = con.execute(sa.delete(audit_values).where(audit_values.c.person_id.in_(persons))).rowcount
    for table in metadata.sorted_tables:
        if "person_id" in table.c and table.name not in {"person_keys", "audit_log", "audit_values"}:
            counts[table.name] = con.execute(
                table.update().where(_about(table, subject)).values(_emptied(table))
            ).rowcount
    if subject.records:
        counts["inbox"] = con.execute(
            inbox.update().where(sa.tuple_(inbox.c.system, inbox.c.subject).in_(subject.records)).values(subject=None)
        ).rowcount
    return {f"ledger.{name}": rows for name, rows in counts.items() if rows}, entries


def scrub(ledger: Ledger) -> bool:
    """Rewrite the tables' storage, so that no freed page keeps what was in it. False when somebody reads an old state
    of a SQLite ledger at this moment: its write-ahead log then goes with the next scrub or the last reader."""
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as con:
        if con.dialect.name == "postgresql":
            for table in (person_keys, audit_values, corrections, overrides, cases, inbox, steps, actions, letters):
                con.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table.name}")
            return True
    raw = ledger.engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, *_ = cursor.fetchone() or (0,)
        cursor.close()
    finally:
        raw.close()
    return not busy


def _emptied(table: sa.Table) -> dict[str, object]:
    """What every column that holds, or may repeat, a person's value becomes."""
    values: dict[str, object] = {
        column.name: None for column in table.c if column.name.endswith(("_sealed", "_mark")) and column.nullable
    }
    for name in ("expected", "actual", "detail", "source_id", "parent_id", "receipt"):
        if name in table.c and table.c[name].nullable:
            values[name] = None
    if "reason" in table.c:  # written by people, about people
        values["reason"] = sa.case((table.c.reason.is_(None), None), else_=f"[{ERASED}]")
    if "once_per" in table.c:
        values["once_per"] = ERASED
    return values or {"person_id": table.c.person_id}


def _destroy_keys(con: sa.Connection, persons: Sequence[str], now: datetime) -> int:
    """A person without a key gets a destroyed one, so that nothing can be sealed about them afterwards."""
    known = set(con.execute(sa.select(person_keys.c.person_id).where(person_keys.c.person_id.in_(persons))).scalars())
    con.execute(
        person_keys.update().where(person_keys.c.person_id.in_(persons)).values(wrapped_key=None, destroyed_at=now)
    )
    for person in persons:
        if person not in known:
            con.execute(person_keys.insert().values(person_id=person, wrapped_key=None, made_at=now, destroyed_at=now))
    return len(persons)


def _about(table: sa.Table, subject: Subject) -> sa.ColumnElement[bool]:
    """Rows of the person, and rows of a record of theirs from before anybody knew whose it was."""
    mine: sa.ColumnElement[bool] = table.c.person_id.in_(subject.persons)
    if "system" in table.c and "source_id" in table.c and subject.records:
        mine = sa.or_(mine, sa.tuple_(table.c.system, table.c.source_id).in_(subject.records))
    return mine


def _withdraw(con: sa.Connection, subject: Subject, now: datetime) -> list[Entry]:
    open_ = corrections.c.state.in_(_OPEN_CORRECTIONS)
    return [
        Entry(
            Action.CORRECTION_STATE,
            SERVICE,
            person_id=row.person_id,
            system=row.target,
            attribute=row.attribute,
            correction_id=row.correction_id,
            detail={"from": row.state, "to": "withdrawn", "why": _WHY},
        )
        for row in _change(con, corrections, subject, open_, {"state": "withdrawn", "state_at": now, **_UNSENT})
    ]


def _withdraw_actions(con: sa.Connection, subject: Subject, now: datetime) -> list[Entry]:
    open_ = actions.c.state.in_(_OPEN_CORRECTIONS)
    return [
        Entry(
            Action.ACTION_STATE,
            SERVICE,
            person_id=row.person_id,
            system=row.target,
            detail={
                "action_id": row.action_id,
                "handoff": row.handoff,
                "verb": row.verb,
                "from": row.state,
                "to": "withdrawn",
                "why": _WHY,
            },
        )
        for row in _change(con, actions, subject, open_, {"state": "withdrawn", "state_at": now, **_UNSENT})
    ]


def _drop_steps(con: sa.Connection, subject: Subject, now: datetime) -> list[Entry]:
    """Nothing is to happen for them any more; what was done stays done."""
    open_ = steps.c.state.in_(_OPEN_STEPS)
    becomes = {"state": "dropped", "state_at": now, "why": _WHY, "missing": None}
    return [
        Entry(
            Action.HANDOFF_STEP,
            SERVICE,
            person_id=row.person_id,
            detail={"step_id": row.step_id, "handoff": row.handoff, "from": row.state, "to": "dropped", "why": _WHY},
        )
        for row in _change(con, steps, subject, open_, becomes)
    ]


def _waive(con: sa.Connection, subject: Subject, now: datetime) -> list[Entry]:
    becomes = {
        "state": "waived",
        "resolution": "waive",
        "resolved_at": now,
        "waived_until": now + _FOREVER,
        "reason": _WHY,
    }
    return [
        Entry(
            Action.CASE_STATE,
            SERVICE,
            person_id=row.person_id,
            system=row.system,
            attribute=row.attribute,
            case_id=row.case_id,
            detail={"from": row.state, "to": "waived", "why": _WHY},
        )
        for row in _change(con, cases, subject, cases.c.state.not_in(_SETTLED_CASES), becomes)
    ]


def _end(con: sa.Connection, subject: Subject, now: datetime) -> list[Entry]:
    standing = overrides.c.ended_at.is_(None)
    return [
        Entry(
            Action.OVERRIDE_ENDED,
            SERVICE,
            person_id=row.person_id,
            system=row.system,
            attribute=row.attribute,
            case_id=row.case_id,
            detail={"override_id": row.override_id, "why": _WHY},
        )
        for row in _change(con, overrides, subject, standing, {"ended_at": now, "ended_why": ERASED})
    ]


def _change(
    con: sa.Connection, table: sa.Table, subject: Subject, which: sa.ColumnElement[bool], becomes: dict[str, object]
) -> Sequence[sa.Row[Any]]:
    """Change the subject's rows of which `which` is true; returns them as they were."""
    chosen = sa.and_(_about(table, subject), which)
    rows = con.execute(sa.select(table).where(chosen)).all()
    con.execute(table.update().where(chosen).values(becomes))
    return rows
