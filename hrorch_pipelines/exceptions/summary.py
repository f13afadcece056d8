"""The cases in a few numbers, for metadata: counts by state, source and reviewer, never a value."""

from __future__ import annotations

import sqlalchemy as sa

from hrorch_pipelines.exceptions.collect import Collected
from hrorch_pipelines.exceptions.terms import LIVE
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
