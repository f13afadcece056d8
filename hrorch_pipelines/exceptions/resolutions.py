"""How a reviewer resolves a case: accept the authority's value, enter the right one, decide an identity, let a value differ.

Proposing a correction is the next room's business: `propose` has the signature of `corrections.manual.propose`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Protocol

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.exceptions.errors import MoveNotAllowedError, NotResolvableError
from hrorch_pipelines.exceptions.moves import MOVES, Move, find, ready, require_person, required_reason, resolve, waive
from hrorch_pipelines.exceptions.overrides import set_override
from hrorch_pipelines.exceptions.sides import Side, Sides
from hrorch_pipelines.exceptions.terms import Resolution
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals


class Propose(Protocol):
    """Proposes one write in the caller's ledger transaction; returns the correction's id."""

    def __call__(
        self,
        con: sa.Connection,
        seals: Seals,
        stack: Stack,
        *,
        person_id: str,
        target: str,
        record: str,
        source_id: str,
        attribute: str,
        before: str | None,
        after: str | None,
        proposed_by: str,
        case_id: str | None,
        now: datetime,
    ) -> str: ...


def accept_authority(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_id: str,
    *,
    sides: Sides,
    wanted: str | None,
    by: str,
    now: datetime,
    propose: Propose,
) -> str:
    """The authority is right: propose its value (`wanted`, in the copy's terms) to the copy. Returns the correction's id.

    Raises NotResolvableError where there is no copy's record to write, or the authority has nothing.
    """
    row = find(con, case_id)
    if sides.copy is None or sides.authority is None:
        raise NotResolvableError(
            row.case_id, "there is no record to write it to", remedy="create the record in the system, then `--edited`"
        )
    if wanted is None:
        raise NotResolvableError(
            row.case_id,
            "the authority has no value that could be written there",
            remedy="enter the right value in the authority: `--value -`",
        )
    how = Resolution.ACCEPT_AUTHORITY
    resolve(con, seals, stack, row.case_id, by=by, now=now, resolution=how)
    return _propose(propose, con, seals, stack, row.case_id, sides, sides.copy, wanted, by, now)


def enter_value(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_id: str,
    *,
    sides: Sides,
    value: str,
    by: str,
    now: datetime,
    propose: Propose,
) -> str:
    """The authority is wrong: propose the right value (canonical) to it. The copies follow once it is confirmed there."""
    row = find(con, case_id)
    if sides.authority is None:
        raise NotResolvableError(
            row.case_id, "the authority has no record of this person", remedy="create it there, then `--edited`"
        )
    resolve(con, seals, stack, row.case_id, by=by, now=now, resolution=Resolution.ENTER_VALUE)
    return _propose(propose, con, seals, stack, row.case_id, sides, sides.authority, value, by, now)


def override(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_id: str,
    *,
    sides: Sides,
    by: str,
    now: datetime,
    until: datetime | None,
    reason: str | None,
    value: str | None = None,
) -> str:
    """Let the copy hold what it holds until a day; or (`value`) say what is right for that time, whatever the authority says.

    Returns the override's id. Raises ReasonNeededError, ExpiryError, and NotResolvableError for a gate's case: a record that
    waits in quarantine waits whole.
    """
    row = ready(con, seals, stack, case_id, Move.WAIVE, by, now)
    if sides.copy is None:
        raise NotResolvableError(
            row.case_id, "a record held at a gate cannot be overridden field by field", remedy="correct it, or waive it"
        )
    how = Resolution.OVERRIDE
    waive(con, seals, stack, row.case_id, by=by, now=now, until=until, reason=reason, resolution=how)
    return set_override(
        con,
        seals,
        stack,
        person_id=sides.person_id,
        attribute=sides.attribute,
        system=sides.copy.system if value is None else None,
        value=sides.copy.held if value is None else value,
        reason=reason,
        by=by,
        now=now,
        expires_at=until,
        case_id=row.case_id,
    )


def decide_identity(
    ledger: Ledger,
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    case_id: str,
    *,
    verdict: Literal["same", "different"],
    by: str,
    reason: str | None,
    now: datetime,
) -> str:
    """Answer a question of identity; `con` is the warehouse, for writing. Returns the decision's id; the next cycle follows it.

    The warehouse is written first: should the ledger then fail, the review is closed and the case closes by itself.
    """
    from hrorch_pipelines.identity.decisions import RecordRef, decide

    require_person(stack, by)
    with ledger.read() as reading:
        row = find(reading, case_id)
    reason = required_reason(row.case_id, reason, "decide")
    pair = con.execute(
        "SELECT left_system, left_id, right_system, right_id FROM identity.reviews WHERE review_id = ? AND closed_at IS NULL",
        [row.reference],
    ).fetchall()
    if row.source != "identity" or not pair:
        raise NotResolvableError(row.case_id, "no question of identity is open", remedy="see `hrorch report reviews`")
    allowed, _ = MOVES[Move.RESOLVE]
    if row.state not in allowed:
        raise MoveNotAllowedError(row.case_id, Move.RESOLVE.value, row.state, sorted(state.value for state in allowed))
    left, right = RecordRef(*pair[0][:2]), RecordRef(*pair[0][2:])
    decision = decide(con, left, right, verdict, by, reason, SetClock(now))
    with ledger.write() as writing:
        seals = Seals(writing, ledger.home.key(), now)
        how = Resolution.DECIDE_IDENTITY
        resolve(writing, seals, stack, row.case_id, by=by, now=now, resolution=how, reason=reason)
        detail: dict[str, Any] = {
            "verdict": verdict,
            "decision": decision,
            "left": ":".join(left),
            "right": ":".join(right),
            "why": reason,
        }
        entry = Entry(Action.IDENTITY_DECIDED, Actor("person", by), case_id=row.case_id, rule=row.rule, detail=detail)
        log.append(writing, seals, [entry], now, stack.content_hash)
    return decision


def _propose(
    propose: Propose,
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_id: str,
    sides: Sides,
    side: Side,
    after: str,
    by: str,
    now: datetime,
) -> str:
    return propose(
        con,
        seals,
        stack,
        person_id=sides.person_id,
        target=side.system,
        record=side.record,
        source_id=side.source_id,
        attribute=sides.attribute,
        before=side.value,
        after=after,
        proposed_by=by,
        case_id=case_id,
        now=now,
    )
