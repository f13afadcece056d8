"""How a case goes on without anybody's doing, and what every change of one shares: batches, the chain's turn, its entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.exceptions.calendar import add_working
from hrorch_pipelines.exceptions.terms import CaseState, Resolution
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.sealed import Seals

T = TypeVar("T")

BATCH = 500
"""Cases per statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""


def open_again(con: sa.Connection, seals: Seals, stack: Stack, case_ids: Iterable[str], now: datetime, why: str) -> int:
    """Open waived and awaiting cases again, without anybody's doing; others are passed over. Returns how many."""
    in_turn(con, seals, stack, now)
    opened = 0
    for batch in batches(case_ids):
        rows = con.execute(
            sa.select(cases)
            .where(
                cases.c.case_id.in_(batch),
                cases.c.state.in_([CaseState.WAIVED.value, CaseState.AWAITING_CONFIRMATION.value]),
            )
            .with_for_update()
        ).all()
        for row in rows:
            changes = reopening(row, stack, now)
            con.execute(sa.update(cases).where(cases.c.case_id == row.case_id).values(**changes))
        log.append(con, seals, [state_entry(row, CaseState.OPEN, why) for row in rows], now, stack.content_hash)
        opened += len(rows)
    return opened


def await_landing(
    con: sa.Connection, seals: Seals, stack: Stack, case_ids: Iterable[str], now: datetime, why: str
) -> int:
    """The source is right again and a copy is not yet: nobody has to act, and it is not over. Returns how many."""
    in_turn(con, seals, stack, now)
    waiting = (CaseState.OPEN.value, CaseState.ACKNOWLEDGED.value, CaseState.IN_PROGRESS.value)
    moved = 0
    for batch in batches(case_ids):
        rows = con.execute(
            sa.select(cases).where(cases.c.case_id.in_(batch), cases.c.state.in_(waiting)).with_for_update()
        ).all()
        ids = [row.case_id for row in rows]
        con.execute(
            sa.update(cases)
            .where(cases.c.case_id.in_(ids))
            .values(
                state=CaseState.AWAITING_CONFIRMATION.value,
                resolved_at=now,
                resolution=sa.func.coalesce(cases.c.resolution, Resolution.BY_ITSELF.value),
            )
        )
        entries = [state_entry(row, CaseState.AWAITING_CONFIRMATION, why) for row in rows]
        log.append(con, seals, entries, now, stack.content_hash)
        moved += len(rows)
    return moved


def in_turn(con: sa.Connection, seals: Seals, stack: Stack, now: datetime) -> None:
    """Take the chain's turn before the first case is looked at.

    Two writers who each held a case and waited for the other's turn at the chain would wait for ever (PostgreSQL ends one of
    them). Whoever changes cases takes the chain's lock first; it is free to whoever has it already.
    """
    log.append(con, seals, (), now, stack.content_hash)


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Lists of at most `size`, read one at a time."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def reopening(row: sa.Row[Any], stack: Stack, now: datetime) -> dict[str, Any]:
    """What changes in a case that is opened again: time to solve it begins anew, the clock of M4 does not."""
    moment = max(now, row.detected_at)
    return {
        "state": CaseState.OPEN.value,
        "reopened": row.reopened + 1,
        "resolved_at": None,
        "confirmed_at": None,
        "waived_until": None,
        "resolution": None,
        "escalated_at": None,
        "due_at": add_working(moment, stack.exceptions.due, stack.organization),
        "last_seen_at": moment,
    }


def state_entry(row: sa.Row[Any], to: CaseState, why: str, actor: Actor = SERVICE) -> Entry:
    """The audit entry of a case that goes from one state to another, by itself or for a reason of the actor's."""
    return entry_of(row, Action.CASE_STATE, actor, {"from": row.state, "to": to.value, "why": why})


def entry_of(row: sa.Row[Any], action: Action, actor: Actor, detail: Mapping[str, Any]) -> Entry:
    """An audit entry about a case; details that are None are left out."""
    return Entry(
        action,
        actor,
        person_id=row.person_id,
        system=row.system,
        record=row.record,
        source_id=row.source_id,
        attribute=row.attribute,
        rule=row.rule,
        case_id=row.case_id,
        detail={key: value for key, value in detail.items() if value is not None},
    )
