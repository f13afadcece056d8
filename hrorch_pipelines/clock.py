"""The only place that reads the time. Logic takes a `Clock`, so tests and replays can choose it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time; aware, in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class OffsetClock:
    """The machine's clock, moved: for rehearsing on another day, while time goes on."""

    offset: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@dataclass
class SetClock:
    """A clock that stands where it was put; for tests, replays and `--as-of`."""

    at: datetime

    def now(self) -> datetime:
        return self.at.astimezone(UTC)


def local_date(moment: datetime, time_zone: str) -> date:
    """The calendar date of a moment in an IANA zone: HR dates turn at local midnight, not at UTC's."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def end_of_day(day: date, time_zone: str) -> datetime:
    """The midnight that ends a day in an IANA zone, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(time_zone)).astimezone(UTC)
