"""`hrorch erase`: destroy what is held about one person, everywhere, and leave a tombstone in the log.

Here is the order of the steps; what each store does is in `erase_warehouse`, `erase_ledger` and `snapshots.forget`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.audit import erase_ledger, erase_warehouse, holds, persons
from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.persons import Record, Subject
from hrorch_pipelines.audit.refusals import ReasonNamesPersonError, RetentionRunningError
from hrorch_pipelines.audit.retention import running
from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity
from hrorch_pipelines.storage import tombstones
from hrorch_pipelines.storage.catalog import stored_tables
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import notes
from hrorch_pipelines.storage.rewrite import rewrite
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.storage.warehouse import Warehouse, publish

_UNFINISHED = "erasing "
_SHORTEST_VALUE = 3
"""Letters below which a value may stand in a reason by chance."""

ForgetSnapshots = Callable[[Home, Stack, Collection[Record], Collection[str], datetime], tuple[int, int]]
"""Takes records out of stored snapshots; returns (files, rows). `snapshots` stands above this room and hands it in."""


@dataclass(frozen=True)
class Places:
    """Everywhere a person may be."""

    stack: Stack
    home: Home
    clock: Clock
    warehouse: Warehouse
    ledger: Ledger
    forget_snapshots: ForgetSnapshots


@dataclass(frozen=True)
class Outlook:
    """What an erasure would meet, before anything is done. `still_in`: systems whose last snapshot holds the person."""

    subject: Subject
    still_in: tuple[str, ...]
    retention_running: tuple[str, ...]


@dataclass(frozen=True)
class Erasure:
    """What was destroyed, place by place, in rows (snapshots also in files)."""

    subject: Subject
    counts: dict[str, int] = field(default_factory=dict)
    still_in: tuple[str, ...] = ()
    scrubbed: bool = True


@dataclass(frozen=True)
class _Plan:
    """Whom, and which of their words to look for in others' records. Kept in the ledger until all is done."""

    subject: Subject
    still_in: tuple[str, ...]


def look(places: Places, given: str) -> Outlook:
    """Who is meant, and what stands against it. Changes nothing.

    Raises UnknownSubjectError, AmbiguousSubjectError, LegalHoldError, WriteUnderWayError.
    """
    with places.warehouse.write() as con:
        found = persons.find(con, places.stack, given)
        with places.ledger.read() as ledger:
            subject = erase_ledger.with_made(ledger, places.stack, found)
        holds.require_free(con, places.stack, subject)
        outlook = Outlook(
            subject, _still_in(con, subject), tuple(running(con, places.stack, subject, places.clock.now()))
        )
    with places.ledger.read() as ledger:
        erase_ledger.require_nothing_under_way(ledger, subject)
    return outlook


def erase(places: Places, given: str, *, by: str, reason: str, despite_retention: bool = False) -> Erasure:
    """Destroy the person's values and key in ledger, warehouse, snapshots and published copy; the log keeps a tombstone.

    What a crash interrupts is finished by the same call. Their records are kept out of later snapshots
    (`storage.tombstones`) until `readmit`. Raises what `look` raises, RetentionRunningError, ReasonNamesPersonError.
    """
    now = places.clock.now()
    plan = _unfinished(places.ledger, given)
    if plan is None:
        plan = _begin(places, given, reason, despite_retention=despite_retention)
    subject = plan.subject
    with places.warehouse.write() as con:
        texts = _addresses(con, places.stack, subject)
    tombstones.remember(places.home, subject.records)
    files, rows = places.forget_snapshots(places.home, places.stack, subject.records, texts, now)
    counts = {"snapshots.files": files, "snapshots.rows": rows}
    with places.warehouse.write() as con:
        counts |= erase_warehouse.erase_rows(con, subject, now)
    rewrite(places.warehouse)
    _renew_copies(places.home)
    with places.ledger.write() as ledger:
        erased, entries = erase_ledger.erase_person(ledger, subject, now)
        counts |= erased
        tombstone = _tombstone(subject, by, reason, counts, plan.still_in)
        seals = Seals(ledger, places.home.key(), now)
        append(ledger, seals, [*entries, *tombstone], now, places.stack.content_hash)
        ledger.execute(sa.delete(notes).where(notes.c.name == _note(subject)))
    scrubbed = erase_ledger.scrub(places.ledger)
    return Erasure(subject, counts, plan.still_in, scrubbed)


def readmit(places: Places, record: Record, *, by: str, reason: str) -> bool:
    """Let a record into snapshots again; the person comes back under a new id. False when it was not kept out."""
    now = places.clock.now()
    if not tombstones.forget(places.home, [record]):
        return False
    with places.ledger.write() as ledger:
        entry = Entry(
            Action.READMITTED,
            Actor("person", by),
            system=record[0],
            source_id=record[1],
            detail={"reason": reason},
        )
        append(ledger, Seals(ledger, places.home.key(), now), [entry], now, places.stack.content_hash)
    return True


def _begin(places: Places, given: str, reason: str, *, despite_retention: bool) -> _Plan:
    """Check everything that may stand against it, then note in the ledger what is about to be done."""
    outlook = look(places, given)
    if outlook.retention_running and not despite_retention:
        raise RetentionRunningError(outlook.retention_running)
    with places.warehouse.write() as con:
        words = _values(con, places.stack, outlook.subject, set(places.stack.attributes))
    if any(len(word) >= _SHORTEST_VALUE and word.casefold() in reason.casefold() for word in words):
        raise ReasonNamesPersonError
    subject = outlook.subject
    value = json.dumps({"persons": subject.persons, "records": subject.records, "still_in": outlook.still_in})
    now = places.clock.now()
    with places.ledger.write() as ledger:
        stopped = erase_ledger.stop_writes(ledger, subject, now)
        append(ledger, Seals(ledger, places.home.key(), now), stopped, now, places.stack.content_hash)
        ledger.execute(notes.insert().values(name=_note(subject), value=value, at=now))
    return _Plan(subject, outlook.still_in)


def _unfinished(ledger: Ledger, given: str) -> _Plan | None:
    """The erasure of this person that was begun and not finished."""
    with ledger.read() as con:
        values = con.execute(sa.select(notes.c.value).where(notes.c.name.startswith(_UNFINISHED))).scalars().all()
    for value in values:
        kept = json.loads(value)
        subject = Subject(tuple(kept["persons"]), tuple((system, key) for system, key in kept["records"]))
        ids = {*subject.persons, *(":".join(record) for record in subject.records)}
        if given in ids or any(
            len(given) >= persons.SHORTEST_ID and name.startswith(given) for name in subject.persons
        ):
            return _Plan(subject, tuple(kept["still_in"]))
    return None


def _note(subject: Subject) -> str:
    return f"{_UNFINISHED}{subject.name}"[:64]


def _still_in(con: duckdb.DuckDBPyConnection, subject: Subject) -> tuple[str, ...]:
    erase_warehouse.choose(con, subject)
    rows = con.execute(
        "SELECT DISTINCT system FROM identity.links SEMI JOIN erased_records USING (system, source_id) ORDER BY system"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def _addresses(con: duckdb.DuckDBPyConnection, stack: Stack, subject: Subject) -> set[str]:
    """Their e-mail addresses: the values that others' records may hold (a manager's, a contact's)."""
    mails = {name for name, declared in stack.attributes.items() if declared.type is AttributeType.EMAIL}
    return _values(con, stack, subject, mails)


def _values(con: duckdb.DuckDBPyConnection, stack: Stack, subject: Subject, wanted: set[str]) -> set[str]:
    """Every value of theirs that was ever seen, of attributes that are not shown in clear."""
    masked = {name for name in wanted if stack.attributes[name].sensitivity is not Sensitivity.NORMAL}
    erase_warehouse.choose(con, subject)
    found: set[str] = set()
    for (schema, table), columns in stored_tables(con).items():
        condition = erase_warehouse.where(schema, table, columns)
        if condition is None:
            continue
        for name in sorted(masked & columns):
            rows = con.execute(
                f"SELECT DISTINCT CAST({ident(name)} AS VARCHAR) FROM {ident(schema, table)} "
                f"WHERE ({condition}) AND {ident(name)} IS NOT NULL"
            ).fetchall()
            found |= {str(row[0]) for row in rows}
    return found


def _renew_copies(home: Home) -> None:
    """Publish at once; pages made from the old copy go, and the next cycle makes them anew."""
    if home.published.exists():
        publish(home)
        for page in home.published.parent.glob("*.html"):
            page.unlink()


def _tombstone(
    subject: Subject, by: str, reason: str, counts: dict[str, int], still_in: tuple[str, ...]
) -> list[Entry]:
    detail: dict[str, str | int | float | bool | None] = {**counts, "reason": reason, "still_in": ", ".join(still_in)}
    named: list[str | None] = [*subject.persons] or [None]
    system, source_id = subject.records[0] if not subject.persons else (None, None)
    return [
        Entry(Action.ERASED, Actor("person", by), person_id=person, system=system, source_id=source_id, detail=detail)
        for person in named
    ]
