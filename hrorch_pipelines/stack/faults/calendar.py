"""Time zones, work week, holidays and schedules are ones a calendar knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def check_calendar(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Unknown zones, countries and days; schedules that mean nothing or never come."""
    del declared
    for path, zone in _zones(stack):
        yield from _zone(path, zone)
    week = stack.organization.work_week
    found = re.fullmatch(r"([a-z]{3})-([a-z]{3})", week)
    if not found or not {found[1], found[2]} <= set(_DAYS):
        yield Finding(
            ("organization", "work_week"), f"`{week}` is not a work week", "write first and last day: mon-fri, sun-thu"
        )
    hours = stack.organization.work_hours
    if any(not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", part) for part in hours.split("-")):
        yield Finding(
            ("organization", "work_hours"), f"`{hours}` are no hours of a day", "write opening and closing: 09:00-17:00"
        )
    if stack.organization.holidays is not None:
        yield from _holidays(stack.organization.holidays)
    for name, system in stack.systems.items():
        yield from _cron(("systems", name, "schedule"), system.schedule)


def _zones(stack: Stack) -> Iterator[tuple[Path, str]]:
    yield ("organization", "time_zone"), stack.organization.time_zone
    if stack.lifecycle.time_zones is not None:
        for value, zone in stack.lifecycle.time_zones.values.items():
            yield ("lifecycle", "time_zones", "values", value), zone
    for name, system in stack.systems.items():
        if system.time_zone is not None:
            yield ("systems", name, "time_zone"), system.time_zone
        for kind, record in system.records.items():
            own = {"changed_at": record.changed_at, "changed_by": record.changed_by}
            for attribute, field in record.fields.items():
                if field.time_zone is not None:
                    yield ("systems", name, "records", kind, "fields", attribute, "time_zone"), field.time_zone
            for key, stamp in own.items():
                if stamp is not None and stamp.time_zone is not None:
                    yield ("systems", name, "records", kind, key, "time_zone"), stamp.time_zone


def _zone(path: Path, zone: str) -> Iterator[Finding]:
    from zoneinfo import available_timezones

    known = available_timezones()
    if zone not in known:
        yield Finding(
            path,
            f"`{zone}` is not a time zone",
            f"{did_you_mean(zone, sorted(known))}write an IANA name such as America/Chicago or Europe/Berlin",
        )


def _holidays(country: str) -> Iterator[Finding]:
    import holidays

    path: Path = ("organization", "holidays")
    name, _, part = country.partition("-")
    try:
        holidays.country_holidays(name, subdiv=part or None)
    except (NotImplementedError, AttributeError):
        known = holidays.list_supported_countries()
        inside = f" of {name}: {', '.join(known[name][:20])}" if known.get(name) else ""
        yield Finding(
            path,
            f"no holidays are known for `{country}`",
            f"write a country such as US or DE, or a country and a part{inside or ' such as US-IL'}",
        )


def _cron(path: Path, schedule: str) -> Iterator[Finding]:
    from croniter import croniter
    from croniter.croniter import CroniterBadDateError

    if len(schedule.split()) != 5 or not croniter.is_valid(schedule):
        yield Finding(
            path,
            f"`{schedule}` is not a schedule",
            'write five cron fields (minute hour day month weekday), such as "*/30 * * * *" or "0 6 * * mon-fri"',
        )
        return
    try:
        croniter(schedule, _ANY_DAY).get_next(datetime)
    except CroniterBadDateError:
        yield Finding(path, f"`{schedule}` never comes", "check day and month: there is no such day")
