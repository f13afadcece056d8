"""What a message says: what failed, since when, whom it affects, what to do. Counts and names of systems, never a person's value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.monitoring.terms import Change
from hrorch_pipelines.monitoring.words import ago, many, moment

_HEADINGS = {
    Change.RAISED: "",
    Change.WORSENED: "Worse: ",
    Change.ESCALATED: "Still open: ",
    Change.RECOVERED: "Recovered: ",
}
_ONES = {
    "corrections": "correction", "persons": "person", "cases": "case", "records": "record", "snapshots": "snapshot",
    "messages": "message", "actions": "action", "steps": "step", "events": "event",
}  # fmt: skip


def title(change: Change, severity: str, what: str) -> str:
    """One line: `[critical] Still open: …`."""
    return f"[{severity}] {_HEADINGS.get(change, '')}{what}"


def body(alert: sa.Row[Any], change: Change, now: datetime, *, deputy_of: str | None = None) -> str:
    """The message about one change of an alert (a row of `alerts`)."""
    lines = [alert.what, "", f"Since: {moment(alert.since)} ({ago(now - alert.since)})"]
    if change is Change.RECOVERED:
        lines[2] = f"It lasted from {moment(alert.since)} to {moment(now)}."
    affected = affects(alert.detail)
    if affected:
        lines.append(f"Affects: {affected}")
    lines.append(f"Owner: {alert.owner}")
    if change is not Change.RECOVERED:
        lines.append(f"What to do: {alert.action}")
    if deputy_of is not None:
        lines.append(f"You are told because you are the deputy of {deputy_of} and it has been open since then.")
    lines.append(f"Alert {alert.alert_id}")
    return "\n".join(lines)


def digest(open_alerts: Sequence[sa.Row[Any]], now: datetime) -> tuple[str, str]:
    """Title and body of an owner's daily list, the gravest and oldest first."""
    lines = [
        f"{number}. [{alert.severity}] {alert.what} Since {moment(alert.since)} ({ago(now - alert.since)}).\n"
        f"   What to do: {alert.action}"
        for number, alert in enumerate(open_alerts, start=1)
    ]
    return f"{many(len(open_alerts), 'thing is', 'things are')} open", "\n".join(lines)


def affects(detail: str | None) -> str:
    """`12 corrections, 7 persons`; empty when nothing is counted."""
    counts = json.loads(detail or "{}").get("affects", {})
    return ", ".join(many(n, _ONES.get(name, name), name) for name, n in counts.items())
