"""One pass of the monitor: a sign of life, a look at everything, alerts and messages written, what is due sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hrorch_pipelines.monitoring import alerts, beats, deliver, digest, keeping, new_cases, pruning
from hrorch_pipelines.monitoring.alerts import Noted
from hrorch_pipelines.monitoring.deliver import Delivered
from hrorch_pipelines.monitoring.scene import scene
from hrorch_pipelines.monitoring.watches import Seen, look
from hrorch_pipelines.monitoring.words import many
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals

MONITOR = "monitor"
LOOK = "look"
"""When a whole look was taken last: what is found next went wrong after it (M3)."""
EVERY = timedelta(seconds=60)


@dataclass(frozen=True)
class Passed:
    """What a pass saw, changed and sent."""

    seen: Seen
    noted: Noted
    digests: int
    delivered: Delivered

    def sentence(self) -> str:
        """What it did, for a log."""
        told = [
            f"{number} {word}"
            for word in ("raised", "worsened", "escalated", "recovered")
            if (number := getattr(self.noted, word))
        ]
        sent = [many(self.delivered.sent, "message") + " sent"] if self.delivered.sent else []
        left = [many(self.delivered.waiting, "message") + " waiting"] if self.delivered.waiting else []
        return "; ".join([f"{many(self.noted.open, 'alert')} open", *told, *sent, *left]) + "."


def watch(
    ledger: Ledger,
    stack: Stack,
    lives: Sequence[beats.Beat] = (),
    gone: Sequence[str] = (),
    every: timedelta | None = None,
) -> Passed:
    """One pass. `lives`: signs of life the caller gathered; `gone`: prefixes of names that it gathers completely;
    `every`: when the caller comes again, so that its own silence is noticed.

    Two may run at once: what one has raised, the other only sees again, and each message is claimed by one.
    """
    seen, noted, digests = evaluate(ledger, stack, lives, gone, every)
    return Passed(seen, noted, digests, deliver.deliver(ledger, stack))


def evaluate(
    ledger: Ledger,
    stack: Stack,
    lives: Sequence[beats.Beat] = (),
    gone: Sequence[str] = (),
    every: timedelta | None = None,
) -> tuple[Seen, Noted, int]:
    """As `watch`, without sending: (what is wrong, what changed, digests queued)."""
    with ledger.read() as con:
        measured = keeping.taken(ledger.home) if keeping.measure_due(con, ledger.clock.now()) else None
    with ledger.write() as con:
        now = ledger.clock.now()
        beats.write(con, [*lives, *([beats.Beat(MONITOR, now, every)] if every else [])], instead_of=gone)
        if measured is not None:
            keeping.note_size(con, measured, now)
    seen = look_now(ledger, stack)
    with ledger.write() as con:
        now = ledger.clock.now()
        noted = alerts.note(con, Seals(con, ledger.home.key(), now), stack, seen, now, beats.last(con, LOOK))
        digests = digest.write(con, stack, now)
        new_cases.write(con, stack, now)
        pruning.daily(con, now)
        beats.write(con, [beats.Beat(LOOK, now)])
    return seen, noted, digests


def look_now(ledger: Ledger, stack: Stack) -> Seen:
    """What is wrong at this moment; changes nothing."""
    with scene(stack, ledger, ledger.clock.now()) as here:
        return look(here)
