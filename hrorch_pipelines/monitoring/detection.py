"""M3, mean time to detect workflow failures (METRICS.md): detected − occurred, over failures that occurred in a window.

What a look or a snapshot found lies between two moments: the upper bound and the midpoint are both told. What is not detected
yet is right-censored, never dropped; what nobody can date is counted beside.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.exceptions.durations import FEWEST, kaplan_meier_median
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.ledger_tables import alerts, cases

DEFINITION = "M3 v1"
ALL = "all"
_FOUND_BY_LOOKING = {"gate", "snapshot", "identity", "discrepancy"}
"""Cases that a snapshot shows; the others come from what we did ourselves, at a moment we know."""
_TWO = 2


@dataclass(frozen=True)
class Failure:
    """One failure: it occurred between two moments (the same, where known; None where nobody can say).

    `detected_at` None: not yet. `kind` is the watch, or `case: ` and where the case comes from.
    """

    kind: str
    earliest: datetime | None
    latest: datetime | None
    detected_at: datetime | None
    by_person: bool = False


@dataclass(frozen=True)
class Detection:
    """M3 of one kind, in minutes. failures = detected + undetected + undated.

    Mean, median and p90 are of detected ones: `…_upper` from the earliest moment it can have occurred, `…_midpoint` from the
    middle. `kaplan_meier` is the median with undetected ones right-censored; None while fewer than half are detected.
    """

    kind: str
    failures: int
    detected: int
    undetected: int
    undated: int
    mean_upper: float | None
    median_upper: float | None
    p90_upper: float | None
    mean_midpoint: float | None
    median_midpoint: float | None
    p90_midpoint: float | None
    kaplan_meier: float | None
    by_people: int
    note: str | None

    @property
    def share_by_people(self) -> float | None:
        """Of all detected ones, undated included."""
        known = self.detected + self.undated
        return self.by_people / known if known else None


def failures(
    con: sa.Connection, published: duckdb.DuckDBPyConnection | None = None, *, since: datetime | None = None
) -> list[Failure]:
    """Every failure the ledger knows: alerts, and cases. Alerts about overdue cases are no failures of their own.

    `published` knows between which snapshots a case came to be; without it such a case is undated. `since` leaves out cases
    that occurred and were detected before: what is not in a window that begins there.
    """
    looks = _looks(published)
    c = cases.c
    wanted = [sa.or_(c.detected_at >= since, c.occurred_at >= since)] if since is not None else []
    rows = con.execute(sa.select(c.source, c.system, c.occurred_at, c.detected_at).where(*wanted)).all()
    return [*_of_alerts(con), *(_of_case(*row, looks) for row in rows)]


def detection(
    found: Sequence[Failure], now: datetime, window: timedelta | None = None, *, censored: bool = True
) -> list[Detection]:
    """M3 of all failures, then of each kind. In the window: what occurred (its midpoint; undated: was detected) since then.

    Without `censored` no Kaplan–Meier median, whose library takes long to load.
    """
    begin = now - window if window else None
    inside = [one for one in found if begin is None or _when(one, now) >= begin]
    kinds: defaultdict[str, list[Failure]] = defaultdict(list)
    for one in inside:
        kinds[one.kind].append(one)
    told = {ALL: inside, **{kind: kinds[kind] for kind in sorted(kinds)}}
    return [_detection(kind, some, now, censored=censored) for kind, some in told.items()]


def _of_alerts(con: sa.Connection) -> Iterator[Failure]:
    a = alerts.c
    query = sa.select(a.watch, a.not_before, a.since, a.detected_at, a.detail).where(a.watch != Watch.OVERDUE.value)
    for row in con.execute(query).all():
        told = json.loads(row.detail or "{}")
        dated = told.get("occurrence") != "unknown"
        earliest, latest = (row.not_before, row.since) if dated else (None, None)
        yield Failure(row.watch, earliest, latest, row.detected_at, "found_by" in told)


def _of_case(
    source: str, system: str | None, occurred: datetime | None, detected: datetime, looks: dict[str, list[datetime]]
) -> Failure:
    """The source's own stamp dates it; else it came to be between the snapshot that shows it and the one before."""
    kind = f"case: {source}"
    if source not in _FOUND_BY_LOOKING:
        return Failure(kind, occurred, occurred, detected)
    known = looks.get(system or "", [])
    at = bisect_right(known, detected)
    if at and occurred is not None and occurred < known[at - 1]:
        return Failure(kind, occurred, occurred, detected)
    before = known[at - 2] if at >= _TWO else None  # what the very first snapshot shows nobody can date
    return Failure(kind, before, known[at - 1] if before else None, detected)


def _looks(published: duckdb.DuckDBPyConnection | None) -> dict[str, list[datetime]]:
    """System → when its snapshots were taken, in order."""
    looks: defaultdict[str, list[datetime]] = defaultdict(list)
    if published is not None and has_table(published, "history", "snapshots"):
        rows = published.execute("SELECT system, observed_at FROM history.snapshots ORDER BY observed_at").fetchall()
        for system, at in rows:
            looks[system].append(at)
    return looks


def _detection(kind: str, found: Sequence[Failure], now: datetime, *, censored: bool) -> Detection:
    import numpy as np

    dated = [one for one in found if one.earliest is not None]
    seen = [one for one in dated if one.detected_at is not None]
    upper = [_minutes(one.earliest, one.detected_at) for one in seen]
    middle = [(_minutes(one.earliest, one.detected_at) + _minutes(one.latest, one.detected_at)) / 2 for one in seen]
    times = [(minutes, True) for minutes in upper]
    times += [(_minutes(one.earliest, now), False) for one in dated if one.detected_at is None]
    undetected = len(dated) - len(seen)

    def told(values: list[float]) -> tuple[float | None, float | None, float | None]:
        if not values:
            return None, None, None
        return float(np.mean(values)), float(np.median(values)), float(np.percentile(values, 90))

    return Detection(
        kind,
        len(found),
        len(seen),
        undetected,
        len(found) - len(dated),
        *told(upper),
        *told(middle),
        kaplan_meier_median(times) if censored else None,
        sum(one.by_person for one in found),
        f"insufficient data: {len(seen)} detected" if len(seen) < FEWEST else None,
    )


def _when(one: Failure, now: datetime) -> datetime:
    if one.earliest is None or one.latest is None:
        return one.detected_at or now
    return one.earliest + (one.latest - one.earliest) / 2


def _minutes(begin: datetime | None, end: datetime | None) -> float:
    if begin is None or end is None:
        raise ValueError("only what is dated has a length")
    return max(0.0, (end - begin).total_seconds() / 60)
