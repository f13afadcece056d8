"""The words of a drill: a kind of failure, how it is injected, what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hrorch_pipelines.monitoring.terms import Watch

if TYPE_CHECKING:
    from hrorch_pipelines.drill.scenario import Scenario


@dataclass(frozen=True)
class Kind:
    """One kind of failure.

    `inject` makes it happen at the scenario's moment, and says what goes on by itself afterwards. `watches` are those that
    have to find it, about `system` where one is named. `silent`: nothing tells of it but that something does not come; it
    then occurs when its limit is over (METRICS.md, M3), or, where a look or a cycle has to find that out, after the last one
    that did not. `limit`: after so long without an alert it counts as not detected.
    `prepare` runs before, while all is well.
    """

    name: str
    what: str
    watches: frozenset[Watch]
    inject: Callable[[Scenario], None]
    system: str | None = None
    silent: bool = False
    limit: timedelta = timedelta(hours=3)
    prepare: Callable[[Scenario], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one kind. Without `detected_at` nobody was told. `owner` is one of `people`."""

    kind: str
    what: str
    silent: bool
    injected_at: datetime
    occurred_at: datetime
    detected_at: datetime | None = None
    watch: str | None = None
    owner: str | None = None
    severity: str | None = None
    told: str | None = None

    @property
    def minutes(self) -> float | None:
        """From when it occurred to the alert."""
        return None if self.detected_at is None else (self.detected_at - self.occurred_at).total_seconds() / 60

    @property
    def minutes_since_injected(self) -> float | None:
        """From when it was injected; for a silent failure its limit is in it."""
        return None if self.detected_at is None else (self.detected_at - self.injected_at).total_seconds() / 60
