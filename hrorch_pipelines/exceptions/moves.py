"""What people do to a case, as a table of allowed moves. Each is one change of one row and one entry in the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions.course import batches, entry_of, in_turn, reopening, state_entry
from hrorch_pipelines.exceptions.errors import (
    AmbiguousCaseError,
    ExpiryError,
    MoveNotAllowedError,
    ReasonNeededError,
    UnknownCaseError,
    UnknownReviewerError,
)
from hrorch_pipelines.exceptions.routing import stand_in
from hrorch_pipelines.exceptions.terms import LIVE, CaseState, Resolution
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.sealed import Seals

SHORTEST_ID = 6
"""Characters of a case id below which its beginning does not stand for it."""


class Move(StrEnum):
    """What can be done to a case."""

    ACKNOWLEDGE = "acknowledge"
    BEGIN = "begin"
    RESOLVE = "resolve"
    WAIVE = "waive"
    REASSIGN = "reassign"
    REOPEN = "reopen"


_S = CaseState
MOVES: dict[Move, tuple[frozenset[CaseState], CaseState | None]] = {
    Move.ACKNOWLEDGE: (frozenset({_S.OPEN}), _S.ACKNOWLEDGED),
    Move.BEGIN: (frozenset({_S.OPEN, _S.ACKNOWLEDGED}), _S.IN_PROGRESS),
    Move.RESOLVE: (frozenset({_S.OPEN, _S.ACKNOWLEDGED, _S.IN_PROGRESS}), _S.AWAITING_CONFIRMATION),
    Move.WAIVE: (LIVE | {_S.WAIVED}, _S.WAIVED),
    Move.REASSIGN: (LIVE | {_S.WAIVED}, None),
    Move.REOPEN: (frozenset({_S.AWAITING_CONFIRMATION, _S.WAIVED, _S.CONFIRMED}), _S.OPEN),
}
"""Move → the states it is allowed in, and the state it leads to (None: the same). Confirming is `cases.settle`'s alone: a case
is closed by what is seen in the systems, never by a click."""


def acknowledge(con: sa.Connection, seals: Seals, stack: Stack, case_id: str, *, by: str, now: datetime) -> None:
    """Somebody has read it. Raises UnknownCaseError, UnknownReviewerError, MoveNotAllowedError, as all moves do."""
    row = ready(con, seals, stack, case_id, Move.ACKNOWLEDGE, by, now)
    _move(con, seals, stack, row, Move.ACKNOWLEDGE, by, now, {"acknowledged_at": row.acknowledged_at or now})


def begin(con: sa.Connection, seals: Seals, stack: Stack, case_id: str, *, by: str, now: datetime) -> None:
    """Somebody works on it; that they have read it goes without saying."""
    row = ready(con, seals, stack, case_id, Move.BEGIN, by, now)
    _move(con, seals, stack, row, Move.BEGIN, by, now, {"acknowledged_at": row.acknowledged_at or now})


def resolve(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_id: str,
    *,
    by: str,
    now: datetime,
    resolution: Resolution,
    reason: str | None = None,
) -> None:
    """Somebody decided what is to be done. It is confirmed when the systems show it. `reason` holds no values."""
    row = ready(con, seals, stack, case_id, Move.RESOLVE, by, now)
    changes = {
        "acknowledged_at": row.acknowledged_at or now,
        "resolved_at": now,
        "resolution": resolution.value,
        "reason": reason,
    }
    _move(con, seals, stack, row, Move.RESOLVE, by, now, changes, resolution=resolution.value, why=reason)


def waive(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_id: str,
    *,
    by: str,
    now: datetime,
    until: datetime | None,
    reason: str | None,
    resolution: Resolution = Resolution.WAIVE,
) -> None:
    """Let it be until a moment, for a reason; then it opens again by itself. Raises ReasonNeededError, ExpiryError."""
    row = ready(con, seals, stack, case_id, Move.WAIVE, by, now)
    reason = required_reason(row.case_id, reason, Move.WAIVE)
    until = required_expiry(row.case_id, until, now)
    changes = {
        "acknowledged_at": row.acknowledged_at or now,
        "resolved_at": now,
        "waived_until": until,
        "resolution": resolution.value,
        "reason": reason,
    }
    _move(con, seals, stack, row, Move.WAIVE, by, now, changes, why=reason, until=until.isoformat())


def reassign(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_id: str,
    *,
    to: str,
    by: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Give it to somebody else, away or not: whoever assigns by hand knows. It has not been escalated to them yet."""
    row = ready(con, seals, stack, case_id, Move.REASSIGN, by, now)
    require_person(stack, to)
    deputy = stand_in(stack, to, local_date(now, stack.organization.time_zone))
    con.execute(
        sa.update(cases)
        .where(cases.c.case_id == row.case_id)
        .values(reviewer=to, deputy=deputy, notified_at=None, escalated_at=None)
    )
    detail = {"from": row.reviewer, "to": to, "why": reason}
    _log(con, seals, stack, [entry_of(row, Action.CASE_REASSIGNED, Actor("person", by), detail)], now)


def reopen(
    con: sa.Connection, seals: Seals, stack: Stack, case_id: str, *, now: datetime, why: str, by: str | None = None
) -> None:
    """Open it again, by hand or (`by` None) because what was promised was not seen. `why`: words, no values."""
    row = ready(con, seals, stack, case_id, Move.REOPEN, by, now)
    con.execute(sa.update(cases).where(cases.c.case_id == row.case_id).values(**reopening(row, stack, now)))
    actor = Actor("person", by) if by else SERVICE
    _log(con, seals, stack, [state_entry(row, _S.OPEN, why, actor)], now)


def notify(con: sa.Connection, seals: Seals, stack: Stack, case_ids: Iterable[str], now: datetime) -> int:
    """An alert about these cases has reached their reviewers; returns for how many that was the first."""
    in_turn(con, seals, stack, now)
    told = 0
    for batch in batches(case_ids):
        rows = con.execute(
            sa.select(cases).where(cases.c.case_id.in_(batch), cases.c.notified_at.is_(None)).with_for_update()
        ).all()
        ids = [row.case_id for row in rows]
        con.execute(sa.update(cases).where(cases.c.case_id.in_(ids)).values(notified_at=now))
        entries = [entry_of(row, Action.CASE_NOTIFIED, SERVICE, {"reviewer": row.reviewer}) for row in rows]
        _log(con, seals, stack, entries, now)
        told += len(ids)
    return told


def find(con: sa.Connection, case_id: str, *, lock: bool = False) -> sa.Row[Any]:
    """A case by its id or the beginning of it. Raises UnknownCaseError, AmbiguousCaseError."""
    query = sa.select(cases).where(cases.c.case_id == case_id)
    if len(case_id) >= SHORTEST_ID:
        query = sa.select(cases).where(cases.c.case_id.startswith(case_id, autoescape=True)).limit(50)
    rows = con.execute(query.with_for_update() if lock else query).all()
    exact = [row for row in rows if row.case_id == case_id]
    if not rows:
        raise UnknownCaseError(case_id)
    if len(rows) > 1 and not exact:
        raise AmbiguousCaseError(case_id, len(rows))
    return exact[0] if exact else rows[0]


def ready(
    con: sa.Connection, seals: Seals, stack: Stack, case_id: str, move: Move, by: str | None, now: datetime
) -> sa.Row[Any]:
    """The case, held until the transaction ends, if `by` may make this move with it."""
    if by is not None:
        require_person(stack, by)
    in_turn(con, seals, stack, now)
    row = find(con, case_id, lock=True)
    allowed, _ = MOVES[move]
    if row.state not in allowed:
        raise MoveNotAllowedError(row.case_id, move.value, row.state, sorted(state.value for state in allowed))
    return row


def require_person(stack: Stack, name: str) -> None:
    """Raise UnknownReviewerError unless the stack file names them."""
    if name not in stack.people:
        raise UnknownReviewerError(name, stack.people)


def required_reason(case_id: str, reason: str | None, move: str) -> str:
    """The reason, trimmed. Raises ReasonNeededError when there is none."""
    if not (reason or "").strip():
        raise ReasonNeededError(case_id, move)
    return str(reason).strip()


def required_expiry(case_id: str, until: datetime | None, now: datetime) -> datetime:
    """The moment of expiry. Raises ExpiryError when there is none, or when it is not to come."""
    if until is None or until <= now:
        raise ExpiryError(case_id, passed=until is not None)
    return until


def _move(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    row: sa.Row[Any],
    move: Move,
    by: str,
    now: datetime,
    changes: dict[str, Any],
    **detail: str | None,
) -> None:
    to = MOVES[move][1]
    assert to is not None  # noqa: S101  (the moves that come here lead somewhere)
    # A clock that jumped back must not make a case that was dealt with before it was found.
    moments = {key: max(value, row.detected_at) for key, value in changes.items() if isinstance(value, datetime)}
    con.execute(sa.update(cases).where(cases.c.case_id == row.case_id).values(**changes | moments, state=to.value))
    told = {"from": row.state, "to": to.value, "move": move.value, **detail}
    _log(con, seals, stack, [entry_of(row, Action.CASE_STATE, Actor("person", by), told)], now)


def _log(con: sa.Connection, seals: Seals, stack: Stack, entries: list[Entry], now: datetime) -> None:
    log.append(con, seals, entries, now, stack.content_hash)
