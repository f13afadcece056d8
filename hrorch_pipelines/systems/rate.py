"""Keeps our requests under the number a system allows. Waiting after a refusal is in `retry`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from hrorch_pipelines.stack.systems import Rate


@dataclass
class RateLimit:
    """At most `requests` starts in any stretch of `per` seconds. Without a rate it never waits."""

    rate: Rate | None
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    _starts: deque[float] = field(default_factory=deque)

    def wait(self) -> None:
        """Return when the next request may start."""
        if self.rate is None:
            return
        if len(self._starts) == self.rate.requests:
            pause = self._starts.popleft() + self.rate.per.total_seconds() - self.monotonic()
            if pause > 0:
                self.sleep(pause)
        self._starts.append(self.monotonic())

    def ages(self) -> list[float]:
        """Seconds since each start that still counts; for another process that asks the same system."""
        if self.rate is None:
            return []
        now, per = self.monotonic(), self.rate.per.total_seconds()
        return [now - start for start in self._starts if now - start < per]

    def remember(self, ages: list[float]) -> None:
        """Count requests that others started so many seconds ago."""
        if self.rate is None:
            return
        now, per = self.monotonic(), self.rate.per.total_seconds()
        starts = sorted([*self._starts, *(now - age for age in ages if age < per)])
        self._starts = deque(starts[-self.rate.requests :])
