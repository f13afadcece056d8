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
class Due:
    """What is done next at a moment; again `every` so long after it, or once."""

    at: datetime
    deed: Deed
    every: timedelta | None = None


@dataclass
class Scenario:
    """`stack` may be replaced by an injection. `sandbox` is None in a dry drill: there is only what lies in the copies."""

    stack: Stack
    home: Home
    ledger: Ledger
    clock: MovingClock
    sandbox: Sandbox | None = None
    deeds: list[Due] = field(default_factory=list)
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

    def each(self, every: timedelta, deed: Deed, *, first: datetime | None = None) -> None:
        """From now on this goes on by itself, first after `every`, or at a moment."""
        self.deeds.append(Due(first or self.now + every, deed, every))

    def once(self, at: datetime, deed: Deed) -> None:
        """This happens at a moment."""
        self.deeds.append(Due(at, deed))

    def next_due(self) -> datetime | None:
        """When the next of it comes."""
        return min((one.at for one in self.deeds), default=None)

    def do_due(self) -> None:
        """Do what is due at this moment."""
        for one in [one for one in self.deeds if one.at <= self.now]:
            one.deed(self)
            if one.every is None:
                self.deeds.remove(one)
            else:
                one.at = self.now + one.every

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
