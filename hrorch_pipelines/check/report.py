"""What a check found. Nothing is printed or decided here but the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hrorch_pipelines.stack.errors import Fault, Note


@dataclass(frozen=True)
class ConnectionResult:
    """Whether one system answered; if not, what was wrong and what to do."""

    system: str
    ok: bool
    what: str
    remedy: str = ""


@dataclass(frozen=True)
class CheckReport:
    """Faults stop, notes inform, connections tell which systems answer (empty when none was tried)."""

    faults: tuple[Fault, ...] = ()
    notes: tuple[Note, ...] = ()
    connections: tuple[ConnectionResult, ...] = ()

    @property
    def exit_code(self) -> Literal[0, 1, 2]:
        """0 fine, 1 a system does not answer, 2 the stack file cannot be used."""
        if self.faults:
            return 2
        return 0 if all(connection.ok for connection in self.connections) else 1
