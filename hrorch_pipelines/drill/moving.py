"""The drill's clock: it stands, and is moved; what would be waited for passes at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class MovingClock:
    """A `Clock`. Set `at` to move it."""

    at: datetime

    def now(self) -> datetime:
        """The simulated moment, UTC."""
        return self.at.astimezone(UTC)

    def wait(self, seconds: float) -> float:
        """Let so many simulated seconds pass; tells how many of the machine's are left to wait for: none."""
        self.at += timedelta(seconds=seconds)
        return 0.0
