"""M4, exception resolution time (METRICS.md): closed − opened, in elapsed and in working hours; and how old what is open is.

Closed means confirmed: the gate passes and the value landed. Reopening continues the clock, since `detected_at` stays. What is
open is right-censored, never dropped: mean, median and p90 are of closed cases, the Kaplan–Meier median is of all. Time in
which the law lets nobody act on a case (`screenings`) is no time to resolve it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.exceptions.calendar import working_between
from hrorch_pipelines.exceptions.terms import CaseState
from hrorch_pipelines.stack.models import Organization, Stack
from hrorch_pipelines.storage.ledger_tables import cases, screenings

DEFINITION = "M4 v1"
FEWEST = 30
"""Below so many cases a figure says `insufficient data` beside it (METRICS.md)."""

BANDS = ((8.0, "up to 1 working day"), (24.0, "1 to 3 working days"), (40.0, "3 to 5 working days"))
"""Upper bounds in hours of an eight-hour day, scaled to the organization's; whatever is older is `older`."""

OLDER = "more than 5 working days"


@dataclass(frozen=True)
class Spell:
    """One case's time: hours from opening to closing, or to now while it is open (`closed` False)."""

    elapsed: float
    working: float
    closed: bool
    reviewer: str


@dataclass(frozen=True)
class Resolution:
    """M4 in hours. `kaplan_meier` is None while fewer than half would have been closed by any time seen."""

    clock: str
    closed: int
    open: int
    mean: float | None
    median: float | None
    p90: float | None
    kaplan_meier: float | None
    note: str | None


def spells(con: sa.Connection, stack: Stack, now: datetime) -> list[Spell]:
    """Every case's time so far. A waived case counts as open: it waits, for a known time and reason."""
    waits = _waits(con)
    c = cases.c
    alone = c.case_id.in_(sa.select(screenings.c.case_id).where(screenings.c.waits_until.is_not(None)))
    times = (c.detected_at, c.confirmed_at, c.state, c.reviewer)
    # Many cases begin and end with the same cycles: those are reckoned once, whatever their number.
    alike = con.execute(sa.select(*times, sa.func.count()).where(~alone).group_by(*times).order_by(*times)).all()
    waited = con.execute(sa.select(*times, c.case_id).where(alone).order_by(c.case_id)).all()
    found: list[Spell] = []
    for *row, number in alike:
        found += [_spell(stack.organization, now, row)] * number
    return found + [_spell(stack.organization, now, row, waits[case_id]) for *row, case_id in waited]


def resolution_times(found: Sequence[Spell], *, censored: bool = True) -> list[Resolution]:
    """M4 by both clocks: elapsed hours, and working hours of the organization. Without `censored` no Kaplan–Meier median,
    whose library takes longer to load than a page takes to write."""
    return [
        _resolution("elapsed hours", [(one.elapsed, one.closed) for one in found], censored=censored),
        _resolution("working hours", [(one.working, one.closed) for one in found], censored=censored),
    ]


def ageing(found: Sequence[Spell], stack: Stack) -> list[tuple[str, str, int]]:
    """(reviewer, age band, open cases), youngest band first; bands are working time since the case was opened."""
    day = _day_hours(stack.organization)
    counts = Counter((one.reviewer, _band(one.working, day)) for one in found if not one.closed)
    order = [label for _, label in BANDS] + [OLDER]
    return sorted(
        ((reviewer, band, n) for (reviewer, band), n in counts.items()), key=lambda row: (row[0], order.index(row[1]))
    )


def kaplan_meier_median(times: Sequence[tuple[float, bool]]) -> float | None:
    """The time by which half are closed, open ones counted as not closed yet (product-limit estimate); None when never seen."""
    if not any(closed for _, closed in times):
        return None
    from scipy import stats

    sample = stats.CensoredData.right_censored([time for time, _ in times], [not closed for _, closed in times])
    survival = stats.ecdf(sample).sf
    reached = survival.quantiles[survival.probabilities <= 0.5]
    return float(reached[0]) if len(reached) else None


def _waits(con: sa.Connection) -> dict[str, list[tuple[datetime, datetime]]]:
    """Case → when nobody was allowed to act on it (`screenings`); such times do not overlap."""
    s = screenings.c
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    query = sa.select(s.case_id, s.waits_from, s.waits_until, s.ended_at).where(s.waits_until.is_not(None))
    for case_id, begins, ends, ended in con.execute(query).all():
        found.setdefault(case_id, []).append((begins, min(ends, ended) if ended else ends))
    return found


def _spell(
    organization: Organization, now: datetime, row: Sequence[Any], waits: Sequence[tuple[datetime, datetime]] = ()
) -> Spell:
    """`row`: detected at, confirmed at, state, reviewer."""
    detected, confirmed, state, reviewer = row
    closed = state == CaseState.CONFIRMED and confirmed is not None
    end = max(confirmed if closed else now, detected)
    elapsed, worked = end - detected, working_between(detected, end, organization)
    for begins, ends in waits:
        first, last = max(begins, detected), min(ends, end)
        if last > first:
            elapsed, worked = elapsed - (last - first), worked - working_between(first, last, organization)
    return Spell(elapsed.total_seconds() / 3600, worked.total_seconds() / 3600, closed, reviewer)


def _resolution(clock: str, times: list[tuple[float, bool]], *, censored: bool) -> Resolution:
    closed = [time for time, over in times if over]
    few = f"insufficient data: {len(closed)} closed" if len(closed) < FEWEST else None
    if not closed:
        return Resolution(clock, 0, len(times), None, None, None, None, few)
    import numpy as np

    return Resolution(
        clock,
        len(closed),
        len(times) - len(closed),
        float(np.mean(closed)),
        float(np.median(closed)),
        float(np.percentile(closed, 90)),
        kaplan_meier_median(times) if censored else None,
        few,
    )


def _band(working: float, day: float) -> str:
    return next((label for bound, label in BANDS if working <= bound * day / 8), OLDER)


def _day_hours(organization: Organization) -> float:
    opens, closes = (int(part[:2]) + int(part[3:]) / 60 for part in organization.work_hours.split("-"))
    return (closes - opens) % 24 or 24.0
