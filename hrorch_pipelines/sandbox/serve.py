"""Starts and stops the whole sandbox: a world on disk, six systems and a control server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from hrorch_pipelines.clock import Clock
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
    form: Callable[[], AnswerForm]
    create: Callable[[SystemRecords], ASGIApp]
    base_path: str = ""


_KINDS = {
    "ats": _Kind(lambda: ats.FORM, partial(ats.create_app, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)),
    "hris": _Kind(lambda: hris.FORM, partial(hris.create_app, api_key=KEY)),
    "payroll": _Kind(lambda: payroll.FORM, partial(payroll.create_app, token=TOKEN, company_id=COMPANY)),
    "check": _Kind(lambda: check.FORM, partial(check.create_app, api_key=KEY)),
    "onboarding": _Kind(lambda: onboarding.FORM, partial(onboarding.create_app, token=TOKEN)),
    "directory": _Kind(_directory_form, _directory, "/v2"),
}


class Sandbox:
    """Six systems and their control server over one folder. Ports are free ones when `base_port` is None."""

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
        control_port = None if base_port is None else base_port - 1
        self.control = Listener("control", self._control_app, control_port, lambda: None)
        for records in self.records.values():
            records.store.close()

    @property
    def env(self) -> dict[str, str]:
        """`ATS_URL` and the like: what the example stack file reads from the environment."""
        return {f"{system.upper()}_URL": self.url(system) for system in SYSTEMS}

    def url(self, system: str) -> str:
        """The base URL of a system, as its preset wants it."""
        return self._listener(system).url + _KINDS[system].base_path

    def start(self, system: str | None = None) -> None:
        """Start one system, or everything. Raises SandboxUnavailable when a port is taken."""
        listeners = [self._listener(system)] if system else [*self.listeners.values(), self.control]
        for listener in listeners:
            listener.start()
        for listener in listeners:
            listener.wait_until_ready()

    def stop(self, system: str | None = None) -> None:
        """Stop one system (its port refuses connections, as in an outage), or everything. State stays on disk."""
        listeners = [self._listener(system)] if system else [*self.listeners.values(), self.control]
        for listener in listeners:
            listener.ask_to_stop()
        for listener in listeners:
            listener.stop()

    def _listener(self, system: str) -> Listener:
        if system not in self.listeners:
            raise UnknownSandboxSystem(system, SYSTEMS)
        return self.listeners[system]

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
                reset=self.reset,
            )
        )

    def advance(self, days: int) -> str:
        """Let the world live on for some days; tells its new moment."""
        raise LookupError(days)

    def reset(self) -> str:
        """Make the world anew."""
        raise LookupError


@contextmanager
def run_sandbox(
    folder: Path, *, base_port: int | None = BASE_PORT, people: int = 500, seed: int = 7
) -> Iterator[Sandbox]:
    sandbox = Sandbox(folder, base_port=base_port)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()
