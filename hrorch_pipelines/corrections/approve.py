"""What people decide about corrections: approve, reject, release a frozen segment. Each decision is in the audit log.

Everything asked for at once is done, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.budgets import Segment, owner_of
from hrorch_pipelines.corrections.errors import (
    AmbiguousCorrectionError,
    NotAnApproverError,
    NothingFrozenError,
    NotUndecidedError,
    OwnProposalError,
    ReasonNeededError,
    UnknownCorrectionError,
)
from hrorch_pipelines.corrections.frozen import cases_of
from hrorch_pipelines.corrections.outbox import Move, fetch, move
from hrorch_pipelines.corrections.standing import seen, state_by_policy
from hrorch_pipelines.corrections.terms import UNSENT, State
from hrorch_pipelines.stack.acting import ChangeKind
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import Seals

Row = sa.Row[Any]
SHORTEST_ID = 8
"""Characters of an id below which its beginning does not stand for it: a decision is about exactly one change."""
WHOLE_ID = 32
_APPROVABLE = frozenset({State.PROPOSED, State.AWAITING_APPROVAL})


def approvers(stack: Stack) -> list[str]:
    """Who may approve and reject: `corrections.approvers`, else all of `people`."""
    return list(stack.corrections.approvers) or list(stack.people)


def approve(ledger: Ledger, stack: Stack, ids: Iterable[str], by: str) -> int:
    """Agree to corrections with the before-values they have now; tells how many.

    In mode `apply` what awaited it becomes READY; in mode `propose`, and for what is held back, the approval is kept.
    An id may be given by its beginning. Raises NotAnApproverError, UnknownCorrectionError, AmbiguousCorrectionError,
    NotUndecidedError, OwnProposalError.
    """
    if by not in approvers(stack):
        raise NotAnApproverError(by, approvers(stack), "approve corrections")
    actor, now = Actor("person", by), ledger.clock.now()
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        rows = _rows(con, ids)
        for row in rows:
            _require(row, _APPROVABLE, "approved")
            if row.proposed_by == by:
                raise OwnProposalError(row.correction_id, by)
        waiting = [row for row in rows if row.state == State.AWAITING_APPROVAL.value]
        ready = [row for row in waiting if state_by_policy(stack, row, approved=True) is State.READY]
        move(con, seals, stack.content_hash, [_approval(row, by, actor, now) for row in ready], now)
        kept = [row for row in rows if row not in ready]
        for row in kept:
            con.execute(
                sa.update(corrections)
                .where(corrections.c.correction_id == row.correction_id)
                .values(approved_by=by, approved_at=now, approved_mark=seen(row))
            )
        append(con, seals, [_kept(row, actor) for row in kept], now, stack.content_hash)
    return len(rows)


def reject(ledger: Ledger, stack: Stack, ids: Iterable[str], by: str, reason: str) -> int:
    """Say no to corrections that have not been sent; tells how many. Exactly the same change is not proposed again.

    Raises ReasonNeededError, NotAnApproverError, UnknownCorrectionError, AmbiguousCorrectionError, NotUndecidedError.
    """
    if not reason.strip():
        raise ReasonNeededError("reject a correction")
    if by not in approvers(stack):
        raise NotAnApproverError(by, approvers(stack), "reject corrections")
    now = ledger.clock.now()
    with ledger.write() as con:
        rows = _rows(con, ids)
        for row in rows:
            _require(row, UNSENT, "rejected")
        why = f"rejected by {by}: {reason.strip()}"
        moves = [Move(row, State.REJECTED, why, actor=Actor("person", by)) for row in rows]
        move(con, Seals(con, ledger.home.key(), now), stack.content_hash, moves, now)
    return len(rows)


def release(ledger: Ledger, stack: Stack, kind: ChangeKind, target: str, by: str, reason: str) -> int:
    """Let what is frozen now of a kind in a target pass its budget; tells how many. What comes later is counted anew.

    Four eyes still hold. Only the segment's owner (of the budget, else of the target) or the owner's deputy may.
    Raises ReasonNeededError, NotAnApproverError, NothingFrozenError.
    """
    from hrorch_pipelines.exceptions import cases

    if not reason.strip():
        raise ReasonNeededError("release a frozen segment")
    allowed = owners(stack, kind, target)
    if by not in allowed:
        raise NotAnApproverError(by, allowed, f"release {kind} changes of {target}")
    actor, now = Actor("person", by), ledger.clock.now()
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        rows = con.execute(
            sa.select(corrections).where(
                corrections.c.state == State.FROZEN.value, corrections.c.kind == kind, corrections.c.target == target
            )
        ).all()
        if not rows:
            raise NothingFrozenError(kind, target)
        entry = Entry(
            Action.BUDGET_RELEASED,
            actor,
            system=target,
            detail={"kind": kind, "count": len(rows), "reason": reason.strip()},
        )
        append(con, seals, [entry], now, stack.content_hash)
        moves = []
        for row in rows:
            to = state_by_policy(stack, row)
            also: dict[str, Any] = {"released_by": by, "released_at": now}
            if to is State.READY:
                also["due_at"] = now
            moves.append(Move(row, to, f"released by {by}: {reason.strip()}", also=also, actor=actor))
        move(con, seals, stack.content_hash, moves, now)
        cases.settle(con, seals, stack, cases_of(stack, kind, target), now, f"released by {by}")
    return len(rows)


def owners(stack: Stack, kind: str, target: str) -> list[str]:
    """Who may release a frozen segment: its owners and their deputies."""
    entities = {"", *(b.entity for b in stack.corrections.budgets if b.kind == kind and b.entity is not None)}
    named = [owner_of(stack, Segment(kind, target, entity)) for entity in sorted(entities)]
    deputies = [stack.people[name].deputy for name in named if name in stack.people]
    return list(dict.fromkeys([*named, *(deputy for deputy in deputies if deputy is not None)]))


def _rows(con: sa.Connection, ids: Iterable[str]) -> Sequence[Row]:
    wanted = list(dict.fromkeys(_whole(con, one) for one in dict.fromkeys(ids)))
    found = {row.correction_id: row for row in fetch(con, wanted)}
    for correction_id in wanted:
        if correction_id not in found:
            raise UnknownCorrectionError(correction_id)
    return [found[correction_id] for correction_id in wanted]


def _whole(con: sa.Connection, given: str) -> str:
    """The id that begins like this, where exactly one does and enough of it is given; else what was given."""
    if not SHORTEST_ID <= len(given) < WHOLE_ID:
        return given
    c = corrections.c.correction_id
    found = con.execute(sa.select(c).where(c.startswith(given, autoescape=True)).limit(2)).scalars().all()
    if len(found) > 1 and given not in found:
        count = con.execute(sa.select(sa.func.count()).where(c.startswith(given, autoescape=True))).scalar_one()
        raise AmbiguousCorrectionError(given, count)
    return found[0] if len(found) == 1 else given


def _require(row: Row, states: frozenset[State], wanted: str) -> None:
    if State(row.state) not in states:
        raise NotUndecidedError(row.correction_id, State(row.state), row.why, row.state_at, wanted)


def _approval(row: Row, by: str, actor: Actor, now: Any) -> Move:
    also = {"approved_by": by, "approved_at": now, "approved_mark": seen(row), "due_at": now}
    return Move(row, State.READY, f"approved by {by}", also=also, actor=actor, action=Action.CORRECTION_APPROVED)


def _kept(row: Row, actor: Actor) -> Entry:
    return Entry(
        Action.CORRECTION_APPROVED,
        actor,
        person_id=row.person_id,
        system=row.target,
        record=row.record,
        source_id=row.source_id,
        attribute=row.attribute,
        rule=row.rule,
        snapshot_id=row.target_snapshot_id,
        case_id=row.case_id,
        correction_id=row.correction_id,
        detail={"from": row.state, "to": row.state},
    )
