"""Push: take what is due for one target, send it, see it land. Exactly one effect out of attempts that may be many.

State is written before and after each send (`sending`), judged by reading (`confirm`); this decides what is taken and when
to stop.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections import batches, confirm, lease, outbox, pacing, recheck, turn
from hrorch_pipelines.corrections.desk import Desk, PauseNeeded, Sent
from hrorch_pipelines.corrections.errors import LeaseLostError
from hrorch_pipelines.corrections.outbox import Row
from hrorch_pipelines.corrections.sending import deliver
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.systems.writing.protocol import BatchTarget, Target

NAP = 1.0
"""Seconds a push waits, once, for what is not visible yet; the rest is looked at by the next push."""


@dataclass(frozen=True)
class PushResult:
    """What became of each correction. taken + resumed = already_there + confirmed + waiting + unknown + conflicted + diverged
    + failed + put_back + withdrawn.

    `resumed`: left undecided by earlier pushes. `sent`: acknowledged by the target in this push, whatever became of them.
    `waiting`: sent, not visible yet. `unknown_resolved`: resumed ones whose outcome was unknown and is known now.
    `stopped`: why the push took nothing, or not all.
    """

    taken: int = 0
    resumed: int = 0
    sent: int = 0
    already_there: int = 0
    confirmed: int = 0
    waiting: int = 0
    unknown: int = 0
    conflicted: int = 0
    diverged: int = 0
    failed: int = 0
    put_back: int = 0
    withdrawn: int = 0
    unknown_resolved: int = 0
    stopped: str | None = None

    def outcomes(self) -> int:
        """The right side of the sum."""
        went = self.already_there + self.confirmed + self.waiting + self.unknown
        return went + self.conflicted + self.diverged + self.failed + self.put_back + self.withdrawn


def push(
    ledger: Ledger,
    stack: Stack,
    system: str,
    clock: Clock,
    *,
    limit: int | None = None,
    target: Target | None = None,
    sleep: Callable[[float], None] = time.sleep,
    lease_for: timedelta = lease.LEASE_FOR,
) -> PushResult:
    """Push one batch (`limit`, else `corrections.batch`) to a target. `target` is for tests and stays open.

    What an earlier push left undecided is settled first, even when nothing may be sent now. Returns at once, saying why,
    while another push of this target is under way or its breaker is open. Raises what is unexpected; nothing is lost then.
    """
    lease_id, now = secrets.token_hex(16), clock.now()
    busy = turn.take(ledger, outbox.QUEUE, system, lease_id, lease_for, now)
    if busy is not None:
        return PushResult(stopped=busy)
    used = target or _target(ledger, stack, system, clock)
    desk = Desk(
        ledger=ledger, stack=stack, system=system, target=used, clock=clock, lease_id=lease_id, lease_for=lease_for,
        home_key=ledger.home.key(), sleep=sleep,
    )  # fmt: skip
    try:
        with ledger.read() as con:
            pacing.recall(con, system, used, now)
        return _Push(desk, limit or stack.corrections.batch).run()
    finally:
        turn.give_back(ledger, outbox.QUEUE, system, lease_id, used, clock.now())
        if target is None:
            used.close()


class _Push:
    """One push under its lease."""

    def __init__(self, desk: Desk, limit: int) -> None:
        self.desk, self.limit = desk, limit
        self.taken = self.resumed = self.unknown_resolved = 0

    def run(self) -> PushResult:
        desk, stopped = self.desk, recheck.stopped(self.desk.stack, self.desk.ledger.home, self.desk.system)
        try:
            self._settle_earlier()
            if stopped is None:
                self._see(self._send())
        except PauseNeeded as needed:
            stopped = needed.pause.why
            with desk.ledger.write() as con:
                desk.outcomes["put_back"] += outbox.release(con, desk.lease_id, needed.pause.until)
        except LeaseLostError as lost:
            # Whoever took over decides about the rest; what we had in hand is unknown to us.
            stopped, known = lost.what, sum(desk.outcomes[name] for name in _OUTCOMES)
            desk.outcomes["unknown"] += self.taken + self.resumed - known
        counts: Any = {name: desk.outcomes[name] for name in _OUTCOMES}
        return PushResult(
            self.taken,
            self.resumed,
            desk.outcomes["sent"],
            **counts,
            unknown_resolved=self.unknown_resolved,
            stopped=stopped,
        )

    def _settle_earlier(self) -> None:
        """What a crash or a slow target left behind: `sending` with nobody sending, and `sent` not seen yet."""
        desk = self.desk
        with desk.ledger.read() as con:
            lost = outbox.unresolved(con, desk.system, desk.clock.now(), self.limit)
            unseen = outbox.unseen(con, desk.system, desk.clock.now(), self.limit)
        before = desk.outcomes["unknown"]
        if isinstance(desk.target, BatchTarget):
            asked = [*lost, *(row for row in unseen if row.acknowledged_at is None)]
            self._look_once([row for row in unseen if row.acknowledged_at is not None])
            self.resumed += len(asked)
            answered = batches.ask(desk, desk.target, asked)
            self.resumed -= len(answered)  # counted when they are looked at
            self._look_once(answered)
        else:
            self._look_once([*lost, *unseen])
        self.unknown_resolved = len(lost) - (desk.outcomes["unknown"] - before)

    def _send(self) -> list[Sent]:
        desk, sents = self.desk, []
        with desk.step() as (con, _, now):
            rows = outbox.claim(con, desk.system, now, desk.lease_id, desk.lease_for, self.limit)
        self.taken = len(rows)
        if isinstance(desk.target, BatchTarget):
            batches.deliver_together(desk, desk.target, rows)
            return self._rest([])
        held_up: set[str] = set()
        try:
            for group in _groups(rows):
                persons = {row.person_id for row in group}
                if persons & held_up:
                    continue  # released at the end: a person's corrections arrive in the order proposed
                before = desk.outcomes["put_back"]
                gone = deliver(desk, group)
                if desk.outcomes["put_back"] > before or not all(sent.acknowledged for sent in gone):
                    held_up |= persons
                sents += gone
        except PauseNeeded:
            confirm.let_wait(desk, sents)
            raise
        return self._rest(sents)

    def _rest(self, sents: list[Sent]) -> list[Sent]:
        """Give back what was claimed and not begun."""
        with self.desk.step() as (con, _, _now):
            self.desk.outcomes["put_back"] += outbox.release(con, self.desk.lease_id)
        return sents

    def _see(self, sents: Sequence[Sent]) -> None:
        """Read what was sent again; once more after a nap; the rest later."""
        left = self._looked(sents)
        if left:
            self.desk.sleep(min(NAP, self.desk.stack.corrections.patience.total_seconds()))
            left = self._looked(left)
        confirm.let_wait(self.desk, left)

    def _look_once(self, rows: Sequence[Row]) -> None:
        self.resumed += len(rows)
        confirm.let_wait(self.desk, self._looked(confirm.resume(self.desk, rows)))

    def _looked(self, sents: Sequence[Sent]) -> list[Sent]:
        left: list[Sent] = []
        for at, sent in enumerate(sents):
            try:
                left += confirm.look(self.desk, [sent])
            except PauseNeeded:
                confirm.let_wait(self.desk, [*left, *sents[at:]])
                raise
        return left


_OUTCOMES = (
    "already_there",
    "confirmed",
    "waiting",
    "unknown",
    "conflicted",
    "diverged",
    "failed",
    "put_back",
    "withdrawn",
)


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Corrections of one record and one day, together; in the order of each group's first."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.record, row.source_id, row.effective_from].append(row)
    return list(groups.values())


def _target(ledger: Ledger, stack: Stack, system: str, clock: Clock) -> Target:
    from hrorch_pipelines.systems.writing.connect import target_for

    return target_for(stack, system, clock, ledger.home.key())
