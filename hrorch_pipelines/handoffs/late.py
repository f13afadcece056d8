"""Steps that are late: whoever can bring them on is told, once. And steps whose handoff is declared no more: given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.corrections.queue import Move
from hrorch_pipelines.corrections.terms import UNSENT, State
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.exceptions.terms import LIVE
from hrorch_pipelines.handoffs import asking, outbox
from hrorch_pipelines.handoffs.steps import StepMove, move, settle_stalled
from hrorch_pipelines.handoffs.terms import OPEN, StepState
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, steps
from hrorch_pipelines.storage.ledger_tables import cases as case_rows
from hrorch_pipelines.storage.sealed import Seals

BATCH = 500


def report(ledger: Ledger, stack: Stack, now: datetime) -> int:
    """Tell of open steps past their `due_at`; returns how many were not late before. One that waits for a person has its case
    already, which is due by itself: it is marked late and nobody is asked twice."""
    newly = 0
    while True:
        with ledger.read() as con:
            ids = con.execute(_late(stack, now)).scalars().all()
        if not ids:
            return newly
        with ledger.write() as con:
            seals = Seals(con, ledger.home.key(), now)
            rows = con.execute(
                sa.select(steps).where(steps.c.step_id.in_(ids), steps.c.stalled_at.is_(None), steps.c.state.in_(_OPEN))
            ).all()
            findings = [
                asking.stalled(stack.handoffs[row.handoff], row.handoff, row)
                for row in rows
                if row.state != StepState.ASKED.value
            ]
            cases.report(con, seals, stack, findings, now)
            con.execute(
                sa.update(steps).where(steps.c.step_id.in_([row.step_id for row in rows])).values(stalled_at=now)
            )
        newly += len(rows)


def drop_undeclared(ledger: Ledger, stack: Stack, now: datetime) -> int:
    """Give up the open steps of handoffs that the stack file does not declare any more; what is under way ends first."""
    states = [state.value for state in (StepState.PARKED, StepState.DUE, StepState.ASKED)]
    flying = sa.select(actions.c.step_id).where(actions.c.state.in_([State.SENDING.value, State.SENT.value]))
    query = sa.select(steps).where(
        steps.c.state.in_(states), steps.c.handoff.not_in(list(stack.handoffs)), steps.c.step_id.not_in(flying)
    )
    with ledger.read() as con:
        if con.execute(query.limit(1)).first() is None:
            return 0
    why = "the stack file does not declare this handoff any more"
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        rows = con.execute(query).all()
        dropped = {row.step_id for row in rows}
        unsent = con.execute(sa.select(actions).where(actions.c.state.in_([state.value for state in UNSENT]))).all()
        withdrawn = [Move(one, State.WITHDRAWN, why) for one in unsent if one.step_id in dropped]
        outbox.move(con, seals, stack.content_hash, withdrawn, now)
        moves = [StepMove(row, StepState.DROPPED, why, {"stalled_at": None}) for row in rows]
        move(con, seals, stack.content_hash, moves, now)
        settle_stalled(con, seals, stack, rows, now, why)
        cases.settle(con, seals, stack, [row.case_id for row in rows if row.case_id is not None], now, why)
    return len(rows)


def settle_cases(ledger: Ledger, stack: Stack, case_ids: Sequence[str], now: datetime, why: str) -> None:
    """Close cases, where they are open. Costs a look only, where none is."""
    live = [state.value for state in LIVE]
    with ledger.read() as con:
        found = con.execute(
            sa.select(case_rows.c.case_id).where(case_rows.c.case_id.in_(list(case_ids)), case_rows.c.state.in_(live))
        ).scalars()
        open_ = list(found)
    if open_:
        with ledger.write() as con:
            cases.settle(con, Seals(con, ledger.home.key(), now), stack, open_, now, why)


_OPEN = [state.value for state in OPEN]


def _late(stack: Stack, now: datetime) -> sa.Select[tuple[str]]:
    return (
        sa.select(steps.c.step_id)
        .where(
            steps.c.state.in_(_OPEN),
            steps.c.due_at < now,
            steps.c.stalled_at.is_(None),
            steps.c.handoff.in_(list(stack.handoffs)),
        )
        .order_by(steps.c.due_at, steps.c.step_id)
        .limit(BATCH)
    )
