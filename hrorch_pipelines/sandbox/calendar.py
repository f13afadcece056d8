"""The sandbox's calendar: Radicale, a CalDAV server, run as a program of its own and never imported. Reads its events back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from hrorch_pipelines.sandbox.servers.errors import SandboxUnavailable
from hrorch_pipelines.sandbox.servers.listening import HOST
from hrorch_pipelines.sandbox.servers.ports import answers, free_port, is_free

USER, PASSWORD = "people", "sandbox-calendar"
"""Credentials as the example stack's defaults: the sandbox guards invented people on loopback, nothing else."""

_FOLDER = "calendar"
_COLLECTION = ("collection-root", USER, "first-days")
_SETTINGS = """\
[server]
hosts = {host}:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
[storage]
filesystem_folder = {folder}
[logging]
level = error
"""
_KEEPER = """\
import os, subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: os._exit(server.wait()), daemon=True).start()
sys.stdin.read()
server.terminate()
server.wait()
"""
"""Ends the server when our end of its standard input is gone: a killed sandbox leaves nothing behind."""


class CalendarEvent(NamedTuple):
    """An event as the calendar holds it. `ends` is exclusive; `attendees`: address → PARTSTAT."""

    uid: str
    starts: date | datetime
    ends: date | datetime
    summary: str
    status: str
    sequence: int
    attendees: dict[str, str]


def calendar_events(world: Path) -> list[CalendarEvent]:
    """Every event of the sandbox's calendar, cancelled ones too, in the order of their beginning."""
    files = world.joinpath(_FOLDER, *_COLLECTION).glob("*.ics")
    return sorted((_event(path.read_bytes()) for path in files), key=lambda one: (one.starts.isoformat(), one.uid))


class CalendarServer:
    """A calendar server on loopback in a process of its own. Stopped and started like a system."""

    def __init__(self, world: Path, port: int | None) -> None:
        self.name, self.port = "calendar", port or 0
        self._folder = world.resolve() / _FOLDER
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def available() -> bool:
        """Whether what it stands on is installed (the extra `sandbox`)."""
        return find_spec("radicale") is not None

    @property
    def url(self) -> str:
        """The collection of first days, as `base_url` of a calendar outlet wants it."""
        return f"http://{HOST}:{self.port}/{USER}/first-days/"

    @property
    def env(self) -> dict[str, str]:
        """What the example stack file reads from the environment."""
        return {"CALENDAR_URL": self.url, "CALENDAR_USER": USER, "CALENDAR_PASSWORD": PASSWORD}

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None

    def start(self) -> None:
        """Begin to start; the same port again after a stop. Raises SandboxUnavailable."""
        self.port = self.port or free_port()
        if not is_free(self.port):
            raise SandboxUnavailable(self.name, self.port)
        settings = self._prepared()
        server = [sys.executable, "-m", "radicale", "--config", str(settings)]
        with (self._folder / "radicale.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter, our own arguments
                [sys.executable, "-I", "-S", "-c", _KEEPER, *server], stdin=subprocess.PIPE, stdout=log, stderr=log
            )

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Return when it answers. Raises SandboxUnavailable when it does not come up."""
        end = time.monotonic() + seconds
        while not answers(self.port):
            if self._process is None or self._process.poll() is not None or time.monotonic() > end:
                raise SandboxUnavailable(self.name, self.port)
            time.sleep(0.02)

    def ask_to_stop(self) -> None:
        """Begin to stop without waiting, so that several can stop at once."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """Stop answering and free the port. What was put there stays."""
        if self._process is None:
            return
        self.ask_to_stop()
        self._process.wait(30)
        self._process = None

    def clear(self) -> None:
        """Throw every event away."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepared(self) -> Path:
        """Settings, the one user, and an empty calendar unless there is one. Gives the settings' file."""
        collection = self._folder.joinpath(*_COLLECTION)
        collection.mkdir(parents=True, exist_ok=True)
        (collection / ".Radicale.props").write_text(json.dumps({"tag": "VCALENDAR", "D:displayname": "First days"}))
        (self._folder / "users").write_text(f"{USER}:{PASSWORD}\n")
        settings = self._folder / "settings"
        settings.write_text(_SETTINGS.format(host=HOST, port=self.port, folder=self._folder))
        return settings


def _event(raw: bytes) -> CalendarEvent:
    from icalendar import Calendar

    (entry,) = (one for one in Calendar.from_ical(raw).walk("VEVENT") if "RECURRENCE-ID" not in one)
    invited = entry.get("ATTENDEE", [])
    return CalendarEvent(
        uid=str(entry["UID"]),
        starts=entry.decoded("DTSTART"),
        ends=entry.decoded("DTEND"),
        summary=str(entry.get("SUMMARY", "")),
        status=str(entry.get("STATUS", "")),
        sequence=int(entry.get("SEQUENCE", 0)),
        attendees={
            str(one).removeprefix("mailto:"): str(one.params.get("PARTSTAT", ""))
            for one in (invited if isinstance(invited, list) else [invited])
        },
    )
