"""Alerts as they come and go: raised once, worsened, escalated to the deputy, recovered. Written before anybody is told.

What is wrong is found by `watches`; messages are queued in `notices`, in the same transaction.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions.routing import present, stand_in
from hrorch_pipelines.monitoring import notices, texts
from hrorch_pipelines.monitoring.terms import RANK, AlertState, Change, Trouble, Watch
from hrorch_pipelines.monitoring.watches import Seen
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import alerts
from hrorch_pipelines.storage.sealed import Seals

_ACTIONS = {
    Change.RAISED: Action.ALERT_RAISED,
    Change.WORSENED: Action.ALERT_WORSENED,
    Change.ESCALATED: Action.ALERT_ESCALATED,
    Change.RECOVERED: Action.ALERT_RECOVERED,
}


@dataclass
class Noted:
    """What one pass changed. `open` alerts afterwards; `messages` queued for their owners."""

    raised: int = 0
    worsened: int = 0
    recovered: int = 0
    escalated: int = 0
    open: int = 0
    messages: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.raised or self.worsened or self.recovered or self.escalated)


def note(con: sa.Connection, seals: Seals, stack: Stack, seen: Seen, now: datetime, looked: datetime | None) -> Noted:
    """Bring the alerts to what was seen, within the caller's ledger transaction. `looked`: when somebody looked last.

    The same thing wrong again and again is one alert until it has been right for `alerts.settle`; who is told hears of each
    change once. Kinds that nobody could look at stay as they are.
    """
    desk = _Desk(con, seals, stack, now, looked, Noted())
    known = {row.key: row for row in _open(con)}
    for trouble in seen.troubles:
        if trouble.key in known:
            desk.again(known[trouble.key], trouble)
        else:
            desk.begin(trouble)
    wrong = {trouble.key for trouble in seen.troubles}
    for key, row in known.items():
        if key in wrong or row.watch in seen.blind or row.watch == Watch.PERSON:
            continue
        if now - row.last_at >= stack.alerts.settle:
            desk.end(row)
    for row in _open(con):
        desk.noted.open += 1
        if row.escalated_at is None and now - row.detected_at >= stack.alerts.escalate_after:
            desk.escalate(row)
    return desk.noted


def noticed(ledger: Ledger, stack: Stack, trouble: Trouble, by: str) -> str:
    """Somebody found a failure that no watch had: it is an alert like any other, and counts as found by people (M3)."""
    now = ledger.clock.now()
    with ledger.write() as con:
        desk = _Desk(con, Seals(con, ledger.home.key(), now), stack, now, None, Noted())
        return desk.begin(trouble, found_by=by)


def over(ledger: Ledger, stack: Stack, alert_id: str) -> bool:
    """What somebody had found is over; False when there is no such open alert. `alert_id` may be its beginning."""
    now = ledger.clock.now()
    with ledger.write() as con:
        rows = [row for row in _open(con) if row.watch == Watch.PERSON and row.alert_id.startswith(alert_id)]
        if len(rows) != 1:
            return False
        _Desk(con, Seals(con, ledger.home.key(), now), stack, now, None, Noted()).end(rows[0])
        return True


def open_alerts(con: sa.Connection) -> list[sa.Row[Any]]:
    """Every open alert as a row of `alerts`, the gravest and oldest first."""
    return sorted(_open(con), key=lambda row: (-RANK[row.severity], row.since, row.key))


@dataclass
class _Desk:
    con: sa.Connection
    seals: Seals
    stack: Stack
    now: datetime
    looked: datetime | None
    noted: Noted

    def begin(self, trouble: Trouble, found_by: str | None = None) -> str:
        # A failure whose beginning nobody saw lies between the last look and this one; without a last look nobody can say.
        since = min(trouble.since or self.now, self.now)
        earliest = trouble.not_before or (self.looked if trouble.since is None else since) or since
        unknown = trouble.since is None and trouble.not_before is None and self.looked is None
        detail = {"affects": dict(trouble.affects)} | ({"occurrence": "unknown"} if unknown else {})
        if found_by is not None:
            detail["found_by"] = found_by
        alert_id = hashlib.sha256(f"{trouble.key}\x1f{self.now.isoformat()}".encode()).hexdigest()[:32]
        self.con.execute(
            alerts.insert().values(
                alert_id=alert_id,
                key=trouble.key,
                watch=trouble.watch.value,
                system=trouble.system,
                state=AlertState.OPEN.value,
                severity=trouble.severity,
                owner=trouble.owner,
                what=trouble.what,
                action=trouble.action,
                not_before=min(earliest, since),
                since=since,
                detected_at=self.now,
                last_at=self.now,
                detail=json.dumps(detail),
            )
        )
        self.noted.raised += 1
        self._tell(self._row(alert_id), Change.RAISED, {trouble.owner})
        return alert_id

    def again(self, row: sa.Row[Any], trouble: Trouble) -> None:
        detail = json.loads(row.detail or "{}") | {"affects": dict(trouble.affects)}
        self._set(
            row,
            last_at=self.now,
            severity=trouble.severity,
            owner=trouble.owner,
            what=trouble.what,
            action=trouble.action,
            detail=json.dumps(detail),
        )
        if RANK[trouble.severity] > RANK[row.severity]:
            self.noted.worsened += 1
            self._tell(self._row(row.alert_id), Change.WORSENED, {trouble.owner})

    def end(self, row: sa.Row[Any]) -> None:
        self._set(row, state=AlertState.RECOVERED.value, recovered_at=self.now)
        self.noted.recovered += 1
        self._tell(row, Change.RECOVERED, {row.owner, *notices.told(self.con, row.alert_id)})

    def escalate(self, row: sa.Row[Any]) -> None:
        deputy = stand_in(self.stack, row.owner, self._today()) if row.owner in self.stack.people else None
        if deputy is None or deputy == present(self.stack, row.owner, self._today()):
            return  # there is nobody else, or they have been told in the owner's place
        self._set(row, escalated_at=self.now)
        self.noted.escalated += 1
        self._tell(row, Change.ESCALATED, {deputy}, deputy_of=row.owner)

    def _tell(self, alert: sa.Row[Any], change: Change, people: set[str], deputy_of: str | None = None) -> None:
        """The change in the audit log, and a message to each of the people, or whoever stands in for them today."""
        entry = Entry(
            _ACTIONS[change],
            system=alert.system,
            detail={"alert_id": alert.alert_id, "watch": alert.watch, "severity": alert.severity},
        )
        append(self.con, self.seals, [entry], self.now, self.stack.content_hash)
        here = {present(self.stack, one, self._today()) if one in self.stack.people else one for one in people}
        for recipient in sorted(here):
            message = notices.Message(
                alert.alert_id,
                change,
                recipient,
                alert.severity,
                texts.title(change, alert.severity, alert.what),
                texts.body(alert, change, self.now, deputy_of=deputy_of),
            )
            self.noted.messages += notices.write(self.con, self.stack, message, self.now)

    def _today(self) -> Any:
        return local_date(self.now, self.stack.organization.time_zone)

    def _row(self, alert_id: str) -> sa.Row[Any]:
        return self.con.execute(sa.select(alerts).where(alerts.c.alert_id == alert_id)).one()

    def _set(self, row: sa.Row[Any], **values: Any) -> None:
        self.con.execute(sa.update(alerts).where(alerts.c.alert_id == row.alert_id).values(**values))


def _open(con: sa.Connection) -> list[sa.Row[Any]]:
    query = (
        sa.select(alerts).where(alerts.c.state == AlertState.OPEN.value).order_by(alerts.c.detected_at, alerts.c.key)
    )
    return list(con.execute(query).all())
