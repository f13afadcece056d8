"""When a pass is due although no cycle has run, and running one over the published copy: what the ledger learned, and the clock."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock, local_date
from hrorch_pipelines.handoffs.alive import LOOKED
from hrorch_pipelines.handoffs.passing import PassResult, run_pass
from hrorch_pipelines.handoffs.terms import OPEN
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, cases, heartbeats, steps
from hrorch_pipelines.storage.warehouse import open_published


def last_pass(con: sa.Connection) -> datetime | None:
    """When the last pass was made."""
    at = con.execute(sa.select(heartbeats.c.at).where(heartbeats.c.name == LOOKED)).scalar_one_or_none()
    return at if isinstance(at, datetime) else None


def due(con: sa.Connection, stack: Stack, now: datetime) -> str | None:
    """Why a pass is due without a cycle, in words that follow "because"; None when it is not.

    Before the first pass of a cycle there is nothing to pass over: that one is the cycle's.
    """
    last = last_pass(con)
    if last is None:
        return None
    confirmed = _count(con, actions.c.confirmed_at > last)
    if confirmed:
        return f"{confirmed} action{'s were' if confirmed > 1 else ' was'} confirmed since the last pass"
    answered = _count(con, cases.c.source == "handoff", cases.c.resolved_at > last)
    if answered:
        return f"{answered} case{'s were' if answered > 1 else ' was'} resolved since the last pass"
    zones = {stack.organization.time_zone}
    zones |= set(stack.lifecycle.time_zones.values.values()) if stack.lifecycle.time_zones else set()
    turned = sorted(zone for zone in zones if local_date(last, zone) != local_date(now, zone))
    if turned:
        return f"a new day has begun in {', '.join(turned)}"
    open_states = [state.value for state in OPEN]
    late = _count(con, steps.c.state.in_(open_states), steps.c.due_at > last, steps.c.due_at <= now)
    return f"{late} step{'s have' if late > 1 else ' has'} become late since the last pass" if late else None


def pass_between(ledger: Ledger, home: Home, stack: Stack, clock: Clock) -> PassResult:
    """One pass over the published copy, as of now. Raises NothingPublished and what `run_pass` raises."""
    with open_published(home) as con:
        return run_pass(ledger, con, stack, clock.now())


def sentence(result: PassResult) -> str:
    """What a pass did, in a sentence of counts."""
    if not result.changed and not result.total("proposed"):
        return "Nothing has changed."
    told = [
        (result.total("moved"), "steps moved"),
        (result.total("proposed"), "actions proposed"),
        (result.total("withdrawn"), "withdrawn"),
        (result.newly_stalled, "newly late"),
        (result.total("in_doubt"), "left alone in doubt"),
    ]
    return f"{', '.join(f'{n} {what}' for n, what in told if n)}."


def _count(con: sa.Connection, *conditions: sa.ColumnElement[bool]) -> int:
    return int(con.execute(sa.select(sa.func.count()).where(*conditions)).scalar_one())
