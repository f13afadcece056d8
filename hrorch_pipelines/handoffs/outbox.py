"""The one place that changes an action's state: the moves of corrections, each with its audit entry in the same transaction.

What decides about a move is elsewhere (`proposing`, `push`); how the queue works is in `corrections.queue`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.queue import MOVES, Move, Queue, Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.storage.ledger_tables import actions
from hrorch_pipelines.storage.sealed import Seals

__all__ = ["MOVES", "QUEUE", "Move", "Row", "claim", "due", "fetch", "look_again", "move", "release"]

QUEUE = Queue(actions, "action_id", ("step_id",), "Action")
fetch, look_again, release, due = QUEUE.fetch, QUEUE.look_again, QUEUE.release, QUEUE.due

_ACTIONS = {State.SENDING: Action.SENDING, State.SENT: Action.SENT, State.CONFIRMED: Action.CONFIRMED}


def move(con: sa.Connection, seals: Seals, stack_hash: str, moves: Sequence[Move], now: datetime) -> None:
    """Make moves, each with its audit entry. Raises MovedOnError when an action is no longer as its row says, or may not go
    there; then nothing of the transaction stands."""
    append(con, seals, (), now, stack_hash)  # the chain's turn first, as everywhere: nobody waits for ever
    QUEUE.change(con, moves, now)
    append(con, seals, [_entry(one, seals) for one in moves], now, stack_hash)


def claim(con: sa.Connection, target: str, now: datetime, lease_id: str, lease_for: timedelta, limit: int) -> list[Row]:
    """Lease what is READY and due, at most `limit`: the person who has waited longest first, each person's in the order
    proposed. Left alone: a step with something under way, a person with an unknown outcome or an earlier action not due yet."""
    chosen = QUEUE.next_up(con, target, now, limit)
    QUEUE.take(con, chosen, now, lease_id, lease_for)
    return chosen


def _entry(one: Move, seals: Seals) -> Entry:
    """What was said stays with the entry of its sending: the evidence of what left, until the person is erased."""
    row = one.row
    told = seals.open(row.person_id, row.content_sealed) if one.to is State.SENDING else None
    return Entry(
        action=one.action or _ACTIONS.get(one.to, Action.ACTION_STATE),
        actor=one.actor,
        person_id=row.person_id,
        system=row.target,
        record=row.record,
        source_id=one.also.get("source_id", row.source_id),
        after=told,
        rule=row.rule,
        case_id=row.case_id,
        detail={
            "action_id": row.action_id,
            "handoff": row.handoff,
            "verb": row.verb,
            "purpose": row.purpose,
            "revision": row.revision,
            "from": row.state,
            "to": one.to.value,
            "fault": one.fault,
            "attempt": one.also.get("attempts", row.attempts),
        },
    )
