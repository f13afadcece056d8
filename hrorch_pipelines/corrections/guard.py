"""Guard: the whole plan is looked at before the first write. Over budget, a segment freezes; what is in doubt is held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.corrections.budgets import Item, Load, loads, segments_of
from hrorch_pipelines.corrections.eligible import left_alone
from hrorch_pipelines.corrections.frozen import report_frozen
from hrorch_pipelines.corrections.outbox import Move, fetch, move
from hrorch_pipelines.corrections.standing import state_by_policy
from hrorch_pipelines.corrections.terms import UNSENT, WAITING, WORDS, Refusal, State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import engine_errors
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.sql import ident

BATCH = 1000
LOOKING_BACK = timedelta(days=1)
"""What was sent in this time counts against the budgets: else a mistake would drip through, one cycle's portion at a time."""

Row = sa.Row[Any]


@dataclass(frozen=True)
class GuardResult:
    """Where all unsent corrections stand now; `held` are `proposed` because something is in doubt. `over`: segments beyond
    their bounds (in mode `propose` they are told, not frozen)."""

    ready: int
    awaiting_approval: int
    frozen: int
    proposed: int
    held: int
    over: tuple[Load, ...]


@dataclass(frozen=True)
class _Sight:
    """What is known before anything is moved. `held`: correction → why; `entities`: person → legal entity."""

    held: Mapping[str, str]
    entities: Mapping[str, str | None]
    over: tuple[Load, ...]
    all: tuple[Load, ...]

    def frozen_by(self, stack: Stack, row: Row) -> Load | None:
        own = segments_of(stack, row.kind, row.target, self.entities.get(row.person_id))
        return next((load for load in self.over if load.segment in own), None)


def guard(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> GuardResult:
    """Put every unsent correction where it belongs; run after `plan`, before any push. Running it again changes nothing.

    A correction becomes READY only if no budget is exceeded by all that wait together with all that was sent within a day;
    four eyes keep it AWAITING_APPROVAL. Over budget all of the segment is FROZEN, with one case for its owner; it thaws by
    itself when it fits again, or by `approve.release`, after which it no longer counts.
    """
    now = ledger.clock.now()
    with ledger.read() as reading:
        rows = _unsent(reading)
        sent = _sent(reading, now - LOOKING_BACK)
    with engine_errors("corrections"):
        sight = _look(con, stack, cycle, rows, sent)
    # First what must not go any more: at no moment is more ready than the budgets allow.
    for into_ready in (False, True):
        _settle(ledger, stack, rows, sight, into_ready=into_ready)
    _retell(ledger, stack, rows, sight)
    report_frozen(ledger, stack, sight.over if stack.corrections.mode == "apply" else ())
    with ledger.read() as reading:
        states = Counter(row.state for row in _unsent(reading))
    return GuardResult(
        states[State.READY.value],
        states[State.AWAITING_APPROVAL.value],
        states[State.FROZEN.value],
        states[State.PROPOSED.value],
        len(sight.held),
        sight.over,
    )


def _unsent(con: sa.Connection) -> list[Row]:
    return list(
        con.execute(
            sa.select(corrections)
            .where(corrections.c.state.in_([state.value for state in UNSENT]))
            .order_by(corrections.c.proposed_at, corrections.c.correction_id)
        ).all()
    )


def _sent(con: sa.Connection, since: datetime) -> list[Row]:
    """On its way, or sent since; what an owner let pass is counted no more."""
    c = corrections.c
    under_way = c.state.in_([State.SENDING.value, State.SENT.value])
    return list(
        con.execute(
            sa.select(corrections).where(
                c.released_at.is_(None), sa.or_(under_way, sa.and_(c.sent_at.is_not(None), c.sent_at >= since))
            )
        ).all()
    )


def _look(
    con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, rows: Sequence[Row], sent: Sequence[Row]
) -> _Sight:
    held = _held(con, stack, cycle, rows)
    entities = entities_of(con, stack)
    waiting = [row for row in rows if row.released_at is None and row.correction_id not in held]
    unsent = {row.correction_id for row in rows}
    items = [Item(row.correction_id, row.kind, row.target, entities.get(row.person_id)) for row in waiting]
    # What came back to READY after a send that surely did not happen is waiting, and not counted twice.
    items += [
        Item(row.correction_id, row.kind, row.target, entities.get(row.person_id), sent=True)
        for row in sent
        if row.correction_id not in unsent
    ]
    found = tuple(loads(stack, items, people_in(con, stack)))
    return _Sight(held, entities, tuple(load for load in found if load.over), found)


def _held(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, rows: Sequence[Row]) -> dict[str, str]:
    """Corrections that must wait: their discrepancy is in doubt for now, or a person asked for what is never touched."""
    reasons: dict[str, str] = {}
    if has_table(con, "corrections", "refused"):
        reasons = dict(con.execute("SELECT discrepancy_id, reason FROM corrections.refused").fetchall())
    touch = stack.corrections.never_touch
    alone = left_alone(con, stack, cycle)
    held = {}
    for row in rows:
        reason = reasons.get(row.discrepancy_id) if row.discrepancy_id else None
        if reason in {doubt.value for doubt in WAITING}:
            held[row.correction_id] = WORDS[Refusal(reason)]
        elif (
            row.attribute in touch.attributes
            or row.target in touch.systems
            or f"{row.target}:{row.source_id}" in touch.records
            or row.person_id in alone
        ):
            held[row.correction_id] = WORDS[Refusal.NEVER_TOUCH]
    return held


def entities_of(con: duckdb.DuckDBPyConnection, stack: Stack) -> dict[str, str | None]:
    """Person → legal entity, where budgets speak of one."""
    attribute = stack.exceptions.entity
    if attribute is None or not any(budget.entity is not None for budget in stack.corrections.budgets):
        return {}
    return dict(con.execute(f"SELECT person_id, CAST({ident(attribute)} AS VARCHAR) FROM golden.wide").fetchall())


def people_in(con: duckdb.DuckDBPyConnection, stack: Stack) -> dict[tuple[str, str], int]:
    """(target, entity or "") → persons with a record there."""
    attribute = stack.exceptions.entity
    found: dict[tuple[str, str], int] = {}
    for target in stack.systems:
        if not has_table(con, "cells", target):
            continue
        rows = con.execute(f"SELECT '', count(*) FROM {ident('cells', target)}").fetchall()
        if attribute is not None and has_table(con, "golden", "wide"):
            rows += con.execute(
                f"""SELECT CAST(g.{ident(attribute)} AS VARCHAR), count(*) FROM {ident("cells", target)} JOIN golden.wide g
                    USING (person_id) WHERE g.{ident(attribute)} IS NOT NULL GROUP BY 1"""
            ).fetchall()
        found.update({(target, entity): int(count) for entity, count in rows})
    return found


def _settle(ledger: Ledger, stack: Stack, rows: Sequence[Row], sight: _Sight, *, into_ready: bool) -> None:
    """Move what stands elsewhere than it should: into READY, or anywhere else."""
    wrong = [row for row in rows if _differs(stack, row, sight, into_ready)]
    for at in range(0, len(wrong), BATCH):
        now = ledger.clock.now()
        with ledger.write() as con:
            moves = []
            for row in fetch(con, [row.correction_id for row in wrong[at : at + BATCH]]):
                if State(row.state) in UNSENT and _differs(stack, row, sight, into_ready):
                    to, why = _belongs(stack, row, sight)
                    also: dict[str, Any] = {"due_at": now} if to is State.READY else {}
                    moves.append(Move(row, to, why, also=also))
            move(con, Seals(con, ledger.home.key(), now), stack.content_hash, moves, now)


def _retell(ledger: Ledger, stack: Stack, rows: Sequence[Row], sight: _Sight) -> None:
    """Say why it stays where it is; no state changes, so nothing is logged."""
    told = []
    for row in rows:
        to, why = _belongs(stack, row, sight)
        if to.value == row.state and to is not State.READY and why != row.why:
            told.append({"b_id": row.correction_id, "b_state": row.state, "b_why": why})
    for at in range(0, len(told), BATCH):
        with ledger.write() as con:
            con.execute(
                sa.update(corrections)
                .where(
                    corrections.c.correction_id == sa.bindparam("b_id"), corrections.c.state == sa.bindparam("b_state")
                )
                .values(why=sa.bindparam("b_why")),
                told[at : at + BATCH],
            )


def _differs(stack: Stack, row: Row, sight: _Sight, into_ready: bool) -> bool:
    to, _ = _belongs(stack, row, sight)
    return to.value != row.state and (to is State.READY) == into_ready


def _belongs(stack: Stack, row: Row, sight: _Sight) -> tuple[State, str]:
    if row.correction_id in sight.held:
        return State.PROPOSED, sight.held[row.correction_id]
    load = sight.frozen_by(stack, row)
    if load is not None and row.released_at is None and stack.corrections.mode == "apply":
        return State.FROZEN, (
            f"{load.waiting} {load.segment.kind} changes wait for {load.segment.target} and {load.sent} were sent within a day; "
            f"{load.limit} are allowed"
        )
    state = state_by_policy(stack, row)
    why = {
        State.PROPOSED: "the stack file says `mode: propose`",
        State.AWAITING_APPROVAL: "a second person has to agree",
        State.READY: "within its budgets",
    }
    return state, why[state]
