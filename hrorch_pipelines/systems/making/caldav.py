"""Events in a CalDAV calendar (RFC 4791): made under an id of ours, moved under the version read, cancelled but left to be seen.

A cancelled event is kept with STATUS:CANCELLED instead of being deleted: attendees and their calendars then learn that it will
not take place, where a deleted one stays in every calendar that has a copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.outlets import CalendarOutlet
from hrorch_pipelines.systems.making.caldav_requests import CalendarRequests
from hrorch_pipelines.systems.making.calendar_entry import as_wanted, changed, made, parsed
from hrorch_pipelines.systems.making.outlet_faults import fault, unwritable
from hrorch_pipelines.systems.making.protocol import Event, Making, Seen
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.writing.protocol import Preview, Receipt


@dataclass
class CalDavMaker:
    """One calendar. Nothing is reached before `look`.

    `reveal`: previews show values in clear. `sleep` is given in tests.
    """

    stack: Stack
    place: str
    clock: Clock
    sleep: Callable[[float], None] = time.sleep
    reveal: bool = False

    def __post_init__(self) -> None:
        """`rate` is kept outside the connection: it outlives one, and pushes tell each other of it."""
        outlet = self.stack.outlets[self.place]
        if not isinstance(outlet, CalendarOutlet):
            raise TypeError(f"{self.place} is no calendar")
        self.outlet = outlet
        self.rate = RateLimit(outlet.rate, self.sleep)
        self._requests: CalendarRequests | None = None

    def preview(self, making: Making) -> Preview:
        """The event as it would be put there, masked. A day of a first day is personal, too."""
        event = _event(making)
        body: dict[str, Any] = {"uid": event.uid, "sequence": event.sequence}
        told = {
            "starts": event.starts.isoformat(),
            "ends": event.ends.isoformat(),
            "summary": event.summary,
            "text": event.text or None,
            "location": event.location,
        }
        body |= {name: value if self.reveal else mask(value, "personal") for name, value in told.items()}
        body["attendees"] = [one if self.reveal else mask(one, "personal") for one in event.attendees]
        body["status"] = "CANCELLED" if event.cancelled else "CONFIRMED"
        where = self._connected().path(event.uid)
        return Preview("PUT", where, body, "If-None-Match: * where there is none, else If-Match: the ETag read")

    def look(self, making: Making) -> Seen:
        """`absent`, `there` as wanted, or `other`: to be changed under its `version`. Raises WriteFault.

        Where nothing stands, an event that is to be cancelled counts as `there`: nothing is left to take back.
        """
        event = _event(making)
        stored = self._connected().get(event.uid)
        if stored is None:
            return Seen("there" if event.cancelled else "absent", source_id=event.uid if event.cancelled else None)
        _, entry = parsed(stored.content, event.uid)
        state = "there" if as_wanted(entry, event) else "other"
        return Seen("there" if state == "there" else "other", source_id=event.uid, version=stored.etag)

    def make(self, making: Making, seen: Seen) -> Receipt:
        """Put the event there. `changed` when somebody was first (412): look again. Raises WriteFault."""
        event, now = _event(making), self.clock.now()
        if seen.state == "absent":
            etag = self._connected().put(event.uid, made(event, self.outlet, now), {"If-None-Match": "*"})
            return Receipt(reference=event.uid, version=etag)
        if seen.state != "other":
            raise ValueError(f"an event is made where it is absent or another, not where it is {seen.state}")
        stored = self._connected().get(event.uid)
        if stored is None or stored.etag != seen.version:
            raise fault("changed", "the event changed since it was looked at", "changed")
        if stored.etag is None:
            raise fault("no_version", "the event came without its ETag", "refused")
        calendar, entry = parsed(stored.content, event.uid)
        content = changed(calendar, entry, event, self.outlet, now)
        etag = self._connected().put(event.uid, content, {"If-Match": stored.etag})
        return Receipt(reference=event.uid, version=etag)

    def close(self) -> None:
        """Give the connection back; the maker can be used again."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None

    def _connected(self) -> CalendarRequests:
        if self._requests is None:
            self._requests = CalendarRequests(self.outlet, self.clock, self.rate)
        return self._requests


def _event(making: Making) -> Event:
    if not isinstance(making.content, Event):
        raise unwritable("no_event", "a calendar takes events only")
    return making.content
