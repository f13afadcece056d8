"""A new correction: its idempotency key, its row, its audit entry. Whether it should be made is decided in `plan` and `manual`."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.kinds import kind_of
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import Seals


@dataclass(frozen=True)
class Proposal:
    """One intended write. `before` and `after` are canonical text; the id of a target's record, where they are a person."""

    person_id: str
    target: str
    record: str
    source_id: str
    attribute: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    effective_from: date | None = None
    discrepancy_id: str | None = None
    case_id: str | None = None
    cause: str | None = None
    rule: str | None = None
    authority_system: str | None = None
    authority_snapshot_id: str | None = None
    target_snapshot_id: str | None = None
    cycle_id: str | None = None
    round: int = 0  # how often exactly this was planned and came to an end before


def insert(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    proposals: Sequence[Proposal],
    now: datetime,
    *,
    by: Actor = SERVICE,
) -> list[str]:
    """Write proposals and their audit entries in the caller's transaction; returns their ids. Raises ErasedError."""
    rows = [_row(seals, stack, proposal, now, by) for proposal in proposals]
    if not rows:
        return []
    con.execute(corrections.insert(), rows)
    append(
        con,
        seals,
        [_entry(proposal, row, by) for proposal, row in zip(proposals, rows, strict=True)],
        now,
        stack.content_hash,
    )
    return [row["correction_id"] for row in rows]


def _row(seals: Seals, stack: Stack, proposal: Proposal, now: datetime, by: Actor) -> dict[str, Any]:
    person = proposal.person_id
    before_mark, after_mark = seals.mark(person, proposal.before), seals.mark(person, proposal.after)
    return {
        "correction_id": _key(seals.home_key, proposal, before_mark, after_mark),
        "discrepancy_id": proposal.discrepancy_id,
        "case_id": proposal.case_id,
        "person_id": person,
        "target": proposal.target,
        "record": proposal.record,
        "source_id": proposal.source_id,
        "attribute": proposal.attribute,
        "kind": kind_of(stack, proposal.attribute, proposal.after),
        "data_type": stack.attributes[proposal.attribute].data_type,
        "before_sealed": seals.seal(person, proposal.before),
        "before_mark": before_mark,
        "after_sealed": seals.seal(person, proposal.after),
        "after_mark": after_mark,
        "effective_from": proposal.effective_from,
        "cause": proposal.cause,
        "rule": proposal.rule,
        "authority_system": proposal.authority_system,
        "authority_snapshot_id": proposal.authority_snapshot_id,
        "target_snapshot_id": proposal.target_snapshot_id,
        "cycle_id": proposal.cycle_id,
        "stack_hash": stack.content_hash,
        "state": State.PROPOSED.value,
        "state_at": now,
        "why": None,
        "proposed_by": by.name,
        "proposed_at": now,
    }


def _key(home_key: bytes, proposal: Proposal, before_mark: str | None, after_mark: str | None) -> str:
    """The idempotency key. Made of marks, not values: once the person's key is destroyed it tells nothing any more.

    `round` stands for the version of the authority's value: what was planned, ended and became necessary again is another
    correction, and planning it twice is one.
    """
    parts = [
        proposal.target, proposal.record, proposal.source_id, proposal.attribute, after_mark, before_mark,
        proposal.effective_from.isoformat() if proposal.effective_from else None, proposal.case_id, proposal.round,
    ]  # fmt: skip
    return hmac.new(home_key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()[:32]


def _entry(proposal: Proposal, row: dict[str, Any], by: Actor) -> Entry:
    return Entry(
        action=Action.CORRECTION_PROPOSED,
        actor=by,
        person_id=proposal.person_id,
        system=proposal.target,
        record=proposal.record,
        source_id=proposal.source_id,
        attribute=proposal.attribute,
        before=proposal.before,
        after=proposal.after,
        rule=proposal.rule,
        snapshot_id=proposal.authority_snapshot_id,
        run_id=proposal.cycle_id,
        case_id=proposal.case_id,
        correction_id=row["correction_id"],
        detail={
            "kind": row["kind"],
            "cause": proposal.cause,
            "discrepancy": proposal.discrepancy_id,
            "target_snapshot": proposal.target_snapshot_id,
            "effective_from": proposal.effective_from.isoformat() if proposal.effective_from else None,
        },
    )
