"""How a correction ends: confirmed settles the cases about its value; conflicted, diverged and failed raise one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.outbox import Move, Row, move
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.exceptions.terms import LIVE
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import cases as case_rows
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.systems.writing.protocol import Held

_ACTIONS = {
    State.CONFLICTED: "Find out who changed it and which value is right; accept the authority's value to have it sent again.",
    State.DIVERGED: "See in the target why the change was taken and not kept: a rule there, a missing right, or a lost file.",
    State.FAILED: "Read what the target objected to, mend that there or in the authority, or override this copy.",
}


@dataclass(frozen=True)
class End:
    """One correction's end. `held`: what the target showed, when it was read; `also`: other columns set with it."""

    row: Row
    to: State
    why: str
    fault: str | None = None
    held: Held | None = field(default=None, repr=False)
    also: dict[str, Any] = field(default_factory=dict, repr=False)


def finish(
    con: sa.Connection, seals: Seals, stack: Stack, ends: Sequence[End], now: datetime, stack_hash: str | None = None
) -> None:
    """Write ends down: the states with their audit entries, the cases raised and settled. One ledger transaction."""
    if not ends:
        return
    moves = [Move(one.row, one.to, one.why, one.fault, _columns(one, now)) for one in ends]
    move(con, seals, stack_hash or stack.content_hash, moves, now)
    bad = [finding(stack, seals, one, now) for one in ends if one.to in _ACTIONS]
    if bad:
        cases.report(con, seals, stack, bad, now)
    good = sorted(set(_settled(con, [one.row for one in ends if one.to is State.CONFIRMED])))
    if good:
        cases.settle(con, seals, stack, good, now, "the target, read again, shows the value")


def finding(stack: Stack, seals: Seals, end: End, now: datetime) -> cases.Finding:
    """The case of a correction that did not end well; values masked."""
    row = end.row
    sensitivity = stack.attributes[row.attribute].sensitivity
    held = end.held.values.get(row.attribute) if end.held else None
    shown = end.held is not None and row.attribute in end.held.values
    label = stack.systems[row.target].label or row.target
    other = end.held.changed_by if end.held else None
    return cases.Finding(
        source="correction",
        rule=f"{end.to.value}:{row.target}",
        what=f"{label}: the correction of {row.attribute} {end.why}{f'; last changed there by {other}' if other else ''}.",
        action=_ACTIONS[end.to],
        system=row.target,
        record=row.record,
        source_id=row.source_id,
        person_id=row.person_id,
        attribute=row.attribute,
        expected=mask(seals.open(row.person_id, row.after_sealed), sensitivity),
        actual=mask(held, sensitivity) if shown else None,
        cause=end.fault or row.cause,
        occurred_at=(end.held.changed_at if end.held else None) or now,
        reference=row.correction_id,
        detail={"changed_by": other, "attempts": row.attempts, "fault": end.fault},
    )


def _columns(end: End, now: datetime) -> dict[str, Any]:
    seen = {"seen_at": now} if end.held is not None else {}
    if end.to is State.CONFIRMED:
        acknowledged = {} if end.row.acknowledged_at or not end.row.sent_at else {"acknowledged_at": now}
        return {**seen, "confirmed_at": now, **acknowledged, **end.also}
    return {**seen, **end.also}


def _settled(con: sa.Connection, rows: Sequence[Row]) -> Iterable[str]:
    """The case a correction was made for, and those that earlier corrections of the same value raised."""
    for row in rows:
        if row.case_id is not None:
            yield row.case_id
        yield from con.execute(
            sa.select(case_rows.c.case_id).where(
                case_rows.c.source == "correction",
                case_rows.c.person_id == row.person_id,
                case_rows.c.system == row.target,
                case_rows.c.attribute == row.attribute,
                case_rows.c.state.in_([state.value for state in LIVE]),
            )
        ).scalars()
