"""Working time: when work time of some length is over, and how much of it lies between two moments.

A working day is the `work_hours` of a day of the `work_week` that is no holiday, in the organization's time zone. Hours that
pass midnight belong to the day they begin on. Spans are laid in UTC, so a day on which the clocks change has the hours it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from hrorch_pipelines.stack.models import Organization

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_LONGEST_PAUSE = 400
"""Days in a row without work after which a calendar is taken to have none at all."""


def add_working(start: datetime, duration: timedelta, organization: Organization) -> datetime:
    """The first moment (UTC) by which `duration` of working time has passed since `start`.

    Whole days of the duration are working days (`1d` = the length of `work_hours`), the rest is working hours.
    """
    calendar = _calendar_of(organization)
    left = calendar.length(duration)
    moment = start.astimezone(UTC)
    if left <= timedelta(0):
        return moment
    for opens, closes in calendar.spans(moment):
        begin = max(opens, moment)
        if begin + left <= closes:
            return begin + left
        left -= max(closes - begin, timedelta(0))
    return moment + left


def working_between(start: datetime, end: datetime, organization: Organization) -> timedelta:
    """Working time between two moments; nothing when `end` is not after `start`."""
    calendar = _calendar_of(organization)
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    total = timedelta(0)
    if last <= first:
        return total
    for opens, closes in calendar.spans(first):
        if opens >= last:
            break
        total += max(min(closes, last) - max(opens, first), timedelta(0))
    return total


@dataclass(frozen=True)
class _Calendar:
    zone: ZoneInfo
    week: frozenset[int]
    opens: time
    closes: time
    overnight: bool
    holidays: Any
    _known: dict[date, tuple[datetime, datetime] | None] = field(default_factory=dict, repr=False)

    def length(self, duration: timedelta) -> timedelta:
        """A declared duration in hours of work."""
        nominal = datetime.combine(date(2000, 1, 3), self.opens)
        until = datetime.combine(date(2000, 1, 4 if self.overnight else 3), self.closes)
        return duration.days * (until - nominal) + timedelta(
            seconds=duration.seconds, microseconds=duration.microseconds
        )

    def spans(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening and closing (UTC) of the working days from the one before `moment` on, without end."""
        day = moment.astimezone(self.zone).date() - _DAY
        pause = 0
        while pause < _LONGEST_PAUSE:
            if day not in self._known:
                self._known[day] = self._span(day)
            span = self._known[day]
            pause = 0 if span else pause + 1
            if span:
                yield span
            day += _DAY

    def _span(self, day: date) -> tuple[datetime, datetime] | None:
        if day.weekday() not in self.week or (self.holidays is not None and day in self.holidays):
            return None
        last = day + _DAY if self.overnight else day
        opens = datetime.combine(day, self.opens, self.zone).astimezone(UTC)
        closes = datetime.combine(last, self.closes, self.zone).astimezone(UTC)
        return (opens, closes) if closes > opens else None


def _calendar_of(organization: Organization) -> _Calendar:
    return _calendar(organization.time_zone, organization.work_week, organization.work_hours, organization.holidays)


@lru_cache(maxsize=16)
def _calendar(zone: str, week: str, hours: str, country: str | None) -> _Calendar:
    first, last = (DAYS.index(day) for day in week.split("-"))
    opens, closes = (time.fromisoformat("00:00" if part == "24:00" else part) for part in hours.split("-"))
    return _Calendar(
        ZoneInfo(zone),
        frozenset((first + step) % 7 for step in range((last - first) % 7 + 1)),
        opens,
        closes,
        closes <= opens,
        _holidays(country),
    )


def _holidays(country: str | None) -> Any:
    if country is None:
        return None
    import holidays

    name, _, part = country.partition("-")
    return holidays.country_holidays(name, subdiv=part or None)
