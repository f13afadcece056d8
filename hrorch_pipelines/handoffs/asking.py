"""Cases of handoffs: what only a person may do, what is late, what has to be taken back by hand. No text holds a value."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from hrorch_pipelines.exceptions.finding import Finding, case_id
from hrorch_pipelines.handoffs.terms import StepState
from hrorch_pipelines.stack.handing import Ask, Handoff
from hrorch_pipelines.stack.models import Stack

SOURCE: Final = "handoff"


def question(handoff: Handoff, name: str, ask: Ask, row: Any) -> Finding:
    """What only a person may do. `row`: the step (step_id, person_id, true_from)."""
    return _finding(name, row, ask.ask, ask.action, handoff.owner)


def by_hand(handoff: Handoff, name: str, row: Any, ask: Ask | None = None) -> Finding:
    """What was done is to be taken back, and nothing says how: somebody has to. `ask`: `compensate.then`, where it asks."""
    what = ask.ask if ask else f"What the handoff `{name}` brought about is to be taken back; nobody but you can do it."
    action = ask.action if ask else "Take it back where it was done, then resolve this case."
    return _finding(f"undo:{name}", row, what, action, handoff.owner)


def stalled(handoff: Handoff, name: str, row: sa.Row[Any]) -> Finding:
    """It had to happen by now. Parked: whoever can bring the missing about is told; else the handoff's owner."""
    late = f"The handoff `{name}` should have happened by {row.due_at:%Y-%m-%d %H:%M} UTC"
    if row.state == StepState.PARKED.value:
        what, reviewer = f"{late}; missing: {row.missing}.", row.missing_owner or handoff.owner
        action = f"Bring it about ({row.missing}); the handoff then goes on by itself."
    elif row.state == StepState.COMPENSATING.value:
        what, reviewer = f"What the handoff `{name}` brought about is still not taken back.", handoff.owner
        action = f"See what keeps it (`hrorch handoffs show {row.step_id}`), or take it back by hand."
    else:
        what, reviewer = f"{late} and has not.", handoff.owner
        action = f"See what keeps it (`hrorch handoffs show {row.step_id}`), or do it by hand; that is seen."
    detail = {"state": row.state, "missing": row.missing if row.state == StepState.PARKED.value else None}
    return _finding(f"stalled:{name}", row, what, action, reviewer, detail)


def unevaluable(handoff: Handoff, name: str, code: str, now: datetime) -> Finding:
    """Its SQL fails on what is there: nothing of it is done for anybody until it is put right."""
    return Finding(
        source=SOURCE,
        rule=f"unevaluated:{name}",
        what=f"The handoff `{name}` cannot be evaluated ({code}); none of its steps is looked at.",
        action=f"Put `handoffs.{name}` right in the stack file: some of its SQL fails on a value that is there now.",
        reviewer=handoff.owner,
        subject=name,
        occurred_at=now,
        reference=name,
        cause=code,
    )


def stalled_case(name: str, step_id: str) -> str:
    """The id of the case about a step's delay."""
    return _case_id(f"stalled:{name}", step_id)


def unevaluable_case(name: str) -> str:
    """The id of the case about a handoff that cannot be evaluated."""
    return _case_id(f"unevaluated:{name}", name)


def label_of(stack: Stack, place: str) -> str:
    """A system or an outlet as people call it."""
    system = stack.systems.get(place)
    return (system.label or place) if system else place


def _finding(
    rule: str,
    row: Any,
    what: str,
    action: str,
    reviewer: str,
    detail: dict[str, str | int | float | bool | None] | None = None,
) -> Finding:
    # No system: the case stays the same when the stack file sends the step elsewhere.
    return Finding(
        source=SOURCE,
        rule=rule,
        what=what,
        action=action,
        person_id=row.person_id,
        subject=row.step_id,
        reviewer=reviewer,
        occurred_at=row.true_from,
        reference=row.step_id,
        detail=detail or {},
    )


def _case_id(rule: str, subject: str) -> str:
    return case_id(Finding(source=SOURCE, rule=rule, what="", action="", subject=subject))
