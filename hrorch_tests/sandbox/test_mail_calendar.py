"""The sandbox's outlets keep what reaches them, stop and start like its systems, and are told as absent where they are."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from hrorch_pipelines.sandbox import calendar, mail
from hrorch_pipelines.sandbox.calendar import CalendarServer, calendar_events
from hrorch_pipelines.sandbox.mail import MailServer, mailbox
from hrorch_pipelines.sandbox.serve import Sandbox, _table, run_sandbox
from hrorch_pipelines.sandbox.servers.errors import SandboxUnavailable
from hrorch_pipelines.sandbox.servers.ports import answers
from hrorch_tests.waiting import eventually

EVENT = """\
BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:x\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20260101T000000Z\r
DTSTART;VALUE=DATE:20260720\r
DTEND;VALUE=DATE:20260721\r
SUMMARY:First day\r
ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.de\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("world"), base_port=None, people=5) as sandbox:
        yield sandbox


def send(port: int, subject: str) -> None:
    message = EmailMessage()
    message["To"], message["Subject"], message["Message-ID"] = "zoe@example.org", subject, f"<{subject}@x.example>"
    message.set_content("Grüße\nZoë")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="offer.pdf")
    with smtplib.SMTP("127.0.0.1", port) as line:
        line.send_message(message, "people@x.example", ["zoe@example.org"])


def put(box: Sandbox, uid: str) -> httpx.Response:
    auth = (box.env["CALENDAR_USER"], box.env["CALENDAR_PASSWORD"])
    content = EVENT.format(uid=uid).encode()
    return httpx.put(f"{box.env['CALENDAR_URL']}{uid}.ics", content=content, auth=auth, timeout=30)


def test_letters_and_events_are_kept_and_read_back(running: Sandbox) -> None:
    send(int(running.env["MAIL_PORT"]), "first")
    send(int(running.env["MAIL_PORT"]), "second")
    first, second = mailbox(running.folder)
    assert first[:3] == ("zoe@example.org", "first", {"offer.pdf": b"%PDF-"})
    assert (first.text, second.message_id) == ("Grüße\nZoë\n", "second@x.example")
    assert put(running, "one").status_code == 201
    (event,) = calendar_events(running.folder)
    assert (event.uid, event.starts.isoformat(), event.summary) == ("one", "2026-07-20", "First day")
    assert event.attendees == {"a@b.de": "ACCEPTED"}
    assert httpx.get(running.env["CALENDAR_URL"] + "one.ics", timeout=30).status_code == 401


def test_an_outage_of_an_outlet_ends_where_it_began(running: Sandbox) -> None:
    url, port = running.url("calendar"), int(running.env["MAIL_PORT"])
    before = len(mailbox(running.folder)), len(calendar_events(running.folder))
    for name in ("mail", "calendar"):
        running.stop(name)
        running.stop(name)
    with pytest.raises(httpx.ConnectError):
        put(running, "two")
    with pytest.raises(ConnectionRefusedError):
        send(port, "third")
    for name in ("mail", "calendar"):
        running.start(name)
    assert (running.url("calendar"), int(running.env["MAIL_PORT"])) == (url, port)
    assert (len(mailbox(running.folder)), len(calendar_events(running.folder))) == before
    send(port, "third")
    assert put(running, "two").status_code == 201
    assert (len(mailbox(running.folder)), len(calendar_events(running.folder))) == (before[0] + 1, before[1] + 1)


def test_a_new_world_has_no_letters_and_no_events(running: Sandbox) -> None:
    send(int(running.env["MAIL_PORT"]), "last")
    put(running, "three")
    running.reset()
    assert (mailbox(running.folder), calendar_events(running.folder)) == ([], [])
    assert put(running, "three").status_code == 201
    send(int(running.env["MAIL_PORT"]), "new")
    assert len(mailbox(running.folder)) == 1


@pytest.mark.parametrize("kind", [MailServer, CalendarServer])
def test_a_taken_port_is_told_plainly(tmp_path: Path, kind: type[MailServer | CalendarServer]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = kind(tmp_path, port)
        with pytest.raises(SandboxUnavailable, match=str(port)):
            server.start()
        server.ask_to_stop()
        server.stop()
        assert not server.running


def test_absent_outlets_are_told_and_the_systems_run_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in (mail, calendar):
        monkeypatch.setattr(room, "find_spec", lambda _: None)
    with run_sandbox(tmp_path, base_port=None, people=5) as sandbox:
        assert sandbox.missing == ("mail", "calendar")
        assert not {"MAIL_HOST", "CALENDAR_URL"} & set(sandbox.env)
        rows = list(_table(sandbox).columns[1].cells)
    assert sum("hrorch[sandbox]" in str(cell) for cell in rows) == 2


def test_a_killed_sandbox_leaves_no_calendar_behind(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from hrorch_pipelines.sandbox.calendar import CalendarServer; "
        "server = CalendarServer(Path(sys.argv[1]), None); server.start(); server.wait_until_ready(); "
        "print(server.port, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    assert answers(port)
    process.kill()
    process.wait()
    process.stdout.close()
    assert eventually(lambda: not answers(port))


def test_nothing_of_ours_imports_the_calendar_server() -> None:
    code = (
        "import sys; from pathlib import Path; from hrorch_pipelines.sandbox.serve import Sandbox; "
        "import tempfile; Sandbox(Path(tempfile.mkdtemp()), base_port=None); print('radicale' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
