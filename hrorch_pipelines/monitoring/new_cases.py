"""Reviewers are told of new cases: one message each, however many there are. When it reaches them, the cases say so."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.exceptions.moves import notify
from hrorch_pipelines.exceptions.terms import LIVE
from hrorch_pipelines.monitoring import notices
from hrorch_pipelines.monitoring.terms import Change
from hrorch_pipelines.monitoring.words import many
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.ledger_tables import notices as written
from hrorch_pipelines.storage.sealed import Seals

LISTED = 15
"""Kinds of case named in a message; the rest is counted."""

_NEW = (cases.c.state.in_([state.value for state in LIVE]), cases.c.notified_at.is_(None))


def write(con: sa.Connection, stack: Stack, now: datetime) -> int:
    """Queue a message to every reviewer with cases nobody told them of; tells how many messages are new.

    While a message is on its way, no other is written: what is found meanwhile stands in the next.
    """
    under_way = set(
        con.execute(
            sa.select(written.c.recipient).where(
                written.c.change == Change.CASES.value, written.c.sent_at.is_(None), written.c.gave_up_at.is_(None)
            )
        ).scalars()
    )
    found: dict[str, Counter[str]] = {}
    for reviewer, what, count in con.execute(
        sa.select(cases.c.reviewer, cases.c.what, sa.func.count()).where(*_NEW).group_by(cases.c.reviewer, cases.c.what)
    ).all():
        found.setdefault(reviewer, Counter())[what] += count
    made = 0
    for reviewer, kinds in sorted(found.items()):
        if reviewer in stack.people and reviewer not in under_way:
            made += notices.write(con, stack, _message(reviewer, kinds, now), now)
    return made


def reached(con: sa.Connection, seals: Seals, stack: Stack, row: notices.Row, now: datetime) -> int:
    """The message got through: its cases are known to their reviewer from now on."""
    mine = con.execute(
        sa.select(cases.c.case_id).where(*_NEW, cases.c.reviewer == row.recipient, cases.c.detected_at <= row.made_at)
    ).scalars()
    return notify(con, seals, stack, list(mine), now)


def _message(reviewer: str, kinds: Counter[str], now: datetime) -> notices.Message:
    count = kinds.total()
    lines = [f"{number:>5} × {what}" for what, number in kinds.most_common(LISTED)]
    if len(kinds) > LISTED:
        lines.append(f"and {many(count - sum(number for _, number in kinds.most_common(LISTED)), 'other')}.")
    lines += ["", f"`hrorch exceptions list --reviewer {reviewer}` shows them, with what to do about each."]
    title = f"{many(count, 'new case waits', 'new cases wait')} for you"
    return notices.Message(None, Change.CASES, reviewer, "warning", title, "\n".join(lines), subject=now.isoformat())
