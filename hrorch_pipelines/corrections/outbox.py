"""The one place that changes a correction's state: allowed moves, each with its audit entry in the same transaction.

What decides about a move is elsewhere (`guard`, `approve`, `push`, `confirm`); how the queue works is in `queue`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.queue import MOVES, Move, Queue, Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import Seals

__all__ = [
    "MOVES",
    "QUEUE",
    "Move",
    "Row",
    "claim",
    "due",
    "fetch",
    "look_again",
    "move",
    "release",
    "release_expired",
    "unresolved",
    "unseen",
]

QUEUE = Queue(corrections, "correction_id", ("record", "source_id"))
fetch, look_again, release = QUEUE.fetch, QUEUE.look_again, QUEUE.release
release_expired, due = QUEUE.release_expired, QUEUE.due

_ACTIONS = {
    State.SENDING: Action.SENDING,
    State.SENT: Action.SENT,
    State.CONFIRMED: Action.CONFIRMED,
    State.REJECTED: Action.CORRECTION_REJECTED,
}
_WITH_VALUES = frozenset({State.SENDING, State.CONFIRMED})


def move(con: sa.Connection, seals: Seals, stack_hash: str, moves: Sequence[Move], now: datetime) -> None:
    """Make moves, each with its audit entry. Raises MovedOnError when a correction is no longer as its row says, or may not
    go there; then nothing of the transaction stands."""
    append(
        con, seals, (), now, stack_hash
    )  # the chain's turn first: whoever takes locks in this order waits, never for ever
    QUEUE.change(con, moves, now)
    append(con, seals, [_entry(one, seals) for one in moves], now, stack_hash)


def claim(con: sa.Connection, target: str, now: datetime, lease_id: str, lease_for: timedelta, limit: int) -> list[Row]:
    """Lease what is READY and due, at most `limit`, the person who has waited longest first, each person's in the order
    proposed. Left alone: a record with something under way, a person with an unknown outcome or an earlier correction
    that is not due yet, and a second effective date of one record (it waits for the next push)."""
    dates: dict[tuple[str, str], Any] = {}
    chosen = [
        row
        for row in QUEUE.next_up(con, target, now, limit)
        if dates.setdefault((row.record, row.source_id), row.effective_from) == row.effective_from
    ]
    QUEUE.take(con, chosen, now, lease_id, lease_for)
    return chosen


def unresolved(con: sa.Connection, target: str, now: datetime, limit: int) -> list[Row]:
    """SENDING with a lease that ran out: something happened to the sender, and nobody knows what happened to the write."""
    return QUEUE.waiting(con, target, State.SENDING, now, limit)


def unseen(con: sa.Connection, target: str, now: datetime, limit: int) -> list[Row]:
    """SENT, not seen in the target yet, and due to be looked at again."""
    return QUEUE.waiting(con, target, State.SENT, now, limit)


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
