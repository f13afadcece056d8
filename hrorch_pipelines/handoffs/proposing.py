"""A new action: its idempotency key, its row, its audit entry. Whether it should be made is decided in `deciding`."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import SERVICE, Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.content import change_kind, sealed_text
from hrorch_pipelines.handoffs.evaluating import Found
from hrorch_pipelines.handoffs.facts import Rule
from hrorch_pipelines.handoffs.terms import Purpose
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import actions
from hrorch_pipelines.storage.sealed import Seals

_LONGEST_RULE = 256


@dataclass(frozen=True)
class Origin:
    """What a pass rests on: the moment, the cycle (None between cycles), the snapshots in use as JSON."""

    now: datetime
    cycle_id: str | None
    snapshots: str


@dataclass(frozen=True)
class Said:
    """What an action is to say, and where. `sealed`: the content, sealed already, of what is to be cancelled."""

    target: str
    verb: str
    record: str | None
    kind: str
    mark: str
    text: str | None = field(default=None, repr=False)
    sealed: bytes | None = field(default=None, repr=False)
    own_id: str | None = None
    effective_from: date | None = None


def action_id(home_key: bytes, step_id: str, purpose: Purpose, revision: int) -> str:
    """The idempotency key: a keyed hash of step, purpose and revision, so that proposing twice proposes once."""
    return hmac.digest(home_key, json.dumps(["action", step_id, purpose.value, revision]).encode(), "sha256").hex()[:32]


def said_by(stack: Stack, rule: Rule, found: Found, purpose: Purpose, last: sa.Row[Any] | None) -> Said:
    """What an action for a purpose says. `last`: the newest thing made, for an event that is to be taken out."""
    if purpose is Purpose.UNDO and rule.undo is None:
        assert last is not None  # noqa: S101  (only what was made is taken back)
        return Said(
            last.target, "cancel", None, "message", last.content_mark, sealed=last.content_sealed, own_id=last.source_id
        )
    undo = purpose is Purpose.UNDO
    content = rule.undo if undo else rule.content
    text, mark = (found.undo_text, found.undo_said) if undo else (found.said_text, found.said)
    assert content is not None and text is not None and mark is not None  # noqa: S101, PT018  (nothing else is proposed)
    own, day = (found.undo_own_id, found.undo_from) if undo else (found.own_id, found.effective_from)
    kind = change_kind(stack, content, text)
    return Said(content.target, content.verb, content.record, kind, mark, sealed_text(content, text), None, own, day)


def row_of(
    seals: Seals, rule: Rule, step_id: str, person_id: str, said: Said, purpose: Purpose, revision: int, origin: Origin
) -> dict[str, Any]:
    """A row of `actions`. Raises ErasedError."""
    create = said.verb == "create"
    return {
        "action_id": action_id(seals.home_key, step_id, purpose, revision),
        "step_id": step_id,
        "handoff": rule.name,
        "purpose": purpose.value,
        "revision": revision,
        "person_id": person_id,
        "target": said.target,
        "verb": said.verb,
        "record": said.record,
        "parent_id": said.own_id if create else None,
        "source_id": None if create else said.own_id,
        "effective_from": said.effective_from,
        "kind": said.kind,
        "content_sealed": said.sealed if said.sealed is not None else seals.seal(person_id, said.text),
        "content_mark": said.mark,
        "rule": _words(rule, purpose),
        "snapshots": origin.snapshots,
        "cycle_id": origin.cycle_id,
        "stack_hash": rule.stack_hash,
        "state": State.PROPOSED.value,
        "state_at": origin.now,
        "proposed_by": SERVICE.name,
        "proposed_at": origin.now,
    }


def insert(con: sa.Connection, seals: Seals, rows: Sequence[dict[str, Any]], origin: Origin, stack_hash: str) -> None:
    """Write new actions and their audit entries in the caller's transaction."""
    if not rows:
        return
    con.execute(actions.insert(), list(rows))
    append(con, seals, [_entry(row) for row in rows], origin.now, stack_hash)


def _words(rule: Rule, purpose: Purpose) -> str:
    handoff = rule.parsed.handoff
    undone = purpose is Purpose.UNDO and handoff.compensate is not None
    condition = handoff.compensate.when if undone and handoff.compensate else handoff.when
    words = f"{rule.name}: {purpose.value} when {' '.join(condition.split())}"
    return words if len(words) <= _LONGEST_RULE else f"{words[: _LONGEST_RULE - 1]}…"


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        Action.ACTION_PROPOSED,
        person_id=row["person_id"],
        system=row["target"],
        record=row["record"],
        source_id=row["source_id"],
        rule=row["rule"],
        run_id=row["cycle_id"],
        detail={
            "action_id": row["action_id"],
            "step_id": row["step_id"],
            "handoff": row["handoff"],
            "verb": row["verb"],
            "purpose": row["purpose"],
            "revision": row["revision"],
            "kind": row["kind"],
        },
    )
