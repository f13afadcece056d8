"""The one place that changes a correction's state: allowed moves, each with its audit entry in the same transaction.

What decides about a move is elsewhere (`guard`, `approve`, `push`, `confirm`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.errors import MovedOnError
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import Seals

Row = sa.Row[Any]
"""A row of `corrections`, whole."""

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

_ACTIONS = {
    State.SENDING: Action.SENDING,
    State.SENT: Action.SENT,
    State.CONFIRMED: Action.CONFIRMED,
    State.REJECTED: Action.CORRECTION_REJECTED,
}
_WITH_VALUES = frozenset({State.SENDING, State.CONFIRMED})


@dataclass(frozen=True)
class Move:
    """One correction's way to another state. `why` in words and without values; `also`: other columns set with it."""

    row: Row
    to: State
    why: str
    fault: str | None = None
    also: Mapping[str, Any] = field(default_factory=dict, repr=False)
    actor: Actor = SERVICE
    action: Action | None = None


def move(con: sa.Connection, seals: Seals, stack_hash: str, moves: Sequence[Move], now: datetime) -> None:
    """Make moves, each with its audit entry. Raises MovedOnError when a correction is no longer as its row says, or may not
    go there; then nothing of the transaction stands."""
    append(
        con, seals, (), now, stack_hash
    )  # the chain's turn first: whoever takes locks in this order waits, never for ever
    for one in moves:
        was = State(one.row.state)
        if one.to not in MOVES.get(was, frozenset()):
            raise MovedOnError(one.row.correction_id, was, one.to)
        changed = con.execute(
            sa.update(corrections)
            .where(corrections.c.correction_id == one.row.correction_id, corrections.c.state == was.value)
            .values(state=one.to.value, state_at=now, why=one.why, fault=one.fault, **{**_lease(one.to), **one.also})
        )
        if changed.rowcount != 1:
            raise MovedOnError(one.row.correction_id, was, one.to)
    append(con, seals, [_entry(one, seals) for one in moves], now, stack_hash)


def claim(con: sa.Connection, target: str, now: datetime, lease_id: str, lease_for: timedelta, limit: int) -> list[Row]:
    """Lease what is READY and due, at most `limit`, the person who has waited longest first, each person's in the order
    proposed. Left alone: a record with something under way, a person with an unknown outcome or an earlier correction
    that is not due yet, and a second effective date of one record (it waits for the next push)."""
    first = sa.func.min(corrections.c.proposed_at).over(partition_by=corrections.c.person_id)
    found = con.execute(
        sa.select(corrections)
        .where(*_claimable(target, now))
        .order_by(first, corrections.c.person_id, corrections.c.proposed_at, corrections.c.correction_id)
        .limit(limit)
    ).all()
    dates: dict[tuple[str, str], Any] = {}
    chosen = [
        row for row in found if dates.setdefault((row.record, row.source_id), row.effective_from) == row.effective_from
    ]
    for ids in _chunks([row.correction_id for row in chosen]):
        con.execute(
            sa.update(corrections)
            .where(corrections.c.correction_id.in_(ids))
            .values(lease=lease_id, lease_until=now + lease_for)
        )
    return chosen


def fetch(con: sa.Connection, ids: Iterable[str]) -> list[Row]:
    """Corrections as they are now, in no order."""
    return [
        row
        for chunk in _chunks(list(ids))
        for row in con.execute(sa.select(corrections).where(corrections.c.correction_id.in_(chunk))).all()
    ]


def unresolved(con: sa.Connection, target: str, now: datetime, limit: int) -> list[Row]:
    """SENDING with a lease that ran out: something happened to the sender, and nobody knows what happened to the write."""
    return _waiting(con, target, State.SENDING, now, limit)


def unseen(con: sa.Connection, target: str, now: datetime, limit: int) -> list[Row]:
    """SENT, not seen in the target yet, and due to be looked at again."""
    return _waiting(con, target, State.SENT, now, limit)


def look_again(con: sa.Connection, ids: Sequence[str], now: datetime, due_at: datetime) -> None:
    """Looked at and undecided: let go until `due_at`. No state changes, so nothing is logged."""
    for chunk in _chunks(list(ids)):
        con.execute(
            sa.update(corrections)
            .where(corrections.c.correction_id.in_(chunk))
            .values(seen_at=now, due_at=due_at, lease=None, lease_until=None)
        )


def release(con: sa.Connection, lease_id: str, due_at: datetime | None = None) -> int:
    """Give back what was claimed under a lease and not begun (`due_at` when it should wait); tells how many. What is
    `sending` under it is let go too, for the next push to find out about."""
    con.execute(
        sa.update(corrections)
        .where(corrections.c.lease == lease_id, corrections.c.state == State.SENDING.value)
        .values(lease=None, lease_until=None)
    )
    values: dict[str, Any] = {"lease": None, "lease_until": None} | ({} if due_at is None else {"due_at": due_at})
    return con.execute(
        sa.update(corrections)
        .where(corrections.c.lease == lease_id, corrections.c.state == State.READY.value)
        .values(**values)
    ).rowcount


def release_expired(con: sa.Connection, target: str, now: datetime) -> int:
    """Give back what a sender that died had claimed and not begun. Tells how many."""
    return con.execute(
        sa.update(corrections)
        .where(
            corrections.c.target == target,
            corrections.c.state == State.READY.value,
            corrections.c.lease.is_not(None),
            corrections.c.lease_until <= now,
        )
        .values(lease=None, lease_until=None)
    ).rowcount


def due(con: sa.Connection, target: str, now: datetime, limit: int) -> list[Row]:
    """What a push could do something about now: the first `limit` by id, so that it is the same each time. Claims nothing."""
    ready = sa.select(corrections).where(*_claimable(target, now))
    waiting = sa.select(corrections).where(
        *_due(target, now), corrections.c.state.in_([State.SENDING.value, State.SENT.value])
    )
    rows: list[Row] = [
        row
        for query in (waiting, ready)
        for row in con.execute(query.order_by(corrections.c.correction_id).limit(limit)).all()
    ]
    return sorted(rows, key=lambda row: str(row.correction_id))[:limit]


def _claimable(target: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    other = corrections.alias()
    same_record = (other.c.record == corrections.c.record) & (other.c.source_id == corrections.c.source_id)
    same_person = other.c.person_id == corrections.c.person_id
    under_way = sa.or_(
        same_record & other.c.state.in_([State.SENDING.value, State.SENT.value]),
        same_person & (other.c.state == State.SENDING.value),
        same_person
        & (other.c.state == State.READY.value)
        & (other.c.due_at > now)
        & (other.c.proposed_at < corrections.c.proposed_at),
    )
    blocked = sa.exists().where(other.c.target == target, same_record | same_person, under_way).correlate(corrections)
    return (*_due(target, now), corrections.c.state == State.READY.value, ~blocked)


def _due(target: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    c = corrections.c
    return (
        c.target == target,
        sa.or_(c.due_at.is_(None), c.due_at <= now),
        sa.or_(c.lease.is_(None), c.lease_until.is_(None), c.lease_until <= now),
    )


def _waiting(con: sa.Connection, target: str, state: State, now: datetime, limit: int) -> list[Row]:
    return list(
        con.execute(
            sa.select(corrections)
            .where(*_due(target, now), corrections.c.state == state.value)
            .order_by(corrections.c.sent_at, corrections.c.person_id, corrections.c.correction_id)
            .limit(limit)
        ).all()
    )


def _lease(to: State) -> dict[str, Any]:
    """Only what is being sent keeps its lease."""
    return {} if to is State.SENDING else {"lease": None, "lease_until": None}


def _entry(one: Move, seals: Seals) -> Entry:
    row, shown = one.row, one.to in _WITH_VALUES
    return Entry(
        action=one.action or _ACTIONS.get(one.to, Action.CORRECTION_STATE),
        actor=one.actor,
        person_id=row.person_id,
        system=row.target,
        record=row.record,
        source_id=row.source_id,
        attribute=row.attribute,
        before=seals.open(row.person_id, row.before_sealed) if shown else None,
        after=seals.open(row.person_id, row.after_sealed) if shown else None,
        rule=row.rule,
        snapshot_id=row.target_snapshot_id,
        case_id=row.case_id,
        correction_id=row.correction_id,
        detail={
            "from": row.state,
            "to": one.to.value,
            "fault": one.fault,
            "attempt": one.also.get("attempts", row.attempts),
        },
    )


def _chunks(ids: list[str], size: int = 500) -> Iterable[list[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
