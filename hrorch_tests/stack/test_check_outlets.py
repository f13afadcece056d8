"""`hrorch check` tries outlets as it tries systems: a wrong password is found before the first offer, not by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hrorch_pipelines.check import check_stack
from hrorch_pipelines.check.report import ConnectionResult
from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.sandbox.calendar import CalendarServer
from hrorch_pipelines.sandbox.mail import MailServer
from hrorch_tests.stack.conftest import SECRET, VALID

OUTLETS = """
outlets:
  letters: {{connector: smtp, host: 127.0.0.1, port: {port}, security: none, sender: people@small.example, owner: {owner}}}
  calendar:
    {{connector: caldav, base_url: "{url}", user: people, password: "{password}", organizer: people@small.example, owner: {owner}}}
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MailServer, CalendarServer]]:
    folder = tmp_path_factory.mktemp("world")
    mail, calendar = MailServer(folder, None), CalendarServer(folder, None)
    for server in (mail, calendar):
        server.start()
        server.wait_until_ready()
    yield mail, calendar
    for server in (mail, calendar):
        server.stop()


def tried(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int, url: str, password: str) -> list[ConnectionResult]:
    monkeypatch.setenv("HRIS_KEY", SECRET)
    owner = VALID.split("people:\n")[1].split(":")[0].strip()
    text = VALID + OUTLETS.format(port=port, url=url, password=password, owner=owner)
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    report = check_stack(folder / "stack.yaml", SystemClock(), patience=5)
    assert report.faults == ()
    return [one for one in report.connections if one.system in {"letters", "calendar"}]


def test_outlets_that_answer_are_told_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, servers: tuple[MailServer, CalendarServer]
) -> None:
    mail, calendar = servers
    password = calendar.env["CALENDAR_PASSWORD"]
    assert all(one.ok for one in tried(folder, monkeypatch, mail.port, calendar.url, password))
    elsewhere = calendar.url.replace("first-days/", "")
    assert "no calendar" in tried(folder, monkeypatch, mail.port, elsewhere, password)[1].what


def test_a_wrong_password_and_a_silent_server_are_told_with_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, servers: tuple[MailServer, CalendarServer]
) -> None:
    mail, calendar = servers
    port = mail.port
    mail.stop()
    letters, dates = tried(folder, monkeypatch, port, calendar.url, "wrong-secret")
    mail.start()
    assert (letters.ok, dates.ok) == (False, False)
    assert "no connection" in letters.what
    assert "credentials" in dates.remedy
    assert "wrong-secret" not in repr((letters, dates))
