"""One kind's own world: its copies of home and ledger, its stack, its clock, and what goes on in it by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hrorch_pipelines.drill.moving import MovingClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.stack.acting import Watched
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace

Deed = Callable[["Scenario"], object]


@dataclass
class Scenario:
    """`stack` may be replaced by an injection. `sandbox` is None in a dry drill: there is only what lies in the copies."""

    stack: Stack
    home: Home
    ledger: Ledger
    clock: MovingClock
    sandbox: Sandbox | None = None
    deeds: list[tuple[timedelta, Deed]] = field(default_factory=list)
    due: list[datetime] = field(default_factory=list)
    endings: list[Callable[[], object]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return self.clock.now()

    @property
    def systems(self) -> Sandbox:
        """The sandbox of a drill that has one."""
        if self.sandbox is None:
            raise LookupError("a dry drill has no systems")
        return self.sandbox

    @property
    def workplace(self) -> Workplace:
        """What runs work with."""
        return Workplace(self.stack, self.home, self.clock, Warehouse(self.home, self.clock))

    def each(self, every: timedelta, deed: Deed) -> None:
        """From now on this goes on by itself, first after `every`."""
        self.deeds.append((every, deed))
        self.due.append(self.now + every)

    def next_due(self) -> datetime | None:
        """When the next of it comes."""
        return min(self.due, default=None)

    def do_due(self) -> None:
        """Do what is due at this moment."""
        for place, (every, deed) in enumerate(self.deeds):
            if self.due[place] <= self.now:
                deed(self)
                self.due[place] = self.now + every

    def change(self, **changes: Any) -> None:
        """Another stack file from now on."""
        self.stack = self.stack.model_copy(update=changes)

    def watched(self, **limits: Any) -> None:
        """Other limits of `alerts.watch` from now on, as the stack file writes them."""
        given = self.stack.alerts.watch.model_dump() | limits
        alerts = self.stack.alerts.model_copy(update={"watch": Watched.model_validate(given)})
        self.change(alerts=alerts)

    def end(self) -> None:
        """Put the systems right again, and close."""
        for ending in reversed(self.endings):
            ending()
        self.ledger.close()
