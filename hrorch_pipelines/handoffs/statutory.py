"""Which rule of law counts, and until when one has to wait. What is done about a case is in `screening`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hrorch_pipelines.exceptions.calendar import add_working
from hrorch_pipelines.stack.handing import StatutoryRule
from hrorch_pipelines.stack.models import Organization, Stack

EVERYWHERE = "*"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Wait:
    """Nobody may act between two moments (UTC); `not_before` is the first whole day after it, in the organization's time zone."""

    begins: datetime
    ends: datetime
    not_before: date


def rule_for(stack: Stack, jurisdiction: str | None, day: date) -> StatutoryRule | None:
    """The newest rule of a jurisdiction that has begun by `day`, else the newest of everywhere; None where nothing is declared.

    Of two that begin on the same day the one written last counts.
    """
    begun = [rule for rule in stack.screening.rules if date.fromisoformat(rule.since) <= day]
    for place in (jurisdiction, EVERYWHERE):
        found = [rule for rule in begun if place is not None and _same(rule.jurisdiction, place)]
        if found:
            return max(enumerate(found), key=lambda numbered: (numbered[1].since, numbered[0]))[1]
    return None


def wait_after(done_on: date, wait: timedelta | None, *, working: bool, organization: Organization) -> Wait | None:
    """The wait that follows a step done on a day; None without one. It is counted from the end of that day, in whole days:
    what falls into a day ends with it. `working`: only working days count, by the organization's calendar."""
    if not wait:
        return None
    zone = ZoneInfo(organization.time_zone)
    begins = _midnight(done_on + _DAY, zone)
    if working:
        not_before = add_working(begins, wait, organization).astimezone(zone).date() + _DAY
    else:
        # Days are days of the calendar, also where the clocks change in between.
        not_before = done_on + _DAY + timedelta(days=wait.days + bool(wait % _DAY))
    return Wait(begins, _midnight(not_before, zone), not_before)


def _same(declared: str, given: str) -> bool:
    return declared.strip().casefold() == given.strip().casefold()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
