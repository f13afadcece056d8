"""Starts and stops the whole sandbox: a world on disk, six systems, mail, a calendar and a control server on loopback."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.sandbox.calendar import CalendarServer
from hrorch_pipelines.sandbox.mail import MailServer
from hrorch_pipelines.sandbox.servers import ats, check, hris, onboarding, payroll
from hrorch_pipelines.sandbox.servers.answers import AnswerForm
from hrorch_pipelines.sandbox.servers.control import Controls
from hrorch_pipelines.sandbox.servers.control import create_app as create_control
from hrorch_pipelines.sandbox.servers.errors import UnknownSandboxSystem
from hrorch_pipelines.sandbox.servers.faulty import FaultyTransport
from hrorch_pipelines.sandbox.servers.listening import Listener
from hrorch_pipelines.sandbox.servers.records import SystemRecords
from hrorch_pipelines.sandbox.store import SYSTEMS, Store, stamp
from hrorch_pipelines.sandbox.transport import FaultBoard
from hrorch_pipelines.sandbox.world_clock import WorldClock

if TYPE_CHECKING:
    from rich.table import Table

BASE_PORT = 8701
TOKEN = "sandbox-token"  # noqa: S105
KEY = "sandbox-key"
COMPANY = "sandbox-company"
CLIENT_ID, CLIENT_SECRET = "sandbox", "sandbox-secret"
"""Credentials as the example stack's defaults: the sandbox guards invented people on loopback, nothing else."""


def _directory(records: SystemRecords) -> ASGIApp:
    from hrorch_pipelines.sandbox.servers import directory

    return directory.create_app(records, token=TOKEN)


def _directory_form() -> AnswerForm:
    from hrorch_pipelines.sandbox.servers import directory

    return directory.FORM


@dataclass(frozen=True)
class _Kind:
    like: str
    form: Callable[[], AnswerForm]
    create: Callable[[SystemRecords], ASGIApp]
    base_path: str = ""


_KINDS = {
    "ats": _Kind(
        "Greenhouse Harvest v3",
        lambda: ats.FORM,
        partial(ats.create_app, client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
    ),
    "hris": _Kind("BambooHR", lambda: hris.FORM, partial(hris.create_app, api_key=KEY)),
    "payroll": _Kind("Gusto", lambda: payroll.FORM, partial(payroll.create_app, token=TOKEN, company_id=COMPANY)),
    "check": _Kind("Checkr", lambda: check.FORM, partial(check.create_app, api_key=KEY)),
    "onboarding": _Kind("a plain onboarding API", lambda: onboarding.FORM, partial(onboarding.create_app, token=TOKEN)),
    "directory": _Kind("SCIM 2.0 (scim2-server)", _directory_form, _directory, "/v2"),
}
_OUTLETS = {"mail": "SMTP; letters are kept in a Maildir", "calendar": "CalDAV (Radicale)"}

_Server = Listener | MailServer | CalendarServer


class Sandbox:
    """Six systems, the outlets `mail` and `calendar`, and a control server over one folder.

    Ports are free ones when `base_port` is None. An outlet whose program is not installed is left out (`missing`).
    """

    def __init__(self, folder: Path, *, base_port: int | None = BASE_PORT, clock: Clock | None = None) -> None:
        self.folder = folder
        self.board = FaultBoard(folder)
        self.clock: Clock = clock or WorldClock(folder)
        self.records = {system: SystemRecords(Store(folder, system), self.clock) for system in SYSTEMS}
        ports = [None if base_port is None else base_port + place for place in range(len(SYSTEMS))]
        self.listeners = {
            system: Listener(system, partial(self._app, system), port, self.records[system].close)
            for system, port in zip(SYSTEMS, ports, strict=True)
        }
        after = None if base_port is None else base_port + len(SYSTEMS)
        made = (MailServer(folder, after), CalendarServer(folder, None if after is None else after + 1))
        self.outlets = {one.name: one for one in made if one.available()}
        self.missing = tuple(one.name for one in made if not one.available())
        control_port = None if base_port is None else base_port - 1
        self.control = Listener("control", self._control_app, control_port, lambda: None)
        for records in self.records.values():
            records.store.close()

    @property
    def env(self) -> dict[str, str]:
        """`ATS_URL` and the like: what the example stack file reads from the environment."""
        told = {f"{system.upper()}_URL": self.url(system) for system in SYSTEMS}
        for outlet in self.outlets.values():
            told |= outlet.env
        return told

    def url(self, system: str) -> str:
        """The base URL of a system, as its preset wants it; of an outlet, where it is."""
        return self._listener(system).url + (_KINDS[system].base_path if system in _KINDS else "")

    def start(self, system: str | None = None) -> None:
        """Start one system, or everything. Raises SandboxUnavailable when a port is taken."""
        listeners = [self._listener(system)] if system else self._everything()
        for listener in listeners:
            listener.start()
        for listener in listeners:
            listener.wait_until_ready()

    def stop(self, system: str | None = None) -> None:
        """Stop one system (its port refuses connections, as in an outage), or everything. State stays on disk."""
        listeners = [self._listener(system)] if system else self._everything()
        for listener in listeners:
            listener.ask_to_stop()
        for listener in listeners:
            listener.stop()

    def _everything(self) -> list[_Server]:
        """The outlets first: the calendar is a process of its own, and comes up while the others do."""
        return [*self.outlets.values(), *self.listeners.values(), self.control]

    def _listener(self, system: str) -> _Server:
        known: dict[str, _Server] = {**self.listeners, **self.outlets}
        if system not in known:
            raise UnknownSandboxSystem(system, tuple(known))
        return known[system]

    def _app(self, system: str) -> ASGIApp:
        kind, records = _KINDS[system], self.records[system]
        return FaultyTransport(kind.create(records), system, self.board, kind.form(), records)

    def _control_app(self) -> ASGIApp:
        return create_control(
            Controls(
                board=self.board,
                urls=lambda: {system: self.url(system) for system in SYSTEMS},
                now=lambda: stamp(self.clock.now()),
                advance=self.advance,
                cohort=self.begin_cohort,
                reset=self.reset,
            )
        )

    def advance(self, days: int) -> str:
        """Let the world live on for some days; tells its new moment. The systems go on answering meanwhile."""
        from hrorch_pipelines.sandbox.advance import advance

        return stamp(advance(self.folder, days).now)

    def begin_cohort(self, size: int) -> str:
        """Let people apply, come and go from tomorrow on; tells the last day of it. Raises CohortBegun, WorldTooSmall."""
        from hrorch_pipelines.sandbox.cohort import begin

        return begin(self.folder, size=size).ends.isoformat()

    def reset(self) -> str:
        """Make the same world anew, without faults of transport; what clients wrote is gone. Tells its moment."""
        from hrorch_pipelines.sandbox.labels import read_labels
        from hrorch_pipelines.sandbox.world import generate, label_file, remembered

        world, labels = remembered(self.folder), label_file(self.folder)
        faulty = bool(read_labels(labels))  # no labels, nothing planted
        servers: dict[str, _Server] = {**self.listeners, **self.outlets}
        running = [system for system, server in servers.items() if server.running]
        for system in running:
            self.stop(system)
        self.board.switch_off()
        for outlet in self.outlets.values():
            outlet.clear()
        generate(self.folder, world.people, world.seed, world.epoch, labels, faults=faulty)
        for system in running:
            self.start(system)
        return stamp(self.clock.now())


@contextmanager
def run_sandbox(
    folder: Path,
    *,
    base_port: int | None = BASE_PORT,
    people: int = 500,
    seed: int = 7,
    labels: Path | None = None,
    faults: bool = True,
) -> Iterator[Sandbox]:
    """Run the sandbox of a folder; a world of `people` persons is made there first unless the folder holds one.

    `labels` and `faults` are `world.generate`'s: where the truth is written, and whether anything is planted.

    Port `base_port` is the ATS's; the other five, mail and calendar follow; control is the one before. None takes free ports
    (see `env`).
    """
    make_world(folder, people=people, seed=seed, labels=labels, faults=faults)
    sandbox = Sandbox(folder, base_port=base_port)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()


def make_world(folder: Path, *, people: int, seed: int, labels: Path | None = None, faults: bool = True) -> bool:
    """Make a world unless there is one, whatever its size: clients may have written to it. Tells whether it did."""
    from hrorch_pipelines.sandbox.world import generate, remembered

    try:
        remembered(folder)
    except LookupError:
        generate(folder, people, seed, labels=labels, faults=faults)
        return True
    return False


def serve_forever(folder: Path, *, base_port: int = BASE_PORT, people: int = 500, seed: int = 7) -> None:
    """Run the sandbox and say where it is, until Ctrl-C or a polite kill."""
    from rich.console import Console

    console, ended = Console(), threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        with run_sandbox(folder, base_port=base_port, people=people, seed=seed) as sandbox:
            console.print(_table(sandbox))
            while not ended.wait(3600):
                pass
    except KeyboardInterrupt:
        console.print("Stopped. The world is kept: start again to go on with it.")
    finally:
        signal.signal(signal.SIGTERM, before)


def _table(sandbox: Sandbox) -> Table:
    from rich.table import Table

    from hrorch_pipelines.sandbox.world import remembered

    world = remembered(sandbox.folder)
    table = Table(
        title=f"HR sandbox: {world.people} people on {sandbox.clock.now():%Y-%m-%d}, made with seed {world.seed}"
    )
    for heading in ("system", "speaks like", "URL"):
        table.add_column(heading, no_wrap=heading == "URL")
    for system, kind in _KINDS.items():
        table.add_row(system, kind.like, sandbox.url(system))
    for name, outlet in sandbox.outlets.items():
        table.add_row(name, _OUTLETS[name], outlet.url)
    for name in sandbox.missing:
        table.add_row(name, "not here: pip install 'hrorch[sandbox]'", "")
    table.add_row("control", "GET /health /faults, POST /faults/SYSTEM /advance /cohort /reset", sandbox.control.url)
    return table
