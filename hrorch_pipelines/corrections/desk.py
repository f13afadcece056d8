"""What one push works with: the ledger under its lease, the target, the counts, and corrections opened to build a write."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections import breaker, lease, outbox, pacing
from hrorch_pipelines.corrections.ending import End, finish
from hrorch_pipelines.corrections.outbox import Move, Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import ErasedError, Seals
from hrorch_pipelines.systems.writing.protocol import Change, Target, Write, WriteFault


class PauseNeeded(Exception):  # noqa: N818  (not an error: the push stops and what is left waits)
    """The target is to be left alone for a while."""

    def __init__(self, pause: breaker.Pause) -> None:
        super().__init__(pause.why)
        self.pause = pause


@dataclass
class Desk:
    """What one push works with: the ledger under its lease, the target, and the count of what became of each correction."""

    ledger: Ledger
    stack: Stack
    system: str
    target: Target
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

    def end(self, ends: Sequence[End]) -> None:
        """Write ends down and count them."""
        if ends:
            with self.step() as (con, seals, now):
                finish(con, seals, self.stack, ends, now)
            self.outcomes.update(one.to.value for one in ends)

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


@dataclass(frozen=True)
class Opened:
    """A correction with its values in the clear; made only to build a Write."""

    row: Row
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)


@dataclass(frozen=True)
class Sent:
    """A write that left, to be read again. Not `acknowledged`: its outcome is unknown."""

    opened: tuple[Opened, ...]
    write: Write
    acknowledged: bool = True


def open_values(desk: Desk, rows: Sequence[Row]) -> list[Opened]:
    """Open sealed values; what was erased since is withdrawn."""
    found, erased = [], []
    with desk.ledger.read() as con:
        seals = Seals(con, desk.home_key, desk.clock.now())
        for row in rows:
            try:
                before, after = (
                    seals.open(row.person_id, row.before_sealed),
                    seals.open(row.person_id, row.after_sealed),
                )
            except ErasedError:
                erased.append(row)
            else:
                found.append(Opened(row, before, after))
    if erased:
        with desk.step() as (con, seals, now):
            gone = [Move(row, State.WITHDRAWN, "the person was erased") for row in erased]
            outbox.move(con, seals, desk.stack.content_hash, gone, now)
        desk.outcomes["withdrawn"] += len(erased)
    return found


def write_of(opened: Sequence[Opened]) -> Write:
    """The one write that carries corrections of one record."""
    row = opened[0].row
    ids = sorted(one.row.correction_id for one in opened)
    key = ids[0] if len(ids) == 1 else hashlib.sha256("\n".join(ids).encode()).hexdigest()
    changes = tuple(Change(one.row.attribute, one.before, one.after) for one in opened)
    return Write(row.target, row.record, row.source_id, changes, key, row.effective_from)
