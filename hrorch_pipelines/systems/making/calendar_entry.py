"""One event as iCalendar (RFC 5545): made, compared with what stands there, and changed without losing what a hand added.

Ours are the day, the summary, the place, our attendees and our part of the description. All else on it is somebody's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as Entry

from hrorch_pipelines.stack.outlets import CalendarOutlet
from hrorch_pipelines.systems.making.addresses import mailbox_of
from hrorch_pipelines.systems.making.outlet_faults import fault
from hrorch_pipelines.systems.making.protocol import Event

_OURS = "X-HRORCH"
"""Parameter of the attendees we invited; the others were added by a hand and stay."""
_TEXT = "X-HRORCH-TEXT"
"""`length:hash` of our part of the description, by which it is told from what was written above or below it."""
_PRODUCT = "-//HRORCH//handoffs//EN"


def parsed(content: bytes, uid: str) -> tuple[Calendar, Entry]:
    """The calendar object of an answer and its event of that UID. Raises WriteFault `refused` when it is not one."""
    try:
        calendar = Calendar.from_ical(content)
        entries = [one for one in calendar.walk("VEVENT") if not one.get("RECURRENCE-ID")]
        mine = [one for one in entries if str(one.get("UID", "")) == uid]
        whole = not any(one.errors for one in calendar.walk())  # the parser drops what it cannot read
        if whole and isinstance(calendar, Calendar) and len(mine) == 1 and isinstance(mine[0], Entry):
            _span(mine[0])
            return calendar, mine[0]
    except Exception:  # noqa: BLE001  a broken answer breaks the parser anywhere, and its error quotes the answer
        raise fault(
            "bad_calendar", "the calendar holds something under this event's id that is no iCalendar", "refused"
        ) from None
    why = "is another event" if whole else "is broken iCalendar"
    raise fault("bad_calendar", f"what the calendar holds under this event's id {why}", "refused")


def as_wanted(entry: Entry, event: Event) -> bool:
    """Whether what stands there says what we would say; a hand may have added attendees and notes."""
    if _sequence(entry) < event.sequence or _cancelled(entry) != event.cancelled:
        return False
    if event.cancelled:
        return True
    said = entry.get(_TEXT)
    if said is not None and str(said) != _signed(event.text):
        return False
    invited = {_plain(one) for one in _attendees(entry)}
    return (
        _span(entry) == (event.starts, event.ends)
        and str(entry.get("SUMMARY", "")) == event.summary
        and str(entry.get("LOCATION", "")) == (event.location or "")
        and {one.casefold() for one in event.attendees} <= invited
    )


def made(event: Event, outlet: CalendarOutlet, now: datetime) -> bytes:
    """A new calendar object with this event."""
    calendar, entry = Calendar(), Entry()
    calendar.add("PRODID", _PRODUCT)
    calendar.add("VERSION", "2.0")
    entry.add("UID", event.uid)
    entry.add("CREATED", now)
    calendar.add_component(entry)
    return changed(calendar, entry, event, outlet, now)


def changed(calendar: Calendar, entry: Entry, event: Event, outlet: CalendarOutlet, now: datetime) -> bytes:
    """The object with our fields as wanted now. Its sequence goes up, whoever raised it last."""
    before = _sequence(entry) if "SEQUENCE" in entry else -1
    calendar.pop("METHOD", None)  # RFC 4791, section 4.1: stored objects carry none
    _put(entry, "SEQUENCE", max(event.sequence, before + 1))
    for name in ("DTSTAMP", "LAST-MODIFIED"):
        _put(entry, name, now.astimezone(UTC).replace(microsecond=0))
    _put(entry, "STATUS", "CANCELLED" if event.cancelled else "CONFIRMED")
    if event.cancelled:
        _put(entry, "TRANSP", "TRANSPARENT")  # it takes nobody's time any more
        if before >= 0:
            return bytes(calendar.to_ical())
    else:
        entry.pop("TRANSP", None)
    entry.pop("DURATION", None)
    _put(entry, "DTSTART", event.starts)
    _put(entry, "DTEND", event.ends)
    _put(entry, "SUMMARY", event.summary)
    _put(entry, "LOCATION", event.location)
    _describe(entry, event.text)
    if "ORGANIZER" not in entry:
        organizer = mailbox_of(outlet.organizer)
        entry["ORGANIZER"] = _person(organizer.addr_spec, {"CN": organizer.display_name or organizer.addr_spec})
    _invite(entry, event.attendees)
    return bytes(calendar.to_ical())


def _invite(entry: Entry, wanted: Sequence[str]) -> None:
    """Our attendees as wanted, those who are there with their answers; those whom a hand added stay."""
    there = {_plain(one): one for one in _attendees(entry)}
    names = {one.casefold() for one in wanted}
    kept = [one for plain, one in there.items() if plain in names or _OURS not in one.params]
    new = [
        _person(one, {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE", _OURS: "TRUE"})
        for one in wanted
        if one.casefold() not in there
    ]
    entry.pop("ATTENDEE", None)
    for one in [*kept, *new]:
        entry.add("ATTENDEE", one, encode=False)


def _describe(entry: Entry, text: str) -> None:
    """Our part of the description anew, above or below what was written beside it."""
    there = str(entry.get("DESCRIPTION", "")).replace("\r\n", "\n")
    length, _, mark = str(entry.get(_TEXT, "")).partition(":")
    size = int(length) if length.isdecimal() else 0
    above, below = "", there
    if size and mark == _mark(there[:size]):
        below = there[size:]
    elif size and mark == _mark(there[-size:]):
        above, below = there[:-size], ""
    elif there:
        below = f"\n\n{there}"  # written over: ours is told anew and theirs is kept whole
    _put(entry, "DESCRIPTION", above + text + below if text else (above + below).strip())
    _put(entry, _TEXT, vText(_signed(text)) if text else None)


def _signed(text: str) -> str:
    return f"{len(text)}:{_mark(text)}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _person(plain: str, params: dict[str, str]) -> vCalAddress:
    person = vCalAddress(f"mailto:{plain}")
    for name, value in params.items():
        person.params[name] = vText(value)
    return person


def _attendees(entry: Entry) -> list[vCalAddress]:
    found = entry.get("ATTENDEE", [])
    return list(found) if isinstance(found, list) else [found]


def _plain(attendee: vCalAddress) -> str:
    return str(attendee).casefold().removeprefix("mailto:")


def _cancelled(entry: Entry) -> bool:
    return str(entry.get("STATUS", "")).upper() == "CANCELLED"


def _sequence(entry: Entry) -> int:
    return int(entry.get("SEQUENCE", 0))


def _span(entry: Entry) -> tuple[date | datetime, date | datetime]:
    """From when to when; moments in UTC. A floating one stays as it is, and is equal to none of ours."""
    starts = entry.decoded("DTSTART")
    if "DTEND" in entry:
        ends = entry.decoded("DTEND")
    elif "DURATION" in entry:
        ends = starts + entry.decoded("DURATION")
    else:
        ends = starts if isinstance(starts, datetime) else starts + timedelta(days=1)
    return _in_utc(starts), _in_utc(ends)


def _in_utc(value: date | datetime) -> date | datetime:
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo is not None else value


def _put(entry: Entry, name: str, value: Any) -> None:
    entry.pop(name, None)
    if value is not None and value != "":
        entry.add(name, value)
