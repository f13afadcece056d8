"""What one push of corrections works with: its turn, the target, and corrections opened to build a write."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from hrorch_pipelines.corrections import outbox
from hrorch_pipelines.corrections.ending import End, finish
from hrorch_pipelines.corrections.outbox import Move, Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.corrections.turn import PauseNeeded, Turn
from hrorch_pipelines.storage.sealed import ErasedError, Seals
from hrorch_pipelines.systems.writing.protocol import Change, Target, Write

__all__ = ["Desk", "Opened", "PauseNeeded", "Sent", "open_values", "write_of"]


@dataclass(kw_only=True)
class Desk(Turn):
    """What one push of corrections works with: its turn at the target, and the target."""

    target: Target

    def end(self, ends: Sequence[End]) -> None:
        """Write ends down and count them."""
        if ends:
            with self.step() as (con, seals, now):
                finish(con, seals, self.stack, ends, now)
            self.outcomes.update(one.to.value for one in ends)


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
