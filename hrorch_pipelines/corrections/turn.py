"""One push's turn at a target: under its lease, with its breaker and its pace. What is sent in it is `push`'s business.

Corrections and handoffs share it, so that one system has one lease, one breaker and one pace whatever it is sent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections import breaker, lease, pacing
from hrorch_pipelines.corrections.queue import Queue
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.systems.writing.protocol import WriteFault


class PauseNeeded(Exception):  # noqa: N818  (not an error: the push stops and what is left waits)
    """The target is to be left alone for a while."""

    def __init__(self, pause: breaker.Pause) -> None:
        super().__init__(pause.why)
        self.pause = pause


@dataclass(kw_only=True)
class Turn:
    """The ledger under the lease, and the count of what became of each thing."""

    ledger: Ledger
    stack: Stack
    system: str
    clock: Clock
    lease_id: str
    lease_for: timedelta
    home_key: bytes = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    outcomes: Counter[str] = field(default_factory=Counter)
    failing: bool = True  # whether the breaker may have failures to forget; asked of the ledger once

    @contextmanager
    def step(self) -> Iterator[tuple[sa.Connection, Seals, datetime]]:
        """One ledger transaction that holds only while the lease is ours."""
        now = self.clock.now()
        with self.ledger.write() as con:
            lease.renew(con, self.system, self.lease_id, now, self.lease_for)
            yield con, Seals(con, self.home_key, now), now

    def answered(self) -> None:
        """The system works."""
        if not self.failing:
            return
        self.failing = False
        with self.step() as (con, seals, now):
            breaker.worked(con, seals, self.stack, self.system, now)

    def trouble(self, fault: WriteFault) -> None:
        """The system did not take a request. Raises PauseNeeded when it is to be left alone."""
        self.failing = True
        asked = fault.outcome == "not_done" and fault.after is not None
        with self.step() as (con, seals, now):
            if asked:
                until = pacing.next_try(1, now, fault.after)
                breaker.asked_to_wait(con, self.system, until, now)
                pause = breaker.pause(con, self.system, now)
            else:
                pause = breaker.failed(con, seals, self.stack, self.system, fault.code, now)
        if pause is None:
            return
        if asked and (pause.until - now).total_seconds() <= pacing.SHORT_NAP:
            self.sleep((pause.until - now).total_seconds())
            return
        raise PauseNeeded(pause)


def take(ledger: Ledger, queue: Queue, system: str, lease_id: str, lease_for: timedelta, now: datetime) -> str | None:
    """Take the turn; or why not, in a sentence: the breaker is open, or another push is under way."""
    with ledger.write() as con:
        pause = breaker.pause(con, system, now)
        if pause is not None:
            return pause.why
        if not lease.take(con, system, lease_id, now, lease_for):
            return f"Another push of {system} is under way."
        breaker.probe(con, system, now)
        queue.release_expired(con, system, now)
    return None


def give_back(ledger: Ledger, queue: Queue, system: str, lease_id: str, paced: object, now: datetime) -> None:
    """Let the next one in; what was claimed and not begun goes back, and the pace of `paced` is remembered."""
    with ledger.write() as con:
        queue.release(con, lease_id)
        pacing.keep(con, system, paced, now)
        lease.give_back(con, system, lease_id, now)
