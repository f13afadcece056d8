"""What the ledger knows of a place (target, record, attribute), and what follows from it for a write that is wanted there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.proposal import Proposal
from hrorch_pipelines.corrections.terms import OPEN, UNSENT, Refusal, State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import ErasedError, Seals

Row = sa.Row[Any]
Place = tuple[str, str, str]
_CHUNK = 500
_SEEN = frozenset({State.CONFIRMED, State.CONFLICTED, State.DIVERGED})
"""States that say what the target held at that moment."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a wanted write: a refusal, an open correction that stands for it, or a new one of a round.

    `gives_way` is an open correction that the new one takes the place of; `fought` the confirmed ones of the same value.
    """

    refusal: Refusal | None = None
    standing: Row | None = None
    gives_way: Row | None = None
    round: int = 0
    fought: tuple[Row, ...] = ()


def of_places(con: sa.Connection, places: Iterable[Place]) -> dict[Place, list[Row]]:
    """All corrections ever of these (target, source id, attribute), oldest first."""
    by_target: defaultdict[str, set[str]] = defaultdict(set)
    for target, source_id, _ in places:
        by_target[target].add(source_id)
    found: defaultdict[Place, list[Row]] = defaultdict(list)
    for target, ids in by_target.items():
        ordered = sorted(ids)
        for at in range(0, len(ordered), _CHUNK):
            rows = con.execute(
                sa.select(corrections)
                .where(corrections.c.target == target, corrections.c.source_id.in_(ordered[at : at + _CHUNK]))
                .order_by(corrections.c.proposed_at, corrections.c.correction_id)
            ).all()
            for row in rows:
                found[row.target, row.source_id, row.attribute].append(row)
    return found


def open_of_plans(con: sa.Connection) -> list[Row]:
    """Unsent corrections that a discrepancy asked for."""
    return list(
        con.execute(
            sa.select(corrections).where(
                corrections.c.state.in_([state.value for state in UNSENT]), corrections.c.discrepancy_id.is_not(None)
            )
        ).all()
    )


def against(
    past: Sequence[Row], wanted: Proposal, seals: Seals, stack: Stack, read_since: Mapping[str, datetime], now: datetime
) -> Verdict:
    """Hold a wanted write against what was done at its place. `read_since`: from when each system's snapshot was read."""
    started = read_since.get(wanted.target)
    same = [row for row in past if _same(row, wanted, seals)]
    for row in past:
        state = State(row.state)
        if state in OPEN:
            return _beside_open(row, row in same, same)
        if state in _SEEN and started is not None and row.state_at >= started:
            return Verdict(Refusal.AWAITING_SNAPSHOT)
    last = same[-1] if same else None
    if last is not None:
        match State(last.state):
            case State.REJECTED:
                return Verdict(Refusal.REJECTED)
            case State.FAILED if last.stack_hash == stack.content_hash:
                return Verdict(Refusal.FAILED)
            case State.DIVERGED:
                return Verdict(Refusal.DIVERGED)
    fought = _fought(past, wanted, seals, now - stack.corrections.fights.within)
    if len(fought) >= stack.corrections.fights.times:
        return Verdict(Refusal.FOUGHT_OVER, fought=fought)
    return Verdict(round=len(same))


def _beside_open(row: Row, is_same: bool, same: Sequence[Row]) -> Verdict:
    if is_same:
        return Verdict(standing=row)
    if State(row.state) not in UNSENT or row.discrepancy_id is None:
        return Verdict(Refusal.IN_PROGRESS)
    return Verdict(gives_way=row, round=len(same))


def _same(row: Row, wanted: Proposal, seals: Seals) -> bool:
    return bool(
        row.record == wanted.record
        and row.effective_from == wanted.effective_from
        and row.person_id == wanted.person_id
        and row.before_mark == _mark(seals, row, wanted.before)
        and row.after_mark == _mark(seals, row, wanted.after)
    )


def _fought(past: Sequence[Row], wanted: Proposal, seals: Seals, since: datetime) -> tuple[Row, ...]:
    return tuple(
        row
        for row in past
        if row.state == State.CONFIRMED.value
        and row.confirmed_at is not None
        and row.confirmed_at >= since
        and row.after_mark == _mark(seals, row, wanted.after)
    )


def _mark(seals: Seals, row: Row, value: str | None) -> str | None:
    """The mark a value has under the key of the row's person, who may have been merged into another since."""
    try:
        return seals.mark(row.person_id, value)
    except ErasedError:
        return "erased"


__all__ = ["Place", "Row", "Verdict", "against", "of_places", "open_of_plans"]
