"""Watches over what is kept: disk space, how fast the stores grow, and whether the audit log is still signed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from hrorch_pipelines.audit import heads
from hrorch_pipelines.monitoring.scene import Scene, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.words import ago, moment, size
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger_tables import audit_log, notes

SIZES = "store_sizes"
"""The note that keeps how large the home was, per day: `{"2026-03-02": bytes}`."""
KEPT_DAYS = 14
FEWEST_DAYS = 3
MEASURED_EVERY = timedelta(hours=1)
"""Walking a large home every minute would be a load of its own."""


def disk(scene: Scene) -> Iterator[Trouble]:
    """Too little of the disk under the home is free."""
    usage, least = shutil.disk_usage(_existing(scene.home.root)), scene.stack.alerts.watch.disk_free
    share = usage.free / usage.total if usage.total else 1.0
    if share < least:
        yield Trouble(
            "disk",
            Watch.DISK,
            "critical" if share < least / 2 else "error",
            owner_of(scene.stack),
            f"Less than {least:.0%} of the disk is free where the run-time folder lies ({size(usage.free)}).",
            "Make room, or keep snapshots for a shorter time; a full disk stops every cycle.",
        )


def growth(scene: Scene) -> Iterator[Trouble]:
    """At the pace of the last days the disk will be full before long."""
    days = sizes(scene.ledger)
    known = sorted(days)
    if len(known) < FEWEST_DAYS:
        return
    first, last = known[0], known[-1]
    passed = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).days
    pace = (days[last] - days[first]) / passed
    free, within = shutil.disk_usage(_existing(scene.home.root)).free, scene.stack.alerts.watch.disk_full
    if pace > 0 and free / pace < within / timedelta(days=1):
        yield Trouble(
            "growth",
            Watch.GROWTH,
            "error",
            owner_of(scene.stack),
            f"The run-time folder grows so fast ({size(pace)} a day) that the disk is full in less than {ago(within)}.",
            "See which store grows (snapshots, warehouse, ledger), and whether pruning and retention run.",
        )


def audit_head(scene: Scene) -> Iterator[Trouble]:
    """The audit log has entries that no signed head covers, for too long."""
    at, within = audit_log.c.at, scene.stack.alerts.watch.audit_head
    signed = _signed(heads.newest(heads.default_folder(scene.home)))
    query = sa.select(sa.func.min(audit_log.c.sequence))
    if signed is not None:
        query = query.where(audit_log.c.sequence > signed[0])
    first = scene.ledger.execute(query).scalar()
    if first is None:
        return
    began = scene.ledger.execute(sa.select(at).where(audit_log.c.sequence == first)).scalar_one()
    if scene.now - began > within:
        told = f"since {moment(signed[1])}" if signed else "at all"
        yield Trouble(
            "audit_head",
            Watch.AUDIT_HEAD,
            "error",
            owner_of(scene.stack),
            f"The end of the audit log has not been signed {told}; it is expected within {ago(within)}.",
            "See the last runs of the job `audit_head` in Dagster; `hrorch audit verify` proves the log, `hrorch audit head` signs it.",
            since=began + within,
        )


def sizes(con: sa.Connection) -> dict[str, int]:
    """How many bytes the home took at the end of each of the last days."""
    note = con.execute(sa.select(notes.c.value).where(notes.c.name == SIZES)).scalar_one_or_none()
    return json.loads(note) if note else {}


def measure_due(con: sa.Connection, now: datetime) -> bool:
    """Whether it is time to measure again."""
    at = con.execute(sa.select(notes.c.at).where(notes.c.name == SIZES)).scalar_one_or_none()
    return at is None or not timedelta(0) <= now - at < MEASURED_EVERY


def note_size(con: sa.Connection, taken: int, now: datetime) -> None:
    """Keep today's size, and those of the days before."""
    days = sizes(con) | {now.astimezone(UTC).date().isoformat(): taken}
    kept = {day: days[day] for day in sorted(days)[-KEPT_DAYS:]}
    con.execute(sa.delete(notes).where(notes.c.name == SIZES))
    con.execute(notes.insert().values(name=SIZES, value=json.dumps(kept), at=now))


def taken(home: Home) -> int:
    """Bytes of all files under the home. Files that go away meanwhile count for nothing."""
    total = 0
    for folder, _, files in os.walk(home.root):
        for name in files:
            try:
                total += (Path(folder) / name).stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total


def _signed(file: Path | None) -> tuple[int, datetime] | None:
    """Sequence and time of a head, as its name says."""
    if file is None:
        return None
    sequence, _, at = file.stem.removeprefix("audit-head-").partition("-")
    return int(sequence), datetime.strptime(at, "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)


def _existing(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.exists())
