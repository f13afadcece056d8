"""An event stands in the calendar once, moves when its day moves, keeps what a hand added, and is cancelled in sight of all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import vText

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.calendar import PASSWORD, USER, CalendarServer, calendar_events
from hrorch_pipelines.stack.outlets import CalendarOutlet
from hrorch_pipelines.systems.making.caldav import CalDavMaker
from hrorch_pipelines.systems.making.calendar_entry import as_wanted, changed, made, parsed
from hrorch_pipelines.systems.making.connect import maker_for
from hrorch_pipelines.systems.making.protocol import Event, Making, NewRecord, Seen
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_tests.systems.making.mail_servers import free_port

NOW = datetime(2026, 6, 30, 18, tzinfo=UTC)
ADDED = """\
ATTENDEE;PARTSTAT=TENTATIVE:mailto:mate@lakeside.example
CATEGORIES:People
X-MINE:1
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:x
TRIGGER:-PT1H
END:VALARM
END:VEVENT"""
ZONE = """\
BEGIN:VTIMEZONE
TZID:Here
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:-0500
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT"""
DAY = Event(
    "hrorch-1", 0, date(2026, 7, 20), date(2026, 7, 21), "First day of Zoë; welcome, all",
    "Bring your documents.\nAsk at the door.", "Chicago, Lakeside", ("zoe@example.org", "boss@lakeside.example"),
)  # fmt: skip
MOVED = replace(DAY, sequence=1, starts=date(2026, 8, 3), ends=date(2026, 8, 4), text="Bring them on August 3.")


def outlet(url: str, **more: Any) -> CalendarOutlet:
    organizer = "People Team <people@lakeside.example>"
    return CalendarOutlet(
        **{"connector": "caldav", "base_url": url, "organizer": organizer, "owner": "hr", "timeout": "5s", **more}
    )


def maker(url: str, now: datetime = NOW, **more: Any) -> CalDavMaker:
    stack: Any = SimpleNamespace(outlets={"calendar": outlet(url, **more)}, systems={})
    found = maker_for(stack, "calendar", SetClock(now), b"")
    assert isinstance(found, CalDavMaker)
    return found


def making(event: Event) -> Making:
    return Making("calendar", event, "k")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalendarServer]:
    running = CalendarServer(tmp_path_factory.mktemp("world"), None)
    running.start()
    running.wait_until_ready()
    yield running
    running.stop()


@pytest.fixture
def calendar(server: CalendarServer, request: pytest.FixtureRequest) -> Iterator[tuple[CalDavMaker, Event]]:
    """A maker, and an event that no other test knows."""
    one = maker(server.url, user=USER, password=PASSWORD)
    yield one, replace(DAY, uid=f"hrorch-{abs(hash(request.node.name)):x}")
    one.close()


def done(one: CalDavMaker, event: Event) -> str:
    """Look, make where it has to be, look again; tells what the first look found."""
    seen = one.look(making(event))
    if seen.state != "there":
        assert one.make(making(event), seen).reference == event.uid
    assert one.look(making(event)).state == "there"
    return seen.state


def by_hand(server: CalendarServer, uid: str, *edits: tuple[str, str]) -> str:
    """Edit an event as a calendar program does; tells its text afterwards."""
    with httpx.Client(auth=(USER, PASSWORD), timeout=30) as client:
        url = f"{server.url}{uid}.ics"
        text = client.get(url).text.replace("\r\n", "\n").replace("\n ", "")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        assert client.put(url, content=text.encode(), headers={"Content-Type": "text/calendar"}).is_success
        return client.get(url).text.replace("\r\n", "\n").replace("\n ", "")


def stored(server: CalendarServer, uid: str) -> str:
    return by_hand(server, uid)


def test_an_event_is_made_once_and_known_again(server: CalendarServer, calendar: tuple[CalDavMaker, Event]) -> None:
    one, event = calendar
    assert (done(one, event), done(one, event)) == ("absent", "there")
    (there,) = [found for found in calendar_events(server._folder.parent) if found.uid == event.uid]
    assert (there.starts, there.ends, there.status, there.sequence) == (DAY.starts, DAY.ends, "CONFIRMED", 0)
    assert there.attendees == dict.fromkeys(DAY.attendees, "NEEDS-ACTION")
    text = stored(server, event.uid)
    assert "DTSTART;VALUE=DATE:20260720" in text
    assert "RSVP=TRUE" in text
    assert "ORGANIZER;CN=People Team:mailto:people@lakeside.example" in text
    assert "METHOD" not in text


def test_a_moment_is_kept_in_utc(server: CalendarServer, calendar: tuple[CalDavMaker, Event]) -> None:
    one, event = calendar
    start = datetime(2026, 7, 20, 14, tzinfo=UTC)
    assert done(one, replace(event, starts=start, ends=start + timedelta(minutes=90))) == "absent"
    text = stored(server, event.uid)
    assert "DTSTART:20260720T140000Z" in text
    assert "DTEND:20260720T153000Z" in text


def test_a_moved_event_keeps_what_a_hand_added(server: CalendarServer, calendar: tuple[CalDavMaker, Event]) -> None:
    one, event = calendar
    done(one, event)
    by_hand(
        server,
        event.uid,
        ("Ask at the door.", "Ask at the door.\\n\\nCake at three"),
        ("PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE;X-HRORCH=TRUE:mailto:zoe@", "PARTSTAT=ACCEPTED;X-HRORCH=TRUE:mailto:Zoe@"),
        ("SEQUENCE:0", "SEQUENCE:7"),
        ("END:VEVENT", ADDED),
    )  # fmt: skip
    assert one.look(making(event)).state == "there", "notes and guests of others do not make it another event"
    later = replace(MOVED, uid=event.uid, attendees=("zoe@example.org", "new@lakeside.example"))
    assert done(maker(server.url, NOW + timedelta(days=1), user=USER, password=PASSWORD), later) == "other"
    text = stored(server, event.uid)
    (there,) = [found for found in calendar_events(server._folder.parent) if found.uid == event.uid]
    assert (there.starts, there.sequence) == (MOVED.starts, 8)
    assert there.attendees == {
        "Zoe@example.org": "ACCEPTED",
        "mate@lakeside.example": "TENTATIVE",
        "new@lakeside.example": "NEEDS-ACTION",
    }, "our own guest who is no longer meant is gone; the others stay, with their answers"
    assert "DESCRIPTION:Bring them on August 3.\\n\\nCake at three" in text
    for kept in ("CATEGORIES:People", "X-MINE:1", "BEGIN:VALARM", "TRIGGER:-PT1H"):
        assert kept in text
    assert "DTSTAMP:20260701T180000Z" in text


def test_a_day_changed_by_a_hand_is_another_event_until_it_is_put_right(
    server: CalendarServer, calendar: tuple[CalDavMaker, Event]
) -> None:
    one, event = calendar
    done(one, event)
    by_hand(
        server,
        event.uid,
        ("DTSTART;VALUE=DATE:20260720", "DTSTART;TZID=Here:20260721T090000"),
        ("DTEND;VALUE=DATE:20260721\n", "DURATION:PT2H\n"),
        ("BEGIN:VEVENT", ZONE),
    )
    same = datetime(2026, 7, 21, 14, tzinfo=UTC)
    assert one.look(making(replace(event, starts=same, ends=same + timedelta(hours=2)))).state == "there"
    assert done(one, event) == "other"
    assert "DURATION" not in stored(server, event.uid)


def test_a_cancelled_event_stays_to_be_seen(server: CalendarServer, calendar: tuple[CalDavMaker, Event]) -> None:
    one, event = calendar
    gone = replace(event, sequence=1, cancelled=True)
    assert one.look(making(gone)).state == "there", "nothing stands there, so nothing is left to take back"
    done(one, event)
    by_hand(server, event.uid, ("END:VEVENT", "COMMENT:from a hand\nEND:VEVENT"))
    assert (done(one, gone), done(one, gone)) == ("other", "there")
    text = stored(server, event.uid)
    for kept in ("STATUS:CANCELLED", "SEQUENCE:1", "TRANSP:TRANSPARENT", "COMMENT:from a hand", "zoe@example.org"):
        assert kept in text
    again = replace(event, sequence=2)
    assert done(one, again) == "other"
    assert "STATUS:CONFIRMED" in stored(server, event.uid)
    assert "TRANSP" not in stored(server, event.uid)


def test_whoever_was_first_wins_and_it_is_looked_at_again(
    server: CalendarServer, calendar: tuple[CalDavMaker, Event]
) -> None:
    one, event = calendar
    absent = one.look(making(event))
    done(one, event)
    with pytest.raises(WriteFault) as told:
        one.make(making(event), absent)
    assert told.value.outcome == "changed"
    moved = replace(MOVED, uid=event.uid)
    seen = one.look(making(moved))
    before = by_hand(server, event.uid, ("END:VEVENT", "COMMENT:just now\nEND:VEVENT"))
    with pytest.raises(WriteFault) as told:
        one.make(making(moved), seen)
    assert told.value.outcome == "changed"
    assert stored(server, event.uid) == before
    seen = one.look(making(moved))
    assert httpx.delete(f"{server.url}{event.uid}.ics", auth=(USER, PASSWORD), timeout=30).is_success
    with pytest.raises(WriteFault) as told:
        one.make(making(moved), seen)
    assert told.value.outcome == "changed"
    assert done(one, moved) == "absent"


def test_an_outage_is_no_answer_and_what_was_there_is_found_afterwards(
    server: CalendarServer, calendar: tuple[CalDavMaker, Event]
) -> None:
    one, event = calendar
    done(one, event)
    server.stop()
    try:
        for call in (lambda: one.look(making(event)), lambda: one.make(making(event), Seen("absent"))):
            with pytest.raises(WriteFault) as told:
                call()
            assert (told.value.outcome, told.value.code) == ("not_done", "not_reachable")
    finally:
        server.start()
        server.wait_until_ready()
    assert done(one, event) == "there"


def test_what_is_declared_wrongly_is_told(server: CalendarServer) -> None:
    with pytest.raises(WriteFault) as told:
        maker(server.url, user=USER, password="wrong").look(making(DAY))
    assert (told.value.outcome, told.value.code) == ("not_done", "unauthorized")
    elsewhere = maker(server.url.replace("first-days", "nowhere"), user=USER, password=PASSWORD)
    with pytest.raises(WriteFault) as told:
        elsewhere.make(making(DAY), elsewhere.look(making(DAY)))
    assert (told.value.outcome, told.value.code) == ("refused", "not_a_calendar")
    with pytest.raises(WriteFault) as told:
        elsewhere.preview(Making("calendar", NewRecord("worker", {}), "k"))
    assert told.value.outcome == "unwritable"


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """A web server that answers every request so; status 0 hangs up."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if status:
                self.send_response(status)
                for name, value in {"ETag": '"1"', "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)
            self.close_connection = True

        do_PUT = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_address[1]}/cal"
    finally:
        web.shutdown()
        web.server_close()
        thread.join(5)


WHOLE = made(DAY, outlet("http://x/"), NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"garbage", b"\xff\xfe\x00", WHOLE[:200], WHOLE + WHOLE, WHOLE.replace(b"20260720", b"2026Zoe"),
        WHOLE.replace(b"END:VEVENT", b"NONSENSE\r\nEND:VEVENT"), WHOLE.replace(b"SEQUENCE:0", b"SEQUENCE:Zoe"),
        WHOLE.replace(b"UID:hrorch-1", b"UID:hrorch-2"), WHOLE.replace(b"VEVENT", b"VTODO"), b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
    ],
)  # fmt: skip
def test_a_malformed_answer_is_told_and_nothing_is_written_over_it(body: bytes) -> None:
    with answering(200, body) as url:
        for call in (
            lambda one: one.look(making(MOVED)),
            lambda one: one.make(making(MOVED), Seen("other", "hrorch-1", '"1"')),
        ):
            with pytest.raises(WriteFault) as told:
                call(maker(url))
            assert (told.value.outcome, told.value.code) == ("refused", "bad_calendar")
            assert "Zo" not in str(told.value)
            assert told.value.remedy


@pytest.mark.parametrize(
    ("status", "body", "looked", "put"),
    [
        (503, b"", "not_done", "not_done"),
        (429, b"", "not_done", "not_done"),
        (500, b"", "not_done", "unknown"),
        (302, b"", "not_done", "unknown"),
        (403, b"", "not_done", "refused"),
        (401, b"", "not_done", "not_done"),
        (400, b"", "refused", "refused"),
        (412, b"", "changed", "changed"),
        (409, b"", "refused", "refused"),
        (200, b"<html>sign in</html>", "not_done", "unknown"),
        (0, b"", "not_done", "unknown"),
    ],
)
def test_every_other_answer_has_its_outcome(status: int, body: bytes, looked: str, put: str) -> None:
    with answering(status, body, Retry_After="7") as url:
        with pytest.raises(WriteFault) as told:
            maker(url).look(making(DAY))
        assert told.value.outcome == looked
        with pytest.raises(WriteFault) as told:
            maker(url).make(making(DAY), Seen("absent"))
        assert told.value.outcome == put
        assert told.value.after == (7.0 if status in {429, 503} else None)


def test_a_calendar_without_etags_is_not_changed() -> None:
    for etag in ("", 'W/"1"'):
        with answering(200, WHOLE, ETag=etag) as url:
            one = maker(url)
            seen = one.look(making(MOVED))
            with pytest.raises(WriteFault) as told:
                one.make(making(MOVED), seen)
        assert (told.value.outcome, told.value.code) == ("refused", "no_version")


def test_a_preview_is_masked_and_its_address_holds_no_person() -> None:
    one = maker(f"http://127.0.0.1:{free_port()}/cal/")
    told = one.preview(making(replace(DAY, uid="a/b c@d")))
    assert told.where == "a%2Fb%20c%40d.ics"
    assert "Zoë" not in repr(told)
    assert "zoe@example.org" not in repr(told)
    assert "2026-07-20" not in repr(told)
    one.reveal = True
    assert one.preview(making(DAY)).body["summary"] == DAY.summary


_LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=80).map(str.strip)


@settings(max_examples=80, deadline=None)
@given(summary=_LINE.filter(bool), text=_LINE, second=_LINE, location=_LINE)
def test_no_value_becomes_a_property_and_all_text_comes_back(
    summary: str, text: str, second: str, location: str
) -> None:
    event = replace(DAY, summary=summary, text=f"{text}\n{second}".strip(), location=location or None)
    calendar, entry = parsed(made(event, outlet("http://x/"), NOW), DAY.uid)
    assert as_wanted(entry, event)
    assert str(entry.get("DESCRIPTION", "")) == event.text
    assert len(calendar.walk()) == 2
    known = set(parsed(WHOLE, DAY.uid)[1])
    assert set(entry) <= known


@settings(max_examples=80, deadline=None)
@given(old=_LINE, new=_LINE, above=_LINE, below=_LINE)
def test_notes_above_and_below_ours_survive_every_move(old: str, new: str, above: str, below: str) -> None:
    first = replace(DAY, text=old)
    calendar, entry = parsed(made(first, outlet("http://x/"), NOW), DAY.uid)
    note = f"{above}\n{old}" if above else f"{old}\n{below}"
    entry["DESCRIPTION"] = vText(note)
    said = changed(calendar, entry, replace(MOVED, text=new), outlet("http://x/"), NOW)
    _, after = parsed(said, DAY.uid)
    text = str(after.get("DESCRIPTION", ""))
    assert new in text
    assert (above or below) in text
    assert as_wanted(after, replace(MOVED, text=new))
