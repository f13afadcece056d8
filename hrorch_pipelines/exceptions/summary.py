"""The cases in a few numbers, for metadata: counts by state, source and reviewer, how long they take; never a value."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.exceptions.collect import Collected
from hrorch_pipelines.exceptions.durations import resolution_times, spells
from hrorch_pipelines.exceptions.terms import LIVE
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import cases


def counts(con: sa.Connection) -> dict[str, int]:
    """Cases by state; live ones by source and by reviewer. Keys read `state: open`, `source: gate`, `reviewer: hris-analyst`."""
    live = cases.c.state.in_([state.value for state in LIVE])
    found: dict[str, int] = {}
    for name, column, where in (
        ("state", cases.c.state, sa.true()),
        ("source", cases.c.source, live),
        ("reviewer", cases.c.reviewer, live),
    ):
        rows = con.execute(sa.select(column, sa.func.count()).where(where).group_by(column).order_by(column)).all()
        found |= {f"{name}: {key}": int(n) for key, n in rows}
    return found


def overdue(con: sa.Connection, now: datetime) -> dict[str, int]:
    """Reviewer → live cases past their time."""
    late = sa.and_(cases.c.state.in_([state.value for state in LIVE]), cases.c.due_at < now)
    query = sa.select(cases.c.reviewer, sa.func.count()).where(late).group_by(cases.c.reviewer)
    return {str(reviewer): int(n) for reviewer, n in con.execute(query.order_by(cases.c.reviewer))}


def resolution(con: sa.Connection, stack: Stack, now: datetime) -> dict[str, float]:
    """M4 over all closed cases so far, in hours; the keys read `M4 median, working hours`. Empty until one is closed."""
    found: dict[str, float] = {}
    for one in resolution_times(spells(con, stack, now), censored=False):
        figures = {"mean": one.mean, "median": one.median, "p90": one.p90}
        found |= {f"M4 {name}, {one.clock}": value for name, value in figures.items() if value is not None}
        found["M4 closed"], found["M4 open"] = one.closed, one.open
    return found


def of_pass(told: Collected) -> dict[str, int]:
    """What one pass did."""
    return {
        "found": told.found,
        "opened": told.opened,
        "updated": told.updated,
        "reopened": told.reopened + told.in_vain + told.waivers_ended,
        "confirmed": told.confirmed,
        "folded": told.folded,
        **{f"no case: {why}": n for why, n in told.left.items()},
    }
