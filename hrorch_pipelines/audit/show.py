"""Look things up in the log: who did what to whom, with the values opened and masked. What systems told is in `told`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.audit import told
from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.persons import Subject, find
from hrorch_pipelines.audit.told import Shown, Wanted, clear
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, audit_values
from hrorch_pipelines.storage.sealed import ErasedError, Seals

ERASED, EXPIRED = "(erased)", "(no longer kept)"


@dataclass(frozen=True)
class Listing:
    """Rows, the oldest first, and how many earlier ones fit the question and were left out."""

    rows: tuple[Shown, ...]
    left_out: int


def show(
    ledger: Ledger,
    stack: Stack,
    wanted: Wanted,
    *,
    con: duckdb.DuckDBPyConnection | None = None,
    reveal_to: str | None = None,
) -> Listing:
    """Entries that fit, the newest `wanted.limit` of them.

    With `con` (the published copy) a person may be named as `system:source_id`, merged ids are followed, and for a person or
    an attribute the changes that systems told are among the rows. `reveal_to` names who sees values in clear; that is logged,
    one entry per person, before anything is returned. Raises UnknownSubjectError, AmbiguousSubjectError.
    """
    subject = find(con, stack, wanted.person) if con is not None and wanted.person else None
    with ledger.read() as book:
        rows, left_out = _from_log(book, ledger, stack, wanted, subject, reveal=reveal_to is not None)
    if con is not None and (wanted.person or wanted.attribute):
        rows += told.changes(con, stack, wanted, subject, reveal=reveal_to is not None)
        rows.sort(key=lambda row: (row.at, row.sequence or 0))
        left_out += max(0, len(rows) - wanted.limit)
        rows = rows[-wanted.limit :]
    if reveal_to is not None:
        _log_reveal(ledger, stack, rows, reveal_to)
    return Listing(tuple(rows), left_out)


def _from_log(
    book: sa.Connection, ledger: Ledger, stack: Stack, wanted: Wanted, subject: Subject | None, *, reveal: bool
) -> tuple[list[Shown], int]:
    conditions = _conditions(book, wanted, subject)
    count = book.execute(sa.select(sa.func.count()).select_from(audit_log).where(*conditions)).scalar_one()
    query = (
        sa.select(
            audit_log.c.sequence,
            audit_log.c.at,
            audit_log.c.envelope,
            audit_values.c.sequence.label("valued"),
            audit_values.c.before_sealed,
            audit_values.c.after_sealed,
        )
        .outerjoin_from(audit_log, audit_values, audit_values.c.sequence == audit_log.c.sequence)
        .where(*conditions)
        .order_by(audit_log.c.sequence.desc())
        .limit(wanted.limit)
    )
    seals = Seals(book, ledger.home.key(), ledger.clock.now())
    rows = [_shown(row, stack, seals, reveal=reveal) for row in book.execute(query)]
    return rows[::-1], max(0, count - len(rows))


def _conditions(book: sa.Connection, wanted: Wanted, subject: Subject | None) -> list[sa.ColumnElement[bool]]:
    log = audit_log.c
    given: list[sa.ColumnElement[bool]] = [
        column == value
        for column, value in (
            (log.attribute, wanted.attribute),
            (log.system, wanted.system),
            (log.actor, wanted.actor),
            (log.action, wanted.action),
            (log.case_id, wanted.case_id),
            (log.correction_id, wanted.correction_id),
        )
        if value is not None
    ]
    if wanted.person:
        given.append(log.person_id.in_(subject.persons if subject is not None else [wanted.person]))
    if wanted.since is not None:
        given.append(log.sequence >= first_from(book, wanted.since))
    if wanted.until is not None:
        given.append(log.sequence < first_from(book, wanted.until))
    return given


def first_from(book: sa.Connection, moment: datetime) -> int:
    """The first entry at or after a moment (one past the last when there is none), by halving: the log never goes back."""
    low, high = 1, (book.execute(sa.select(sa.func.max(audit_log.c.sequence))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = sa.select(audit_log.c.sequence, audit_log.c.at).where(audit_log.c.sequence >= middle)
        row = book.execute(query.order_by(audit_log.c.sequence).limit(1)).one_or_none()
        if row is None or row.at >= moment:
            high = middle
        else:
            low = row.sequence + 1
    return low


def _shown(row: Any, stack: Stack, seals: Seals, *, reveal: bool) -> Shown:
    entry = json.loads(row.envelope)
    person, attribute = entry.get("person_id"), entry.get("attribute")

    def value(side: str, sealed: bytes | None) -> str | None:
        if sealed is None:
            if row.valued is None and side not in entry:
                return None
            return EXPIRED if side in entry else clear(stack, attribute, None, reveal=reveal)
        try:
            return clear(stack, attribute, seals.open(person, sealed), reveal=reveal)
        except ErasedError:
            return ERASED

    detail = ", ".join(f"{name} {item}" for name, item in (entry.get("detail") or {}).items())
    return Shown(
        at=row.at,
        action=entry["action"],
        actor=entry["actor"],
        sequence=row.sequence,
        on_behalf_of=entry.get("on_behalf_of"),
        person_id=person,
        attribute=attribute,
        before=value("before", row.before_sealed),
        after=value("after", row.after_sealed),
        detail=detail or None,
        **{name: entry.get(name) for name in told.PLAIN},
    )


def _log_reveal(ledger: Ledger, stack: Stack, rows: Sequence[Shown], by: str) -> None:
    """Who sees whose values: an entry per person, and one for rows about nobody known."""
    seen: dict[str | None, int] = {}
    for row in rows:
        if row.before is not None or row.after is not None:
            seen[row.person_id] = seen.get(row.person_id, 0) + 1
    if not seen:
        return
    with ledger.write() as book:
        now = ledger.clock.now()
        entries = [
            Entry(Action.REVEALED, Actor("person", by), person_id=person, detail={"report": "audit", "rows": count})
            for person, count in sorted(seen.items(), key=lambda item: item[0] or "")
        ]
        append(book, Seals(book, ledger.home.key(), now), entries, now, stack.content_hash)
