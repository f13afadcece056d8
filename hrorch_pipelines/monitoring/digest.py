"""The daily digest: at `alerts.digest_at` each owner gets one list of what is open, once a day."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hrorch_pipelines.exceptions.routing import present
from hrorch_pipelines.monitoring import notices, texts
from hrorch_pipelines.monitoring.alerts import open_alerts
from hrorch_pipelines.monitoring.terms import Change
from hrorch_pipelines.stack.models import Stack


def write(con: sa.Connection, stack: Stack, now: datetime) -> int:
    """Queue today's digests when their time has come; tells how many messages are new. Nothing open: nobody is bothered."""
    if stack.alerts.digest_at is None:
        return 0
    local = now.astimezone(ZoneInfo(stack.organization.time_zone))
    if local.time() < time.fromisoformat(stack.alerts.digest_at):
        return 0
    lists: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for alert in open_alerts(con):
        owner = alert.owner
        lists[present(stack, owner, local.date()) if owner in stack.people else owner].append(alert)
    made = 0
    for owner, mine in sorted(lists.items()):
        title, body = texts.digest(mine, now)
        message = notices.Message(None, Change.DIGEST, owner, "warning", title, body, subject=local.date().isoformat())
        made += notices.write(con, stack, message, now)
    return made
