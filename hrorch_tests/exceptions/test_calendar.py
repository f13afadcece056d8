"""Working time, held against an oracle that walks the minutes one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrorch_pipelines.exceptions.calendar import DAYS, add_working, working_between
from hrorch_pipelines.stack.models import Organization
from hrorch_tests.drawing import drawn

MINUTE = timedelta(minutes=1)
CHICAGO = Organization(name="x", time_zone="America/Chicago", holidays="US")

organizations = st.builds(
    lambda zone, first, last, hours, country: Organization(
        name="x", time_zone=zone, work_week=f"{first}-{last}", work_hours=hours, holidays=country
    ),
    st.sampled_from(["America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    st.sampled_from(DAYS),
    st.sampled_from(DAYS),
    st.sampled_from(["09:00-17:00", "00:00-08:30", "22:00-06:00", "06:15-14:45", "00:00-24:00"]),
    st.sampled_from([None, "US", "DE-BY"]),
)
around_clock_changes = st.sampled_from(
    [
        datetime(2026, 3, 6, tzinfo=UTC),
        datetime(2026, 3, 27, tzinfo=UTC),
        datetime(2026, 10, 30, tzinfo=UTC),
        datetime(2026, 12, 23, tzinfo=UTC),
        datetime(2026, 4, 2, tzinfo=UTC),
    ]
)
moments = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    around_clock_changes,
    st.integers(0, 3 * 24 * 60),
)


def works(moment: datetime, organization: Organization) -> bool:
    """Whether the minute that begins at a moment is a working one: read off the wall clock, nothing computed."""
    import holidays

    wall = moment.astimezone(ZoneInfo(organization.time_zone))
    opens, closes = organization.work_hours.split("-")
    begin = time.fromisoformat(opens)
    end = time.fromisoformat("00:00" if closes == "24:00" else closes)
    day: date = wall.date()
    if end <= begin:
        inside = wall.time() >= begin or wall.time() < end
        if wall.time() < end and wall.time() < begin:
            day -= timedelta(days=1)
    else:
        inside = begin <= wall.time() < end
    first, last = (DAYS.index(name) for name in organization.work_week.split("-"))
    in_week = (day.weekday() - first) % 7 <= (last - first) % 7
    if organization.holidays:
        country, _, part = organization.holidays.partition("-")
        if day in holidays.country_holidays(country, subdiv=part or None, years=[day.year]):
            return False
    return inside and in_week


def minutes_between(start: datetime, end: datetime, organization: Organization) -> int:
    count, moment = 0, start
    while moment < end:
        count += works(moment, organization)
        moment += MINUTE
    return count


@settings(max_examples=drawn(25), deadline=None)
@given(organizations, moments, st.integers(0, 4 * 24 * 60))
def test_working_time_between_two_moments_is_the_minutes_counted(
    organization: Organization, start: datetime, length: int
) -> None:
    end = start + length * MINUTE
    assert working_between(start, end, organization) == minutes_between(start, end, organization) * MINUTE


@settings(max_examples=drawn(25), deadline=None)
@given(organizations, moments, st.integers(1, 23 * 60 + 59))
def test_adding_ends_at_the_first_moment_by_which_the_time_has_passed(
    organization: Organization, start: datetime, length: int
) -> None:
    left, moment = length, start
    while left:
        left -= works(moment, organization)
        moment += MINUTE
    assert add_working(start, length * MINUTE, organization) == moment


@settings(max_examples=drawn(20), deadline=None)
@given(organizations, moments, st.integers(0, 400), st.integers(0, 600))
def test_adding_in_two_steps_is_adding_at_once(organization: Organization, start: datetime, a: int, b: int) -> None:
    once = add_working(start, (a + b) * MINUTE, organization)
    assert add_working(add_working(start, a * MINUTE, organization), b * MINUTE, organization) == once


@pytest.mark.parametrize(
    ("start", "due", "expected"),
    [
        ("2026-03-02T16:00", timedelta(days=1), "2026-03-03T16:00"),  # Monday 10:00 → the same hour on Tuesday …
        ("2026-03-02T14:00", timedelta(days=1), "2026-03-02T23:00"),  # … and asked before opening: that day's end
        ("2026-03-06T20:00", timedelta(days=1), "2026-03-09T19:00"),  # over the weekend on which the clocks change
        ("2026-07-02T22:00", timedelta(hours=2), "2026-07-06T16:00"),  # over Independence Day, observed on Friday
        ("2026-03-02T15:00", timedelta(0), "2026-03-02T15:00"),
        ("2026-03-02T15:00", timedelta(days=1, hours=4), "2026-03-03T19:00"),
    ],
)
def test_a_day_of_a_due_time_is_a_working_day(start: str, due: timedelta, expected: str) -> None:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert add_working(begin, due, CHICAGO) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_time_that_runs_backwards_is_no_working_time() -> None:
    now = datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert working_between(now, now - timedelta(hours=3), CHICAGO) == timedelta(0)
