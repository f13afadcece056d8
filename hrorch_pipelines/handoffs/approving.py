"""What people decide about actions: approve, reject, release a frozen segment. Each decision is in the audit log.

Everything asked for at once is done, or nothing. Who may, is as for corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.approve import approvers
from hrorch_pipelines.corrections.errors import (
    NotAnApproverError,
    NothingFrozenError,
    OwnProposalError,
    ReasonNeededError,
)
from hrorch_pipelines.corrections.terms import UNSENT, State
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.handoffs import outbox
from hrorch_pipelines.handoffs.budget import state_by_policy
from hrorch_pipelines.handoffs.errors import ActionDecidedError, UnknownActionError
from hrorch_pipelines.handoffs.frozen import cases_of, owner_of, segments
from hrorch_pipelines.handoffs.outbox import Move, Row
from hrorch_pipelines.stack.acting import ChangeKind
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions
from hrorch_pipelines.storage.sealed import Seals

_APPROVABLE = frozenset({State.PROPOSED, State.AWAITING_APPROVAL})


def approve(ledger: Ledger, stack: Stack, ids: Iterable[str], by: str) -> int:
    """Agree to actions with what they say now; tells how many. What an action says never changes: another content is another one.

    In mode `apply` what awaited it becomes READY; else the approval is kept. Raises NotAnApproverError, UnknownActionError,
    ActionDecidedError, OwnProposalError.
    """
    if by not in approvers(stack):
        raise NotAnApproverError(by, approvers(stack), "approve actions of handoffs")
    actor, now = Actor("person", by), ledger.clock.now()
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        rows = _rows(con, ids)
        for row in rows:
            _require(row, _APPROVABLE, "approved")
            if row.proposed_by == by:
                raise OwnProposalError(row.action_id, by)
        con.execute(
            sa.update(actions)
            .where(actions.c.action_id.in_([row.action_id for row in rows]))
            .values(approved_by=by, approved_at=now)
        )
        agreed = _rows(con, [row.action_id for row in rows])
        ready = [
            row
            for row in agreed
            if row.state == State.AWAITING_APPROVAL.value and state_by_policy(stack, row)[0] is State.READY
        ]
        moves = [Move(row, State.READY, f"approved by {by}", also={"due_at": now}, actor=actor) for row in ready]
        outbox.move(con, seals, stack.content_hash, moves, now)
        append(con, seals, [_kept(row, actor) for row in agreed if row not in ready], now, stack.content_hash)
    return len(rows)


def reject(ledger: Ledger, stack: Stack, ids: Iterable[str], by: str, reason: str) -> int:
    """Say no to actions that have not been sent; tells how many. Exactly the same is not proposed again.

    Raises ReasonNeededError, NotAnApproverError, UnknownActionError, ActionDecidedError.
    """
    if not reason.strip():
        raise ReasonNeededError("reject an action")
    if by not in approvers(stack):
        raise NotAnApproverError(by, approvers(stack), "reject actions of handoffs")
    now = ledger.clock.now()
    with ledger.write() as con:
        rows = _rows(con, ids)
        for row in rows:
            _require(row, UNSENT, "rejected")
        why = f"rejected by {by}: {reason.strip()}"
        moves = [Move(row, State.REJECTED, why, actor=Actor("person", by)) for row in rows]
        outbox.move(con, Seals(con, ledger.home.key(), now), stack.content_hash, moves, now)
    return len(rows)


def release(ledger: Ledger, stack: Stack, kind: ChangeKind, target: str, by: str, reason: str) -> int:
    """Let what is frozen now of a kind in a target pass its budget; tells how many. What comes later is counted anew.

    Four eyes still hold. Only the segment's owner or the owner's deputy may. Raises ReasonNeededError, NotAnApproverError,
    NothingFrozenError.
    """
    if not reason.strip():
        raise ReasonNeededError("release a frozen segment")
    allowed = owners(stack, kind, target)
    if by not in allowed:
        raise NotAnApproverError(by, allowed, f"release {kind} actions of {target}")
    actor, now = Actor("person", by), ledger.clock.now()
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        frozen = actions.c.state == State.FROZEN.value
        query = sa.select(actions).where(frozen, actions.c.kind == kind, actions.c.target == target)
        rows = con.execute(query).all()
        if not rows:
            raise NothingFrozenError(kind, target)
        detail = {"of": "handoffs", "kind": kind, "count": len(rows), "reason": reason.strip()}
        entry = Entry(Action.BUDGET_RELEASED, actor, system=target, detail=detail)
        append(con, seals, [entry], now, stack.content_hash)
        moves = []
        for row in rows:
            to, _ = state_by_policy(stack, row)
            also: dict[str, Any] = {"released_by": by, "released_at": now}
            if to is State.READY:
                also["due_at"] = now
            moves.append(Move(row, to, f"released by {by}: {reason.strip()}", also=also, actor=actor))
        outbox.move(con, seals, stack.content_hash, moves, now)
        cases.settle(con, seals, stack, cases_of(stack, kind, target), now, f"released by {by}")
    return len(rows)


def owners(stack: Stack, kind: str, target: str) -> list[str]:
    """Who may release a frozen segment: its owners and their deputies."""
    named = [owner_of(stack, segment) for segment in segments(stack, kind, target)]
    deputies = [stack.people[name].deputy for name in named if name in stack.people]
    return list(dict.fromkeys([*named, *(deputy for deputy in deputies if deputy is not None)]))


def _rows(con: sa.Connection, ids: Iterable[str]) -> Sequence[Row]:
    wanted = list(dict.fromkeys(ids))
    found = {row.action_id: row for row in outbox.fetch(con, wanted)}
    for action_id in wanted:
        if action_id not in found:
            raise UnknownActionError(action_id)
    return [found[action_id] for action_id in wanted]


def _require(row: Row, states: frozenset[State], wanted: str) -> None:
    if State(row.state) not in states:
        raise ActionDecidedError(row.action_id, row.state, row.why, wanted)


def _kept(row: Row, actor: Actor) -> Entry:
    return Entry(
        Action.ACTION_STATE,
        actor,
        person_id=row.person_id,
        system=row.target,
        rule=row.rule,
        detail={
            "action_id": row.action_id,
            "handoff": row.handoff,
            "from": row.state,
            "to": row.state,
            "approved": True,
        },
    )
