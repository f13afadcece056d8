"""Messages about alerts, written down before they are sent: one per change, person and address, never twice.

What is sent is in `deliver`; what it says, in `texts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.pacing import grown
from hrorch_pipelines.monitoring.addresses import channels, sendable_at
from hrorch_pipelines.monitoring.terms import Change
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import alerts, notices

Row = sa.Row[Any]
LEASE = timedelta(minutes=5)
"""So long one who sends has the message for themselves; a crash meanwhile, and it is sent again."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0
"""Seconds between two tries: doubled each time."""

_WAITING = (notices.c.sent_at.is_(None), notices.c.gave_up_at.is_(None))


@dataclass(frozen=True)
class Message:
    """What is to be told to whom. `subject` tells apart what the same change of the same alert does not: a day."""

    alert_id: str | None
    change: Change
    recipient: str
    severity: str
    title: str
    body: str
    subject: str = ""


def write(con: sa.Connection, stack: Stack, message: Message, now: datetime) -> int:
    """Queue a message to every address of its recipient; tells how many are new. None are when nobody has an address."""
    made = 0
    for channel in channels(stack, message.recipient):
        notice_id = _id(message, channel)
        if con.execute(sa.select(notices.c.notice_id).where(notices.c.notice_id == notice_id)).first() is not None:
            continue
        con.execute(
            notices.insert().values(
                notice_id=notice_id,
                alert_id=message.alert_id,
                change=message.change.value,
                recipient=message.recipient,
                channel=channel,
                severity=message.severity,
                title=message.title,
                body=message.body,
                made_at=now,
                due_at=sendable_at(stack, message.severity, now),
            )
        )
        made += 1
    return made


def claim(con: sa.Connection, now: datetime, most: int) -> list[Row]:
    """Take messages that are due, for `LEASE`: oldest first, and of one alert and address never a later before an earlier."""
    n, earlier = notices.c, notices.alias("earlier")
    blocked = (
        sa.select(earlier.c.notice_id)
        .where(
            earlier.c.alert_id == n.alert_id,
            earlier.c.channel == n.channel,
            earlier.c.recipient == n.recipient,
            earlier.c.sent_at.is_(None),
            earlier.c.gave_up_at.is_(None),
            earlier.c.made_at < n.made_at,
        )
        .exists()
    )
    rows = con.execute(
        sa.select(notices).where(*_WAITING, n.due_at <= now, ~blocked).order_by(n.made_at, n.notice_id).limit(most)
    ).all()
    for row in rows:
        con.execute(
            sa.update(notices).where(n.notice_id == row.notice_id).values(due_at=now + LEASE, attempts=row.attempts + 1)
        )
    return list(rows)


def sent(con: sa.Connection, row: Row, now: datetime) -> None:
    """It was delivered."""
    con.execute(sa.update(notices).where(notices.c.notice_id == row.notice_id).values(sent_at=now, fault=None))
    if row.alert_id is not None:
        con.execute(
            sa.update(alerts)
            .where(alerts.c.alert_id == row.alert_id, alerts.c.notified_at.is_(None))
            .values(notified_at=now)
        )


def failed(con: sa.Connection, stack: Stack, row: Row, fault: str, now: datetime) -> bool:
    """It was not: try again later, or, when it was tried for long enough, no more. Tells whether it was given up."""
    over: bool = now - row.made_at >= stack.alerts.keep_trying
    again = now + timedelta(seconds=grown(row.attempts + 1, first=FIRST_WAIT, longest=LONGEST_WAIT))
    con.execute(
        sa.update(notices)
        .where(notices.c.notice_id == row.notice_id)
        .values(fault=fault, due_at=again, gave_up_at=now if over else None)
    )
    return over


def waiting(con: sa.Connection) -> list[Row]:
    """Messages not delivered and not given up, oldest first."""
    return list(con.execute(sa.select(notices).where(*_WAITING).order_by(notices.c.made_at)).all())


def told(con: sa.Connection, alert_id: str) -> Sequence[str]:
    """Who was or will be told of an alert."""
    query = (
        sa.select(notices.c.recipient).where(notices.c.alert_id == alert_id).distinct().order_by(notices.c.recipient)
    )
    return list(con.execute(query).scalars())


def _id(message: Message, channel: str) -> str:
    parts = (
        message.alert_id or "",
        message.change.value,
        message.severity if message.change is Change.WORSENED else "",
        message.recipient,
        channel,
        message.subject,
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
