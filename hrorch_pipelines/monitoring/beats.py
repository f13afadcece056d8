"""Heartbeats: written by the sensor that watches and by services, read by whoever looks. Silence is a failure.

A sensor that crashes, or a daemon that stopped, tells nobody by itself; another process that reads this does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.monitoring.scene import Scene, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.words import many, moment
from hrorch_pipelines.storage.ledger_tables import heartbeats

DAEMON = "daemon "
CRITICAL = ("daemon", "monitor")
"""Without these nothing runs, or nobody watches."""
FAILS_TO_TELL = 2
"""Ticks in a row: one may fail by a restart."""


@dataclass(frozen=True)
class Beat:
    """A sign of life: `daemon SENSOR`, `sensor push_payroll_when_due`, `monitor`.

    `every`: it should come again within so long; None when it has no rhythm (a schedule). `failures`: ticks in a row that
    failed, the first at `failing_since`; `fault` is the error's class, never its words.
    """

    name: str
    at: datetime
    every: timedelta | None = None
    failures: int = 0
    failing_since: datetime | None = None
    fault: str | None = None


def write(con: sa.Connection, beats: Sequence[Beat], *, instead_of: Sequence[str] = ()) -> None:
    """Note them. Names that begin as `instead_of` says and are not among them are gone: nobody expects them any more."""
    names = [beat.name for beat in beats]
    for prefix in instead_of:
        con.execute(sa.delete(heartbeats).where(heartbeats.c.name.startswith(prefix), heartbeats.c.name.not_in(names)))
    for beat in beats:
        detail = {
            "every": beat.every.total_seconds() if beat.every else None,
            "failures": beat.failures,
            "failing_since": beat.failing_since.isoformat() if beat.failing_since else None,
            "fault": beat.fault,
        }
        values = {"at": beat.at, "detail": json.dumps(detail)}
        if con.execute(sa.update(heartbeats).where(heartbeats.c.name == beat.name).values(**values)).rowcount == 0:
            con.execute(heartbeats.insert().values(name=beat.name, **values))


def read(con: sa.Connection) -> list[Beat]:
    """Every sign of life there is, by name. Those of other writers, with a detail of their own, have no rhythm."""
    return [_beat(*row) for row in con.execute(sa.select(heartbeats).order_by(heartbeats.c.name)).all()]


def last(con: sa.Connection, name: str) -> datetime | None:
    """When something gave its last sign of life."""
    return con.execute(sa.select(heartbeats.c.at).where(heartbeats.c.name == name)).scalar_one_or_none()


def silent(scene: Scene) -> Iterator[Trouble]:
    """Whatever gave a sign of life once and gives none now; and what is alive and fails.

    When the daemon is silent it is one failure, however many sensors are silent with it.
    """
    beats = read(scene.ledger)
    late = {beat.name: until for beat in beats if (until := _until(scene, beat)) is not None and until < scene.now}
    daemons = [name for name in late if name.startswith(DAEMON)]
    if daemons:
        yield _silence(scene, "daemon", "Dagster's daemon, or its sensor `watch`", min(late[name] for name in daemons))
    for beat in beats:
        if beat.name in late:
            if not daemons or not beat.name.startswith((DAEMON, "sensor ")):
                yield _silence(scene, beat.name, beat.name, late[beat.name])
        elif beat.failures >= FAILS_TO_TELL:
            yield Trouble(
                f"tick:{beat.name}",
                Watch.TICK,
                "error",
                owner_of(scene.stack),
                f"{beat.name} fails: {many(beat.failures, 'tick')} in a row ({beat.fault or 'unknown'}).",
                "Its last ticks in Dagster show why. What it would start waits; nothing is lost.",
                since=beat.failing_since,
            )


def _until(scene: Scene, beat: Beat) -> datetime | None:
    """When the next sign of life is due at the latest."""
    return beat.at + max(scene.stack.alerts.watch.heartbeat, 2 * beat.every) if beat.every else None


def _silence(scene: Scene, name: str, called: str, until: datetime) -> Trouble:
    return Trouble(
        f"heartbeat:{name}",
        Watch.HEARTBEAT,
        "critical" if name in CRITICAL else "error",
        owner_of(scene.stack),
        f"No sign of life from {called}; one was due by {moment(until)}.",
        "See whether `dagster-daemon` runs (in Dagster: Deployment, Daemons) and whether it was switched off.",
        since=until,
    )


def _beat(name: str, at: datetime, detail: str | None) -> Beat:
    try:
        told = json.loads(detail or "{}")
    except ValueError:
        told = {}  # another room's words
    if not isinstance(told, dict):
        told = {}
    since = told.get("failing_since")
    return Beat(
        name,
        at,
        timedelta(seconds=told["every"]) if told.get("every") else None,
        int(told.get("failures") or 0),
        datetime.fromisoformat(since) if since else None,
        told.get("fault"),
    )
