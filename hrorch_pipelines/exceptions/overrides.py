"""Overrides: one value of one person that may differ until a day, for a reason, while the person's other fields keep flowing.

With a system: that copy may hold this value. Without: this is the value, whatever the authority says. An override ends by
itself when both sides agree (`override_ends`) or when its time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.exceptions.errors import UnknownOverrideError
from hrorch_pipelines.exceptions.moves import require_person, required_expiry, required_reason
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import overrides, person_keys
from hrorch_pipelines.storage.sealed import Seals

EXPIRED, AGREED, REPLACED, ENDED = "expired", "agreed", "replaced", "ended"


@dataclass(frozen=True)
class Override:
    """One override in force. `value_mark` is the keyed commitment to the value it allows."""

    override_id: str
    person_id: str
    attribute: str
    system: str | None
    value_mark: str | None
    expires_at: datetime
    case_id: str | None


def set_override(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    *,
    person_id: str,
    attribute: str,
    system: str | None,
    value: str | None,
    reason: str | None,
    by: str,
    now: datetime,
    expires_at: datetime | None,
    case_id: str | None = None,
) -> str:
    """Let a value differ until a moment; returns the override's id. A former one of the same place is replaced.

    Raises UnknownReviewerError, ReasonNeededError, ExpiryError, ErasedError.
    """
    require_person(stack, by)
    reason = required_reason(case_id or "", reason, "override")
    expires_at = required_expiry(case_id or "", expires_at, now)
    for former in live_overrides(con, now):
        if (former.person_id, former.attribute, former.system) == (person_id, attribute, system):
            end_override(con, seals, stack, former.override_id, now, REPLACED, by=by)
    override_id = uuid4().hex
    con.execute(
        overrides.insert().values(
            override_id=override_id,
            person_id=person_id,
            attribute=attribute,
            system=system,
            value_sealed=seals.seal(person_id, value),
            value_mark=seals.mark(person_id, value),
            reason=reason,
            made_by=by,
            made_at=now,
            expires_at=expires_at,
            case_id=case_id,
        )
    )
    entry = Entry(
        Action.OVERRIDE_SET,
        Actor("person", by),
        person_id=person_id,
        system=system,
        attribute=attribute,
        after=value,
        case_id=case_id,
        detail={"override": override_id, "until": expires_at.isoformat(), "why": reason},
    )
    log.append(con, seals, [entry], now, stack.content_hash)
    return override_id


def live_overrides(con: sa.Connection, now: datetime) -> list[Override]:
    """Overrides in force at a moment; those of erased persons are none."""
    rows = con.execute(
        sa.select(overrides)
        .join(person_keys, person_keys.c.person_id == overrides.c.person_id)
        .where(overrides.c.ended_at.is_(None), overrides.c.expires_at > now, person_keys.c.destroyed_at.is_(None))
        .order_by(overrides.c.override_id)
    ).all()
    return [
        Override(row.override_id, row.person_id, row.attribute, row.system, row.value_mark, row.expires_at, row.case_id)
        for row in rows
    ]


def covers(seals: Seals, override: Override, system: str, value: str | None) -> bool:
    """Whether what a copy holds is what the override allows there. Another wrong value is not covered."""
    allowed = override.system is None or override.system == system
    return allowed and seals.mark(override.person_id, value) == override.value_mark


def end_override(
    con: sa.Connection, seals: Seals, stack: Stack, override_id: str, now: datetime, why: str, by: str | None = None
) -> None:
    """End an override. `why` is one of this module's words. Raises UnknownOverrideError when there is none in force."""
    if by is not None:
        require_person(stack, by)
    row = con.execute(
        sa.select(overrides)
        .where(overrides.c.override_id == override_id, overrides.c.ended_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise UnknownOverrideError(override_id)
    con.execute(sa.update(overrides).where(overrides.c.override_id == override_id).values(ended_at=now, ended_why=why))
    entry = Entry(
        Action.OVERRIDE_ENDED,
        Actor("person", by) if by else SERVICE,
        person_id=row.person_id,
        system=row.system,
        attribute=row.attribute,
        case_id=row.case_id,
        detail={"override": override_id, "why": why},
    )
    log.append(con, seals, [entry], now, stack.content_hash)


def expired(con: sa.Connection, now: datetime) -> list[str]:
    """Ids of overrides whose time is over and that nobody ended yet."""
    return list(
        con.execute(
            sa.select(overrides.c.override_id).where(overrides.c.ended_at.is_(None), overrides.c.expires_at <= now)
        ).scalars()
    )
