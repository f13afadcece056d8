"""How an action ends: confirmed brings its step on and settles its cases; conflicted, diverged and failed raise one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.queue import Move, Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.handoffs import outbox, steps
from hrorch_pipelines.handoffs.asking import SOURCE, label_of
from hrorch_pipelines.handoffs.targets import owner_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import actions
from hrorch_pipelines.storage.sealed import ErasedError, Seals

_TO_DO = {
    State.CONFLICTED: "Look in the target whose record it is and bring it into the state the handoff wants, or join or part the "
    "records there. The step is done as soon as that shows.",
    State.DIVERGED: "See in the target why it was taken and is not there: a rule, a missing right, a second system that writes it.",
    State.FAILED: "Read what the target objected to; mend it at its source or in the stack file, or do it by hand.",
}
_DEED = {
    "create": "making the record",
    "change": "changing the record",
    "mail": "sending the letter",
    "invite": "putting the event into the calendar",
    "cancel": "taking the event out of the calendar",
}


@dataclass(frozen=True)
class End:
    """One action's end. `also`: other columns set with it."""

    row: Row
    to: State
    why: str
    fault: str | None = None
    also: dict[str, Any] = field(default_factory=dict, repr=False)
    filled: Mapping[str, str] = field(default_factory=dict, repr=False)


def finish(con: sa.Connection, seals: Seals, stack: Stack, ends: Sequence[End], now: datetime) -> None:
    """Write ends down: the states with their audit entries, the steps they bring on, the cases raised and settled."""
    if not ends:
        return
    bad = {one.row.action_id: finding(stack, one) for one in ends if one.to in _TO_DO}
    told = {action_id: cases.case_id(found) for action_id, found in bad.items()}
    moves = [
        Move(one.row, one.to, one.why, one.fault, _columns(one, told.get(one.row.action_id), now) | _filled(one, seals))
        for one in ends
    ]
    outbox.move(con, seals, stack.content_hash, moves, now)
    if bad:
        cases.report(con, seals, stack, bad.values(), now)
    confirmed = [one.row.action_id for one in ends if one.to is State.CONFIRMED]
    for row in sorted(outbox.fetch(con, confirmed), key=lambda row: confirmed.index(row.action_id)):
        steps.finished(con, seals, stack, row, now)
    good = sorted(set(raised(con, [one.row.step_id for one in ends if one.to is State.CONFIRMED])))
    if good:
        cases.settle(con, seals, stack, good, now, "it has happened")


def raised(con: sa.Connection, step_ids: Iterable[str]) -> list[str]:
    """The cases that actions of these steps raised, for whoever finds that it has happened or is no longer to."""
    found = con.execute(
        sa.select(actions.c.case_id).where(actions.c.step_id.in_(list(step_ids)), actions.c.case_id.is_not(None))
    )
    return [str(case_id) for case_id in found.scalars()]


def finding(stack: Stack, end: End) -> cases.Finding:
    """The case of an action that did not end well; no values. One per step, however often it fails."""
    row = end.row
    handoff = stack.handoffs.get(row.handoff)
    deed = _DEED[row.verb]
    return cases.Finding(
        source=SOURCE,
        rule=f"action:{row.handoff}",
        what=f"{label_of(stack, row.target)}: {row.handoff}: {deed} {end.why}.",
        action=_TO_DO[end.to],
        system=row.target,
        record=row.record,
        source_id=row.source_id,
        person_id=row.person_id,
        cause=end.fault,
        occurred_at=row.proposed_at,
        reference=row.action_id,
        detail={"attempts": row.attempts, "fault": end.fault, "state": end.to.value, "step_id": row.step_id},
        reviewer=handoff.owner if handoff else owner_of(stack, row.target),
        subject=row.step_id,
    )


def _filled(end: End, seals: Seals) -> dict[str, Any]:
    """What the target put into a new record by itself is kept with what we said: it came with our making, by no hand (M1)."""
    try:
        said = seals.open(end.row.person_id, end.row.content_sealed) if end.filled else None
    except ErasedError:
        said = None
    if said is None:
        return {}
    text = json.dumps({**json.loads(said), "filled": dict(end.filled)}, sort_keys=True, ensure_ascii=False)
    return {"content_sealed": seals.seal(end.row.person_id, text)}


def _columns(end: End, case_id: str | None, now: datetime) -> dict[str, Any]:
    if end.to is State.CONFIRMED:
        acknowledged = {} if end.row.acknowledged_at or not end.row.sent_at else {"acknowledged_at": now}
        return {"seen_at": now, "confirmed_at": now, **acknowledged, **end.also}
    return {"case_id": case_id, **end.also} if case_id else end.also
