"""What corrections and the actions of handoffs have in common on their way out: moves, claims under a lease, what is due.

They lie in tables of their own with the same columns of sending; each room's `outbox` binds its table and writes its log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import SERVICE, Action, Actor
from hrorch_pipelines.corrections.errors import MovedOnError
from hrorch_pipelines.corrections.terms import State

Row = sa.Row[Any]
"""A row of the queue's table, whole."""

_GIVE_UP = {State.WITHDRAWN, State.REJECTED}
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.PROPOSED: frozenset({State.READY, State.AWAITING_APPROVAL, State.FROZEN, *_GIVE_UP}),
        State.AWAITING_APPROVAL: frozenset({State.READY, State.PROPOSED, State.FROZEN, *_GIVE_UP}),
        State.FROZEN: frozenset({State.READY, State.PROPOSED, State.AWAITING_APPROVAL, *_GIVE_UP}),
        State.READY: frozenset(
            {State.SENDING, State.CONFIRMED, State.CONFLICTED, State.FAILED, State.PROPOSED, State.AWAITING_APPROVAL}
            | {State.FROZEN, *_GIVE_UP}
        ),
        State.SENDING: frozenset(
            {State.SENT, State.READY, State.CONFIRMED, State.CONFLICTED, State.DIVERGED, State.FAILED, State.WITHDRAWN}
        ),
        # `sent` again: the answer to a change file came. Withdrawn: the person was erased, and nobody can tell any more.
        State.SENT: frozenset(
            {State.SENT, State.CONFIRMED, State.CONFLICTED, State.DIVERGED, State.FAILED, State.WITHDRAWN}
        ),
    }
)
"""From where to where. States that are not keys are final."""


@dataclass(frozen=True)
class Move:
    """One row's way to another state. `why` in words and without values; `also`: other columns set with it."""

    row: Row
    to: State
    why: str
    fault: str | None = None
    also: Mapping[str, Any] = field(default_factory=dict, repr=False)
    actor: Actor = SERVICE
    action: Action | None = None


@dataclass(frozen=True)
class Queue:
    """A table of things to be sent. `key`: its id; `apart`: columns of what may be under way only once at a time."""

    table: sa.Table
    key: str
    apart: tuple[str, ...]
    noun: str = "Correction"

    @property
    def id(self) -> sa.Column[Any]:
        """The id's column."""
        return self.table.c[self.key]

    def change(self, con: sa.Connection, moves: Sequence[Move], now: datetime) -> None:
        """Set states. Raises MovedOnError when a row is no longer as it was read, or may not go there."""
        for one in moves:
            was, known = State(one.row.state), getattr(one.row, self.key)
            if one.to not in MOVES.get(was, frozenset()):
                raise MovedOnError(known, was, one.to, self.noun)
            changed = con.execute(
                sa.update(self.table)
                .where(self.id == known, self.table.c.state == was.value)
                .values(
                    state=one.to.value, state_at=now, why=one.why, fault=one.fault, **{**_lease(one.to), **one.also}
                )
            )
            if changed.rowcount != 1:
                raise MovedOnError(known, was, one.to, self.noun)

    def next_up(self, con: sa.Connection, target: str, now: datetime, limit: int) -> list[Row]:
        """READY and due, at most `limit`, the person who has waited longest first, each person's in the order proposed.

        Left alone: what would be under way twice, a person with an unknown outcome, or with an earlier row not due yet.
        """
        c = self.table.c
        first = sa.func.min(c.proposed_at).over(partition_by=c.person_id)
        return list(
            con.execute(
                sa.select(self.table)
                .where(*self._claimable(target, now))
                .order_by(first, c.person_id, c.proposed_at, self.id)
                .limit(limit)
            ).all()
        )

    def take(self, con: sa.Connection, rows: Sequence[Row], now: datetime, lease_id: str, lease_for: timedelta) -> None:
        """Lease rows."""
        for ids in chunks([getattr(row, self.key) for row in rows]):
            con.execute(
                sa.update(self.table).where(self.id.in_(ids)).values(lease=lease_id, lease_until=now + lease_for)
            )

    def fetch(self, con: sa.Connection, ids: Iterable[str]) -> list[Row]:
        """Rows as they are now, in no order."""
        return [
            row
            for chunk in chunks(list(ids))
            for row in con.execute(sa.select(self.table).where(self.id.in_(chunk))).all()
        ]

    def waiting(self, con: sa.Connection, target: str, state: State, now: datetime, limit: int) -> list[Row]:
        """In this state, due to be looked at, and nobody's."""
        c = self.table.c
        return list(
            con.execute(
                sa.select(self.table)
                .where(*self._due(target, now), c.state == state.value)
                .order_by(c.sent_at, c.person_id, self.id)
                .limit(limit)
            ).all()
        )

    def look_again(self, con: sa.Connection, ids: Sequence[str], now: datetime, due_at: datetime) -> None:
        """Looked at and undecided: let go until `due_at`. No state changes, so nothing is logged."""
        for chunk in chunks(list(ids)):
            con.execute(
                sa.update(self.table)
                .where(self.id.in_(chunk))
                .values(seen_at=now, due_at=due_at, lease=None, lease_until=None)
            )

    def release(self, con: sa.Connection, lease_id: str, due_at: datetime | None = None) -> int:
        """Give back what was claimed under a lease and not begun (`due_at` when it should wait); tells how many. What is
        `sending` under it is let go too, for the next push to find out about."""
        c = self.table.c
        con.execute(
            sa.update(self.table)
            .where(c.lease == lease_id, c.state == State.SENDING.value)
            .values(lease=None, lease_until=None)
        )
        values: dict[str, Any] = {"lease": None, "lease_until": None} | ({} if due_at is None else {"due_at": due_at})
        return con.execute(
            sa.update(self.table).where(c.lease == lease_id, c.state == State.READY.value).values(**values)
        ).rowcount

    def release_expired(self, con: sa.Connection, target: str, now: datetime) -> int:
        """Give back what a sender that died had claimed and not begun. Tells how many."""
        c = self.table.c
        return con.execute(
            sa.update(self.table)
            .where(c.target == target, c.state == State.READY.value, c.lease.is_not(None), c.lease_until <= now)
            .values(lease=None, lease_until=None)
        ).rowcount

    def due(self, con: sa.Connection, target: str, now: datetime, limit: int) -> list[Row]:
        """What a push could do something about now: the first `limit` by id, so that it is the same each time. Claims nothing."""
        ready = sa.select(self.table).where(*self._claimable(target, now))
        waiting = sa.select(self.table).where(
            *self._due(target, now), self.table.c.state.in_([State.SENDING.value, State.SENT.value])
        )
        rows: list[Row] = [
            row for query in (waiting, ready) for row in con.execute(query.order_by(self.id).limit(limit)).all()
        ]
        return sorted(rows, key=lambda row: str(getattr(row, self.key)))[:limit]

    def _claimable(self, target: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
        mine, other = self.table.c, self.table.alias()
        same = sa.and_(*(other.c[name] == mine[name] for name in self.apart))
        same_person = other.c.person_id == mine.person_id
        under_way = sa.or_(
            same & other.c.state.in_([State.SENDING.value, State.SENT.value]),
            same_person & (other.c.state == State.SENDING.value),
            same_person
            & (other.c.state == State.READY.value)
            & (other.c.due_at > now)
            & (other.c.proposed_at < mine.proposed_at),
        )
        blocked = sa.exists().where(other.c.target == target, same | same_person, under_way).correlate(self.table)
        return (*self._due(target, now), mine.state == State.READY.value, ~blocked)

    def _due(self, target: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
        c = self.table.c
        return (
            c.target == target,
            sa.or_(c.due_at.is_(None), c.due_at <= now),
            sa.or_(c.lease.is_(None), c.lease_until.is_(None), c.lease_until <= now),
        )


def chunks(ids: list[str], size: int = 500) -> Iterable[list[str]]:
    """Databases bound the parameters of one statement."""
    return (ids[at : at + size] for at in range(0, len(ids), size))


def _lease(to: State) -> dict[str, Any]:
    """Only what is being sent keeps its lease."""
    return {} if to is State.SENDING else {"lease": None, "lease_until": None}
