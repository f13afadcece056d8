"""A value that a person entered for a system, usually the authority: a correction like any other, through guard and four eyes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Actor
from hrorch_pipelines.corrections import past
from hrorch_pipelines.corrections.eligible import takes, targets
from hrorch_pipelines.corrections.errors import CannotProposeError
from hrorch_pipelines.corrections.outbox import Move, move
from hrorch_pipelines.corrections.proposal import Proposal, insert
from hrorch_pipelines.corrections.terms import OPEN, UNSENT, State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.sealed import Seals


def propose(
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
) -> str:
    """Propose a value in the caller's ledger transaction; returns the correction's id. `source_id` is the base record's.

    What the last plan proposed for the same place gives way. The next guard decides when it may be sent.
    Raises CannotProposeError: the stack file does not allow it, nothing would change, or something is under way there.
    """
    _require_allowed(stack, target, record, attribute, f"{target}:{source_id}")
    if before == after:
        raise CannotProposeError(
            target, attribute, "it holds this value already", "enter another value, or close the case"
        )
    rows = past.of_places(con, {(target, source_id, attribute)}).get((target, source_id, attribute), [])
    open_ = [row for row in rows if State(row.state) in OPEN]
    for row in open_:
        if State(row.state) not in UNSENT or row.discrepancy_id is None:
            raise CannotProposeError(
                target,
                attribute,
                f"correction {row.correction_id} is under way ({row.state})",
                "wait for it, or reject it first",
            )
    why = f"a value entered by {proposed_by} takes its place"
    actor = Actor("person", proposed_by)
    move(con, seals, stack.content_hash, [Move(row, State.WITHDRAWN, why, actor=actor) for row in open_], now)
    proposal = Proposal(
        person_id,
        target,
        record,
        source_id,
        attribute,
        before,
        after,
        case_id=case_id,
        rule=f"entered by {proposed_by}",
        round=len(rows),
    )
    return insert(con, seals, stack, [proposal], now, by=actor)[0]


def _require_allowed(stack: Stack, target: str, record: str, attribute: str, place: str) -> None:
    system = stack.systems.get(target)
    if system is None or target not in targets(stack) or system.writes is None:
        raise CannotProposeError(
            target,
            attribute,
            "corrections do not write this system",
            "declare `writes` for it, or change the value there",
        )
    held = system.mapped().get(attribute)
    if attribute not in system.writes.attributes or held != record or not takes(system.records[record], attribute):
        raise CannotProposeError(
            target,
            attribute,
            "the stack file does not let it be written there",
            "add it to `writes`, or change the value there",
        )
    if stack.attributes[attribute].type is AttributeType.SECRET:
        raise CannotProposeError(
            target, attribute, "only a keyed hash of it is known", "change the value in the system itself"
        )
    touch = stack.corrections.never_touch
    if attribute in touch.attributes or target in touch.systems or place in touch.records:
        raise CannotProposeError(
            target, attribute, "it is on the never-touch list", "change the value in the system itself"
        )
