"""What the page is about, and how its moments, spans and sums are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb

from hrorch_pipelines.reports.masked import pay_is_masked, rounded
from hrorch_pipelines.stack.models import Stack


@dataclass(frozen=True)
class Scene:
    """What the page is about: the published copy, the stack, the cycle, and the zone its moments are told in."""

    con: duckdb.DuckDBPyConnection = field(repr=False)
    stack: Stack = field(repr=False)
    cycle_id: str
    as_of: date
    now: datetime

    def moment(self, at: datetime | None) -> str:
        """A moment on the organization's clock."""
        return f"{at.astimezone(ZoneInfo(self.stack.organization.time_zone)):%Y-%m-%d %H:%M %Z}" if at else ""

    def day(self, at: datetime | None) -> str:
        """The organization's day of a moment."""
        return f"{at.astimezone(ZoneInfo(self.stack.organization.time_zone)):%Y-%m-%d}" if at else ""

    def sum(self, amount: Decimal, persons: int) -> str:
        """A sum of money over some persons, told without telling anyone's pay."""
        return rounded(amount, persons, masked=pay_is_masked(self.stack))


def day_words(day: date) -> str:
    """`7 July 2026`."""
    return f"{day.day} {day:%B %Y}"


def span(span: timedelta) -> str:
    """`2 h`, `3 d`, `45 min`."""
    minutes = round(span.total_seconds() / 60)
    if minutes >= 48 * 60:
        return f"{minutes / 1440:.0f} d"
    return f"{minutes / 60:.0f} h" if minutes >= 120 else f"{minutes} min"
