"""What one push of actions works with: its turn at the target, the hands that make and change there, actions opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections import pacing
from hrorch_pipelines.corrections.queue import Move, Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.corrections.turn import Turn
from hrorch_pipelines.handoffs import outbox
from hrorch_pipelines.handoffs.changing import Changer, Changing
from hrorch_pipelines.handoffs.ending import End, finish
from hrorch_pipelines.handoffs.fit import said_of, unfit
from hrorch_pipelines.handoffs.making import Wanted, letter_of, making_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import letters
from hrorch_pipelines.storage.sealed import ErasedError, Seals
from hrorch_pipelines.systems.making.connect import maker_for
from hrorch_pipelines.systems.making.protocol import Maker, Seen
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.protocol import Preview, Receipt, Target, WriteFault


class Hands:
    """A place's maker and target, each opened when first needed; they share the place's pace."""

    def __init__(
        self, ledger: Ledger, stack: Stack, place: str, clock: Clock, maker: Maker | None, target: Target | None
    ) -> None:
        self._ledger, self._stack, self._place, self._clock = ledger, stack, place, clock
        self._maker, self._changer = maker, Changer(stack, target) if target else None
        self._mine: list[Callable[[], None]] = []

    def look(self, wanted: Wanted) -> Seen:
        """Whether it is there already. Raises WriteFault."""
        return self.changer.look(wanted) if isinstance(wanted, Changing) else self.maker.look(wanted)

    def make(self, wanted: Wanted, seen: Seen) -> Receipt:
        """Make it, given what the look found. Raises WriteFault."""
        return self.changer.make(wanted) if isinstance(wanted, Changing) else self.maker.make(wanted, seen)

    def preview(self, wanted: Wanted) -> tuple[Preview, ...]:
        """What it would send, values masked. Raises WriteFault `unwritable`."""
        return self.changer.preview(wanted) if isinstance(wanted, Changing) else (self.maker.preview(wanted),)

    @property
    def maker(self) -> Maker:
        """Makes what is not there. Raises WriteFault `unwritable` where nothing can be made."""
        if self._maker is None:
            self._maker = maker_for(
                self._stack, self._place, self._clock, self._ledger.home.key(), scratch=self._ledger.home.scratch
            )
            self._mine.append(self._maker.close)
            self._recall(self._maker)
        return self._maker

    @property
    def changer(self) -> Changer:
        """Changes what is there."""
        if self._changer is None:
            target = target_for(self._stack, self._place, self._clock, self._ledger.home.key())
            self._changer = Changer(self._stack, target)
            self._mine.append(self._changer.close)
            self._recall(target)
        return self._changer

    @property
    def rate(self) -> RateLimit:
        """The requests of both, for the next process to know of."""
        used: list[object] = [self._maker, self._changer.target if self._changer else None]
        limits = [one.rate for one in used if isinstance(one, pacing.Paced)]
        told = RateLimit(limits[0].rate if limits else None)
        for limit in limits:
            told.remember(limit.ages())
        return told

    def close(self) -> None:
        """Close what was opened here."""
        while self._mine:
            self._mine.pop()()

    def _recall(self, opened: object) -> None:
        with self._ledger.read() as con:
            pacing.recall(con, self._place, opened, self._clock.now())


@dataclass(frozen=True)
class Acting:
    """An action, and what it hands over in the clear."""

    row: Row
    wanted: Wanted = field(repr=False)


@dataclass(kw_only=True)
class Desk(Turn):
    """One push's turn at a place, and its hands there. `begun`: when; what a look shows is no older than that."""

    hands: Hands
    begun: datetime

    def end(self, ends: Sequence[End]) -> None:
        """Write ends down and count them."""
        if ends:
            with self.step() as (con, seals, now):
                finish(con, seals, self.stack, ends, now)
            self.outcomes.update(one.to.value for one in ends)

    def open(self, row: Row) -> Acting | None:
        """What an action hands over. None: it was withdrawn or sent back, because the person was erased, what it says is
        forgotten, or the stack file says otherwise now; or it failed, because it cannot be expressed. That is written down."""
        with self.ledger.read() as con:
            seals = Seals(con, self.home_key, self.clock.now())
            try:
                said = said_of(seals.open(row.person_id, row.content_sealed))
                kept = _kept(con, seals, row)
            except ErasedError:
                said, kept = None, []
        if said is None:
            self.move(row, State.WITHDRAWN, "what it says was erased")
            return None
        away = unfit(self.stack, row, said) if row.state == State.READY.value else None
        if away is not None:
            self.move(row, away.to, away.why)
            return None
        try:
            return Acting(row, making_of(self.stack, row, said, letter_of(kept) if kept else None))
        except WriteFault as fault:
            self.end([End(row, State.FAILED, f"cannot be expressed: {fault.code}", fault.code)])
            return None

    def move(self, row: Row, to: State, why: str) -> None:
        """One action out of the queue, without a case."""
        with self.step() as (con, seals, now):
            outbox.move(con, seals, self.stack.content_hash, [Move(row, to, why)], now)
        self.outcomes["withdrawn"] += 1


def _kept(con: sa.Connection, seals: Seals, row: Row) -> list[str]:
    """The parts of the letter that was kept before it left; empty when none was."""
    if row.verb != "mail":
        return []
    rows = con.execute(sa.select(letters).where(letters.c.action_id == row.action_id).order_by(letters.c.part)).all()
    opened = [seals.open(row.person_id, part.content_sealed) for part in rows]
    return [text for text in opened if text is not None]
