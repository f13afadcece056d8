"""Where an owner's alerts go, and when they may be sent. An address holds secrets: it is named by its place in the stack file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from hrorch_pipelines.stack.faults.alerts import EMAIL
from hrorch_pipelines.stack.models import Stack

_DAY = timedelta(days=1)


def channels(stack: Stack, person: str) -> list[str]:
    """Names of the addresses of one of `people`: their own (`people/hris-analyst/0`), else everybody's (`alerts/0`)."""
    return list(dict(_addresses(stack, person)))


def address(stack: Stack, person: str, channel: str) -> str | None:
    """The address itself, as Apprise takes it; None when the stack file does not have it any more."""
    return dict(_addresses(stack, person)).get(channel)


def sendable_at(stack: Stack, severity: str, now: datetime) -> datetime:
    """`now`, or the end of the quiet hours it lies in; what is critical does not wait."""
    quiet = stack.alerts.quiet_hours
    if quiet is None or severity == "critical":
        return now
    zone = ZoneInfo(stack.organization.time_zone)
    begin, end = (time.fromisoformat(part) for part in quiet.split("-"))
    local = now.astimezone(zone)
    for day in (local.date() - _DAY, local.date()):
        opens = datetime.combine(day, begin, zone)
        closes = datetime.combine(day + _DAY if end <= begin else day, end, zone)
        # Compared in UTC: on a day on which the clocks change, local times are no measure.
        if opens.astimezone(UTC) <= now < closes.astimezone(UTC):
            return closes.astimezone(UTC)
    return now


def _addresses(stack: Stack, person: str) -> Iterator[tuple[str, str]]:
    owner = stack.people.get(person)
    own = owner.alert_urls if owner else []
    prefix, urls = (f"people/{person}", own) if own else ("alerts", stack.alerts.urls)
    for number, url in enumerate(urls):
        text = url.get_secret_value().strip()
        if text:
            yield f"{prefix}/{number}", text.replace(EMAIL, quote(owner.email, safe="") if owner else "")
