"""Whether a correction may still be sent, asked again at the last moment: since it was planned, people may have decided otherwise.

The plan's own rules are in `plan` and `guard`. This reads no system and no warehouse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.corrections.outbox import Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger_tables import overrides


@dataclass(frozen=True)
class NotNow:
    """Why a correction is not sent, and where it goes instead."""

    to: State
    why: str


def stopped(stack: Stack, home: Home, system: str) -> str | None:
    """Why nothing at all may be sent to a system, in a sentence; None when it may."""
    if stack.corrections.mode != "apply":
        return "The stack file says `corrections: {mode: propose}`: nothing is sent until it says `apply`."
    if not writable(stack, system):
        return f"The stack file does not let corrections write to {system}."
    return distrusted(home, system)


def distrusted(home: Home, system: str) -> str | None:
    """Why nothing is written to a system whose newest snapshot was refused, in a sentence; None when it was not."""
    refused, good = catalogue.latest_untrusted(home, system), catalogue.latest(home, system)
    if refused is not None and (good is None or good.observed_at < refused.observed_at):
        return f"The newest snapshot of {system} ({refused.snapshot_id}) is not trusted; nothing is sent before a good one."
    return None


def writable(stack: Stack, system: str) -> bool:
    """Whether corrections may write to a system at all."""
    rules = stack.corrections
    return (
        stack.systems[system].writes is not None
        and (rules.targets is None or system in rules.targets)
        and system not in rules.never_touch.systems
    )


def still_right(con: sa.Connection, stack: Stack, rows: Sequence[Row], now: datetime) -> dict[str, NotNow]:
    """correction_id → why it is not to be sent, for those that are not; in the transaction that would send them."""
    overridden = _overridden(con, rows, now)
    found: dict[str, NotNow] = {}
    for row in rows:
        why = _refusal(stack, row) or overridden.get(row.correction_id)
        if why is not None:
            found[row.correction_id] = why
    return found


def _refusal(stack: Stack, row: Row) -> NotNow | None:
    rules = stack.corrections
    writes = stack.systems[row.target].writes
    if writes is None or row.attribute not in writes.attributes:
        return NotNow(State.WITHDRAWN, "the stack file no longer lets this attribute be written here")
    untouched = rules.never_touch
    if row.attribute in untouched.attributes or f"{row.target}:{row.source_id}" in untouched.records:
        return NotNow(State.WITHDRAWN, "it is on the never-touch list")
    needs_two = {row.kind, row.data_type, row.attribute} & set(rules.four_eyes)
    if needs_two and (row.approved_by is None or row.approved_by == row.proposed_by):
        return NotNow(State.AWAITING_APPROVAL, "it needs the approval of somebody who did not propose it")
    if needs_two and rules.approvers and row.approved_by not in rules.approvers:
        return NotNow(State.AWAITING_APPROVAL, "whoever approved it is no longer among the approvers")
    if row.approved_by is not None and row.approved_mark != row.before_mark:
        return NotNow(State.AWAITING_APPROVAL, "it was approved for another value than the target holds")
    return None


def _overridden(con: sa.Connection, rows: Sequence[Row], now: datetime) -> dict[str, NotNow]:
    """Overrides made since: of this copy, or of the value itself unless the correction brings exactly that."""
    persons = sorted({row.person_id for row in rows})
    active = con.execute(
        sa.select(overrides).where(
            overrides.c.person_id.in_(persons), overrides.c.ended_at.is_(None), overrides.c.expires_at > now
        )
    ).all()
    why = NotNow(State.WITHDRAWN, "an override says otherwise")
    return {
        row.correction_id: why
        for row in rows
        for one in active
        if (one.person_id, one.attribute) == (row.person_id, row.attribute)
        and (one.system == row.target or (one.system is None and one.value_mark != row.after_mark))
    }
