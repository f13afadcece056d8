"""What every run works with: the stack file, the run-time folder, the clock, warehouse and ledger. One plain object."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hrorch_pipelines.clock import Clock, OffsetClock, SystemClock
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.warehouse import Warehouse

DEFAULT_STACK = Path("data/stack.yaml")

CLOCK_OFFSET = "HRORCH_CLOCK_OFFSET"
"""Environment: seconds by which the clock is moved, to rehearse on another day (the sandbox's, for instance)."""


@dataclass(frozen=True)
class Workplace:
    """The stack that is worked on, and where and when."""

    stack: Stack
    home: Home
    clock: Clock
    warehouse: Warehouse

    def ledger(self) -> Ledger:
        """The ledger of this home (`HRORCH_LEDGER_URL`, else a file), made or migrated where needed."""
        return open_ledger(self.home, self.clock)


def open_workplace(stack_path: Path | None = None, home: Path | None = None, clock: Clock | None = None) -> Workplace:
    """Load the stack file (`HRORCH_STACK`, default `data/stack.yaml`) and open its folder.

    The folder is `home`, else `HRORCH_HOME`, else `home` beside the stack file. Raises StackFaults.
    """
    path = stack_path or Path(os.environ.get("HRORCH_STACK", DEFAULT_STACK))
    clock = clock or _clock()
    place = Home((home or Path(os.environ.get("HRORCH_HOME", path.parent / "home"))).resolve())
    return Workplace(load_stack(path), place, clock, Warehouse(place, clock))


def _clock() -> Clock:
    moved = os.environ.get(CLOCK_OFFSET)
    return OffsetClock(timedelta(seconds=float(moved))) if moved else SystemClock()
