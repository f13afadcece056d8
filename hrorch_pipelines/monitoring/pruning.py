"""What is forgotten: alerts that recovered long ago, and messages about them. What is open, or still to be sent, never is."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.monitoring.terms import AlertState
from hrorch_pipelines.storage.ledger_tables import alerts, notes, notices

KEPT = timedelta(days=400)
"""A year can be compared with the one before (M3); the audit log keeps that it happened."""
_PRUNED = "alerts_pruned"
_EVERY = timedelta(days=1)


def prune(con: sa.Connection, now: datetime) -> int:
    """Forget them, within the caller's ledger transaction; tells how many alerts."""
    gone = sa.select(alerts.c.alert_id).where(
        alerts.c.state == AlertState.RECOVERED.value, alerts.c.recovered_at < now - KEPT
    )
    over = sa.or_(notices.c.sent_at.is_not(None), notices.c.gave_up_at.is_not(None))
    waits = sa.select(notices.c.alert_id).where(notices.c.alert_id.is_not(None), sa.not_(over))
    con.execute(sa.delete(notices).where(over, notices.c.alert_id.in_(gone)))
    con.execute(sa.delete(notices).where(over, notices.c.alert_id.is_(None), notices.c.made_at < now - KEPT))
    return con.execute(sa.delete(alerts).where(alerts.c.alert_id.in_(gone), alerts.c.alert_id.not_in(waits))).rowcount


def daily(con: sa.Connection, now: datetime) -> int:
    """`prune`, once a day at most."""
    last = con.execute(sa.select(notes.c.at).where(notes.c.name == _PRUNED)).scalar_one_or_none()
    if last is not None and timedelta(0) <= now - last < _EVERY:
        return 0
    gone = prune(con, now)
    con.execute(sa.delete(notes).where(notes.c.name == _PRUNED))
    con.execute(notes.insert().values(name=_PRUNED, value=str(gone), at=now))
    return gone
