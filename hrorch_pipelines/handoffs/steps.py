"""The one place that changes a step's state: allowed moves, each with its audit entry in the same transaction.

What decides about a move is in `evaluating` (what is true) and `moving` (what follows); what an action's end means, here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.queue import chunks
from hrorch_pipelines.handoffs.asking import stalled_case
from hrorch_pipelines.handoffs.errors import StepMovedOnError
from hrorch_pipelines.handoffs.terms import DoneHow, Purpose, StepState
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import steps
from hrorch_pipelines.storage.sealed import Seals

Row = sa.Row[Any]
"""A row of `steps`, whole."""

_S = StepState
_BEGIN = frozenset({_S.PARKED, _S.DUE, _S.ASKED, _S.DONE})
MOVES: Mapping[StepState, frozenset[StepState]] = MappingProxyType(
    {
        _S.PARKED: frozenset({_S.DUE, _S.ASKED, _S.DONE, _S.DROPPED}),
        # Asked: the stack file says now that a person does it.
        _S.DUE: frozenset({_S.PARKED, _S.ASKED, _S.DONE, _S.DROPPED, _S.COMPENSATING}),
        _S.ASKED: frozenset({_S.PARKED, _S.DUE, _S.DONE, _S.DROPPED}),
        _S.DONE: frozenset({_S.COMPENSATING, _S.COMPENSATED}),
        # Dropped: what was under way when it was to be taken back came to nothing. Done: it is to stand after all.
        _S.COMPENSATING: frozenset({_S.COMPENSATED, _S.DROPPED, _S.DONE}),
        _S.DROPPED: _BEGIN,
        _S.COMPENSATED: _BEGIN,
    }
)
"""From where to where. Nothing is final: what becomes true again begins again, as the step's next revision."""


@dataclass(frozen=True)
class StepMove:
    """One step's way to another state. `why` in words and without values; `also`: other columns set with it."""

    row: Row
    to: StepState
    why: str
    also: Mapping[str, Any] = field(default_factory=dict, repr=False)
    actor: Actor = SERVICE


def step_id(home_key: bytes, handoff: str, person_id: str, once_per: str) -> str:
    """The id of a step: a keyed hash of handoff, person and the mark of what it is once per."""
    parts = json.dumps(["step", handoff, person_id, once_per])
    return hmac.digest(home_key, parts.encode(), hashlib.sha256).hex()[:32]


def move(con: sa.Connection, seals: Seals, stack_hash: str, moves: Sequence[StepMove], now: datetime) -> None:
    """Make moves, each with its audit entry. Raises StepMovedOnError when a step is no longer as its row says, or may not go
    there; then nothing of the transaction stands."""
    append(con, seals, (), now, stack_hash)  # the chain's turn first, as everywhere: nobody waits for ever
    for one in moves:
        was = _S(one.row.state)
        if one.to not in MOVES[was]:
            raise StepMovedOnError(one.row.step_id, was, one.to)
        changed = con.execute(
            sa.update(steps)
            .where(steps.c.step_id == one.row.step_id, steps.c.state == was.value)
            .values(state=one.to.value, state_at=now, why=one.why, stack_hash=stack_hash, last_seen_at=now, **one.also)
        )
        if changed.rowcount != 1:
            raise StepMovedOnError(one.row.step_id, was, one.to)
    append(con, seals, [_entry(one) for one in moves], now, stack_hash)


def fetch(con: sa.Connection, ids: Iterable[str]) -> dict[str, Row]:
    """Steps as they are now, by id."""
    return {
        row.step_id: row
        for chunk in chunks(list(ids))
        for row in con.execute(sa.select(steps).where(steps.c.step_id.in_(chunk))).all()
    }


def finished(
    con: sa.Connection, seals: Seals, stack: Stack, action: sa.Row[Any], now: datetime, *, made: bool | None = None
) -> None:
    """An action was confirmed: its step is done, or taken back, in the caller's transaction. Cases of its delay are settled.

    `made`: whether it was really sent; False where a look found it there (default: `action.sent_at` is set). A step that moved
    on meanwhile (it is to be taken back already) is left to the next pass, which knows what was made. Raises StepMovedOnError.
    """
    row = fetch(con, [action.step_id]).get(action.step_id)
    if row is None:
        return
    really = action.sent_at is not None if made is None else made
    undone = action.purpose == Purpose.UNDO.value
    if undone and row.state == _S.COMPENSATING.value:
        one = StepMove(row, _S.COMPENSATED, "what was made is taken back", {"stalled_at": None})
    elif not undone and row.state == _S.DUE.value:
        how = DoneHow.ACTION if really else DoneHow.ALREADY
        why = "confirmed" if really else "a look found that it was there already"
        one = StepMove(row, _S.DONE, why, {"done_at": now, "done_how": how.value, "stalled_at": None})
    else:
        return
    move(con, seals, stack.content_hash, [one], now)
    settle_stalled(con, seals, stack, [row], now, "it has happened")


def settle_stalled(
    con: sa.Connection, seals: Seals, stack: Stack, rows: Sequence[Row], now: datetime, why: str
) -> None:
    """Close the cases that told of the delay of these steps."""
    from hrorch_pipelines.exceptions import cases

    stalled = [stalled_case(row.handoff, row.step_id) for row in rows if row.stalled_at is not None]
    if stalled:
        cases.settle(con, seals, stack, stalled, now, why)


def entry_of_new(row: Mapping[str, Any], rule: str | None = None) -> Entry:
    """The audit entry of a step that is new."""
    return Entry(
        Action.HANDOFF_STEP,
        person_id=row["person_id"],
        rule=rule or row["handoff"],
        detail={
            "step_id": row["step_id"],
            "handoff": row["handoff"],
            "to": row["state"],
            "how": row.get("done_how"),
            "missing": row.get("missing"),
        },
    )


def _entry(one: StepMove) -> Entry:
    row = one.row
    return Entry(
        Action.HANDOFF_STEP,
        one.actor,
        person_id=row.person_id,
        rule=row.handoff,
        case_id=one.also.get("case_id", row.case_id),
        detail={
            "step_id": row.step_id,
            "handoff": row.handoff,
            "from": row.state,
            "to": one.to.value,
            "how": one.also.get("done_how"),
            "missing": one.also.get("missing"),
            "revision": one.also.get("revision", row.revision),
            "why": one.why,
        },
    )
