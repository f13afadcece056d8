"""One push per target at a time, over processes and machines: a lease in the ledger that runs out when its holder dies."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.corrections.errors import LeaseLostError
from hrorch_pipelines.storage.ledger_tables import notes

LEASE_FOR = timedelta(seconds=60)
"""Longer than any one request may take with its ledger steps; every step renews it."""


def take(con: sa.Connection, system: str, lease_id: str, now: datetime, lease_for: timedelta) -> bool:
    """Take a target's lease; False while somebody else holds it."""
    name, until = _name(system), now + lease_for
    taken = con.execute(
        sa.update(notes).where(notes.c.name == name, notes.c.at <= now).values(value=lease_id, at=until)
    )
    if taken.rowcount == 1:
        return True
    known = con.execute(sa.select(notes.c.at).where(notes.c.name == name)).one_or_none()
    if known is not None:
        return False
    con.execute(notes.insert().values(name=name, value=lease_id, at=until))  # the ledger has one writer at a time
    return True


def renew(con: sa.Connection, system: str, lease_id: str, now: datetime, lease_for: timedelta) -> None:
    """Hold on to it, in the transaction of the step that relies on it. Raises LeaseLostError when another took it over."""
    kept = con.execute(
        sa.update(notes).where(notes.c.name == _name(system), notes.c.value == lease_id).values(at=now + lease_for)
    )
    if kept.rowcount != 1:
        raise LeaseLostError(system)


def give_back(con: sa.Connection, system: str, lease_id: str, now: datetime) -> None:
    """Let the next one in at once; nothing happens when it is no longer ours."""
    con.execute(
        sa.update(notes).where(notes.c.name == _name(system), notes.c.value == lease_id).values(value="", at=now)
    )


def held_until(con: sa.Connection, system: str, now: datetime) -> datetime | None:
    """Until when a push of this target is under way, or None."""
    at = con.execute(sa.select(notes.c.at).where(notes.c.name == _name(system), notes.c.at > now)).scalar_one_or_none()
    return at if isinstance(at, datetime) else None


def _name(system: str) -> str:
    return "push " + hashlib.sha256(system.encode()).hexdigest()[:32] if len(system) > 50 else f"push {system}"
