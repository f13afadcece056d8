"""How many actions may go: the budgets of corrections, over what waits and what was sent. Over one, its whole segment freezes.

Everything unsent is put where it belongs, by mode, doubt, budget and four eyes; what people decide is in `approving`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.clock import local_date
from hrorch_pipelines.corrections.budgets import Item, Load, loads, segments_of
from hrorch_pipelines.corrections.eligible import left_alone
from hrorch_pipelines.corrections.guard import LOOKING_BACK, entities_of, people_in
from hrorch_pipelines.corrections.kinds import kind_of, needs_two
from hrorch_pipelines.corrections.terms import UNSENT, State
from hrorch_pipelines.handoffs import outbox
from hrorch_pipelines.handoffs.frozen import report_frozen
from hrorch_pipelines.handoffs.making import form_of
from hrorch_pipelines.handoffs.outbox import Move, Row
from hrorch_pipelines.stack.handing import Change, Create
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions
from hrorch_pipelines.storage.sealed import Seals

BATCH = 500
DOUBT = "what it rests on is in doubt for now"
WATCHING = "the stack file lets handoffs do nothing (`lifecycle: {handoffs: …}`)"
LEFT_ALONE = "it is on the never-touch list"


@dataclass(frozen=True)
class _Sight:
    """What is known before anything is moved. `held`: step → why its action waits; `over`: segments beyond their bounds."""

    held: Mapping[str, str]
    alone: frozenset[str]
    entities: Mapping[str, str | None]
    over: Sequence[Load]

    def frozen_by(self, stack: Stack, row: Row) -> Load | None:
        own = segments_of(stack, row.kind, row.target, self.entities.get(row.person_id))
        return next((load for load in self.over if load.segment in own), None)


def settle(
    ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, doubtful: frozenset[str], now: datetime
) -> Counter[str]:
    """Put every unsent action where it belongs; running it again changes nothing. Returns how many stand in each state.

    `doubtful`: steps that rest on what is in doubt. Over budget all of a segment is FROZEN, with one case for its owner.
    """
    with ledger.read() as reading:
        rows = _unsent(reading)
        sent = _sent(reading, now - LOOKING_BACK)
    sight = _look(con, stack, rows, sent, doubtful, now)
    # First what must not go any more: at no moment is more ready than the budgets allow.
    for into_ready in (False, True):
        wrong = [row for row in rows if _differs(stack, row, sight, into_ready)]
        for at in range(0, len(wrong), BATCH):
            _move(ledger, stack, wrong[at : at + BATCH], sight, into_ready, now)
    report_frozen(ledger, stack, sight.over if stack.corrections.mode == "apply" else (), now)
    with ledger.read() as reading:
        return Counter(row.state for row in _unsent(reading))


def state_by_policy(stack: Stack, row: Row) -> tuple[State, str]:
    """Where an unsent action stands that is neither in doubt nor over budget, and why."""
    if stack.lifecycle.handoffs != "do":
        return State.PROPOSED, WATCHING
    if stack.corrections.mode == "propose":
        return State.PROPOSED, "the stack file says `mode: propose`"
    if row.approved_by is None and _needs_two(stack, row):
        return State.AWAITING_APPROVAL, "a second person has to agree"
    return State.READY, "within its budgets"


def _needs_two(stack: Stack, row: Row) -> bool:
    """Four eyes: the action's own kind, or an attribute it writes. Making a record is a kind of its own, whatever is in it."""
    form = form_of(stack, row)
    attributes = list(form.with_) if isinstance(form, Create | Change) else []
    types = [(stack.attributes[name].data_type, name) for name in attributes if name in stack.attributes]
    kinds = {row.kind, *(kind_of(stack, name, None) for _, name in types if row.verb == "change")}
    return any(needs_two(stack, kind, "", "") for kind in kinds) or any(needs_two(stack, "", *one) for one in types)


def _look(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    rows: Sequence[Row],
    sent: Sequence[Row],
    doubtful: frozenset[str],
    now: datetime,
) -> _Sight:
    held = {row.step_id: DOUBT for row in rows if row.step_id in doubtful}
    cycle = Cycle("", now, local_date(now, stack.organization.time_zone))
    alone = frozenset(left_alone(con, stack, cycle)) if rows else frozenset()
    entities = entities_of(con, stack) if rows else {}
    unsent = {row.action_id for row in rows}
    waiting = [
        row for row in rows if row.released_at is None and row.step_id not in held and row.person_id not in alone
    ]
    items = [Item(row.action_id, row.kind, row.target, entities.get(row.person_id)) for row in waiting]
    items += [
        Item(row.action_id, row.kind, row.target, entities.get(row.person_id), sent=True)
        for row in sent
        if row.action_id not in unsent
    ]
    over = [load for load in loads(stack, items, _people(con, stack)) if load.over] if waiting else []
    return _Sight(held, alone, entities, over)


def _people(con: duckdb.DuckDBPyConnection, stack: Stack) -> dict[tuple[str, str], int]:
    """(target, entity or "") → persons. Of an outlet: everybody, since anybody may be written to."""
    found = people_in(con, stack)
    everybody = int(con.execute("SELECT count(*) FROM golden.wide").fetchall()[0][0])
    return found | {(outlet, ""): everybody for outlet in stack.outlets}


def _belongs(stack: Stack, row: Row, sight: _Sight) -> tuple[State, str]:
    if row.step_id in sight.held:
        return State.PROPOSED, sight.held[row.step_id]
    if row.person_id in sight.alone:
        return State.PROPOSED, LEFT_ALONE
    state, why = state_by_policy(stack, row)
    load = sight.frozen_by(stack, row)
    if load is not None and row.released_at is None and state is not State.PROPOSED:
        return State.FROZEN, (
            f"{load.waiting} of the kind {load.segment.kind} wait for {load.segment.target} and {load.sent} were sent within a "
            f"day; {load.limit} are allowed"
        )
    return state, why


def _differs(stack: Stack, row: Row, sight: _Sight, into_ready: bool) -> bool:
    to, _ = _belongs(stack, row, sight)
    return to.value != row.state and (to is State.READY) == into_ready


def _move(ledger: Ledger, stack: Stack, wrong: Sequence[Row], sight: _Sight, into_ready: bool, now: datetime) -> None:
    with ledger.write() as con:
        moves = []
        for row in sorted(outbox.fetch(con, [row.action_id for row in wrong]), key=lambda row: str(row.action_id)):
            if State(row.state) in UNSENT and _differs(stack, row, sight, into_ready):
                to, why = _belongs(stack, row, sight)
                also: dict[str, Any] = {"due_at": now} if to is State.READY else {}
                moves.append(Move(row, to, why, also=also))
        outbox.move(con, Seals(con, ledger.home.key(), now), stack.content_hash, moves, now)


def _unsent(con: sa.Connection) -> list[Row]:
    states = [state.value for state in UNSENT]
    query = sa.select(actions).where(actions.c.state.in_(states))
    return list(con.execute(query.order_by(actions.c.proposed_at, actions.c.action_id)).all())


def _sent(con: sa.Connection, since: datetime) -> list[Row]:
    """On its way, or sent since; what an owner let pass is counted no more."""
    a = actions.c
    under_way = a.state.in_([State.SENDING.value, State.SENT.value])
    lately = sa.and_(a.sent_at.is_not(None), a.sent_at >= since)
    return list(con.execute(sa.select(actions).where(a.released_at.is_(None), sa.or_(under_way, lately))).all())
