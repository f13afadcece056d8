"""The inbox in the ledger: events taken in once, what they hint at, when they are done. Inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hrorch_pipelines.inbox.terms import Event, Hint, Refusal, State
from hrorch_pipelines.storage.ledger_tables import heartbeats, inbox, inbox_refused, notes

KEPT = timedelta(days=30)
"""How long an event that is done is remembered, so that it is known when it comes again. Vendors try for some days."""
REFUSALS_KEPT = timedelta(days=90)
_PRUNED = "inbox_pruned"
_PRUNED_EVERY = timedelta(days=1)

Counted = Mapping[tuple[str, Refusal, datetime], int]
"""(system, reason, beginning of the hour) → how many."""


def put(con: sa.Connection, events: Sequence[Event]) -> None:
    """Take events in, each once: one whose id is known changes nothing, whatever became of the first."""
    rows = [asdict(event) | {"state": event.state.value} for event in events]
    if rows:
        con.execute(_insert(con, inbox).on_conflict_do_nothing(index_elements=["message_id"]), rows)


def count_refused(con: sa.Connection, counted: Counted) -> None:
    """Add to the counts of what was refused."""
    rows = [
        {"system": system, "reason": reason.value, "hour": hour, "count": count}
        for (system, reason, hour), count in counted.items()
    ]
    if rows:
        insert = _insert(con, inbox_refused)
        con.execute(
            insert.on_conflict_do_update(
                index_elements=["system", "reason", "hour"],
                set_={"count": inbox_refused.c.count + insert.excluded["count"]},
            ),
            rows,
        )


def beat(con: sa.Connection, name: str, now: datetime, every: timedelta) -> None:
    """Say that a service is alive, and when it will say so again; who watches for silence reads it."""
    insert = _insert(con, heartbeats)
    con.execute(
        insert.on_conflict_do_update(
            index_elements=["name"], set_={"at": insert.excluded["at"], "detail": insert.excluded["detail"]}
        ),
        {"name": name, "at": now, "detail": json.dumps({"every": every.total_seconds(), "failures": 0})},
    )


def end_beat(con: sa.Connection, name: str) -> None:
    """The service ends as it was told to: nobody need wait for its next sign of life."""
    con.execute(sa.delete(heartbeats).where(heartbeats.c.name == name))


def hints(con: sa.Connection) -> dict[str, Hint]:
    """Systems with new events."""
    rows = con.execute(
        sa.select(
            inbox.c.system,
            sa.func.count().label("many"),
            sa.func.min(inbox.c.received_at).label("oldest"),
            sa.func.max(inbox.c.received_at).label("newest"),
        )
        .where(inbox.c.state == sa.literal_column("'new'"))  # written out, so that the index of new ones is used
        .group_by(inbox.c.system)
    )
    return {row.system: Hint(row.system, row.many, row.oldest, row.newest) for row in rows}


def settle(con: sa.Connection, system: str, observed_from: datetime, now: datetime) -> int:
    """Mark events done that a trusted snapshot answers: those that had arrived when it began to read. Returns how many."""
    return con.execute(
        inbox.update()
        .where(
            inbox.c.system == system,
            inbox.c.state == sa.literal_column("'new'"),
            inbox.c.received_at <= observed_from,
        )
        .values(state=State.DONE.value, done_at=now)
    ).rowcount


def prune(con: sa.Connection, now: datetime) -> int:
    """Forget events that were done long ago, and old counts of refusals. Returns how many events. A new one is never forgotten."""
    con.execute(sa.delete(inbox_refused).where(inbox_refused.c.hour < now - REFUSALS_KEPT))
    return con.execute(
        sa.delete(inbox).where(
            inbox.c.state != State.NEW.value,
            sa.func.coalesce(inbox.c.done_at, inbox.c.received_at, type_=inbox.c.received_at.type) < now - KEPT,
        )
    ).rowcount


def prune_daily(con: sa.Connection, now: datetime) -> int:
    """`prune`, once a day at most: it looks at every event. Returns how many were forgotten."""
    last = con.execute(sa.select(notes.c.at).where(notes.c.name == _PRUNED)).scalar()
    if last is not None and now - last < _PRUNED_EVERY:
        return 0
    gone = prune(con, now)
    con.execute(sa.delete(notes).where(notes.c.name == _PRUNED))
    con.execute(notes.insert().values(name=_PRUNED, value=str(gone), at=now))
    return gone


def standing(con: sa.Connection) -> dict[str, dict[str, int]]:
    """System → state → how many events."""
    told: dict[str, dict[str, int]] = {}
    for row in con.execute(
        sa.select(inbox.c.system, inbox.c.state, sa.func.count()).group_by(inbox.c.system, inbox.c.state)
    ):
        told.setdefault(row[0], {})[row[1]] = row[2]
    return told


def refusals(con: sa.Connection, since: datetime) -> dict[str, dict[str, int]]:
    """System → reason → how many were refused in the hours from `since` on."""
    told: dict[str, dict[str, int]] = {}
    rows = con.execute(
        sa.select(inbox_refused.c.system, inbox_refused.c.reason, sa.func.sum(inbox_refused.c.count))
        .where(inbox_refused.c.hour >= since)
        .group_by(inbox_refused.c.system, inbox_refused.c.reason)
    )
    for row in rows:
        told.setdefault(row[0], {})[row[1]] = int(row[2])
    return told


def _insert(con: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that may say what to do about a key that is there: both databases can, each in its own dialect."""
    return postgresql.insert(table) if con.dialect.name == "postgresql" else sqlite.insert(table)
