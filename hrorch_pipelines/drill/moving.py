"""The drill's clock: it stands, is moved, and while something is read it may run, faster than the machine's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class MovingClock:
    """A `Clock`. Set `at` to move it."""

    at: datetime
    _running: tuple[float, float] | None = field(default=None, repr=False)  # since (monotonic), how many times faster

    def now(self) -> datetime:
        """The simulated moment, UTC."""
        if self._running is None:
            return self.at.astimezone(UTC)
        since, times = self._running
        return (self.at + timedelta(seconds=(time.monotonic() - since) * times)).astimezone(UTC)

    @contextmanager
    def running(self, times: float) -> Iterator[None]:
        """Let it run so many times as fast as the machine's clock; afterwards it stands where it got to."""
        self._running = (time.monotonic(), times)
        try:
            yield
        finally:
            self.at, self._running = self.now(), None
