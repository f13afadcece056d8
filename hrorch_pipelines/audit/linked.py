"""Who was found to be whom enters the log: merges, splits and what was undone one by one, all links of a pass by a digest.

The events themselves stay in the warehouse (`identity.events`), where erasure reaches them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append, moment_text
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import notes
from hrorch_pipelines.storage.sealed import Seals

NOTE = "audit_linked"
"""The moment of the last event in the log. It is noted with the entries, so a pass that died is made up for by the next."""

ONE_BY_ONE = 2_000
"""Events that join or part persons, told singly in one pass; a mass of them is in the digest like the rest."""

_SINGLE = ("merged", "split", "undone")


def record(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack) -> int:
    """Append what identity has written since the last time; returns how many events that were. `con`: the warehouse."""
    with ledger.read() as reading:
        since = _noted(reading)
    until, summary = _summary(con, since)
    if until is None:
        return 0
    entries = [*_singles(con, since), Entry(Action.LINKED, rule="identity", detail=summary)]
    with ledger.write() as book:
        if _noted(book) != since:
            return 0  # another run was faster: its entries tell the same events
        now = ledger.clock.now()
        append(book, Seals(book, ledger.home.key(), now), entries, now, stack.content_hash)
        book.execute(sa.delete(notes).where(notes.c.name == NOTE))
        book.execute(notes.insert().values(name=NOTE, value=until, at=now))
    return int(summary["events"])


def _noted(con: sa.Connection) -> str:
    return str(con.execute(sa.select(notes.c.value).where(notes.c.name == NOTE)).scalar() or "0001-01-01T00:00:00Z")


def _summary(con: duckdb.DuckDBPyConnection, since: str) -> tuple[str | None, dict[str, Any]]:
    """The moment of the newest event, with counts by kind and a digest over all of them."""
    row: tuple[datetime | None, int, str] = con.execute(
        """SELECT max("at"), count(*),
                  sha256(string_agg(concat_ws('|', event_id, kind, person_id, other_person_id, system, source_id), chr(10)
                                    ORDER BY event_id))
           FROM identity.events WHERE "at" > CAST(? AS TIMESTAMPTZ)""",
        [since],
    ).fetchall()[0]
    if row[0] is None:
        return None, {}
    kinds = con.execute(
        """SELECT kind, count(*) FROM identity.events WHERE "at" > CAST(? AS TIMESTAMPTZ) GROUP BY kind ORDER BY kind""",
        [since],
    ).fetchall()
    return moment_text(row[0]), {"events": row[1], "digest": row[2], **dict(kinds)}


def _singles(con: duckdb.DuckDBPyConnection, since: str) -> list[Entry]:
    rows = con.execute(
        """SELECT kind, person_id, other_person_id, system, source_id, cause, event_id FROM identity.events
           WHERE "at" > CAST(? AS TIMESTAMPTZ) AND list_contains(?, kind) ORDER BY "at", event_id LIMIT ?""",
        [since, list(_SINGLE), ONE_BY_ONE],
    ).fetchall()
    return [
        Entry(
            Action.LINKED,
            person_id=person,
            system=system,
            source_id=source_id,
            rule=cause,
            detail={"kind": kind, "other_person": other, "event": event},
        )
        for kind, person, other, system, source_id, cause, event in rows
    ]
