"""Push: take the actions due for one target, carry them out, see that they came to be. One effect out of attempts that may be many.

One action's way is in `acting`, what is decided by looking in `resuming`; this decides what is taken and when to stop.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections import lease, pacing, turn
from hrorch_pipelines.corrections.errors import LeaseLostError
from hrorch_pipelines.corrections.push import NAP
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.corrections.turn import PauseNeeded
from hrorch_pipelines.handoffs import outbox, resuming
from hrorch_pipelines.handoffs.acting import deliver
from hrorch_pipelines.handoffs.desk import Acting, Desk, Hands
from hrorch_pipelines.handoffs.targets import stopped
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.systems.making.protocol import Maker
from hrorch_pipelines.systems.writing.protocol import Target


@dataclass(frozen=True)
class PushResult:
    """What became of each action. taken + resumed = already_there + confirmed + waiting + unknown + conflicted + diverged
    + failed + put_back + withdrawn.

    `resumed`: left undecided by earlier pushes. `sent`: taken by the target in this push, whatever became of it. `waiting`:
    sent, not visible yet. `unknown_resolved`: resumed ones whose outcome was unknown and is known now. `stopped`: why the
    push took nothing, or not all.
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
        return sum(getattr(self, name) for name in _OUTCOMES)


_OUTCOMES = (
    *("already_there", "confirmed", "waiting", "unknown", "conflicted", "diverged", "failed", "put_back", "withdrawn"),
)


def push(
    ledger: Ledger,
    stack: Stack,
    target: str,
    clock: Clock,
    *,
    limit: int | None = None,
    maker: Maker | None = None,
    changer: Target | None = None,
    sleep: Callable[[float], None] = time.sleep,
    lease_for: timedelta = lease.LEASE_FOR,
) -> PushResult:
    """Push one batch (`limit`, else `corrections.batch`) of actions to a system or an outlet.

    What an earlier push left undecided is settled first, even when nothing may be sent now. Returns at once, saying why,
    while another push of this target (of corrections too) is under way or its breaker is open. `maker` and `changer` are for
    tests and stay open. Raises what is unexpected; nothing is lost then.
    """
    lease_id, now = secrets.token_hex(16), clock.now()
    busy = turn.take(ledger, outbox.QUEUE, target, lease_id, lease_for, now)
    if busy is not None:
        return PushResult(stopped=busy)
    hands = Hands(ledger, stack, target, clock, maker, changer)
    desk = Desk(
        ledger=ledger, stack=stack, system=target, hands=hands, begun=now, clock=clock, lease_id=lease_id, lease_for=lease_for,
        home_key=ledger.home.key(), sleep=sleep,
    )  # fmt: skip
    try:
        with ledger.read() as con:
            for given in (maker, changer):
                pacing.recall(con, target, given, now)
        return _Push(desk, limit or stack.corrections.batch).run()
    finally:
        turn.give_back(ledger, outbox.QUEUE, target, lease_id, hands, clock.now())
        hands.close()


class _Push:
    """One push under its lease."""

    def __init__(self, desk: Desk, limit: int) -> None:
        self.desk, self.limit = desk, limit
        self.taken = self.resumed = self.unknown_resolved = 0

    def run(self) -> PushResult:
        desk, why = self.desk, stopped(self.desk.stack, self.desk.ledger.home, self.desk.system)
        try:
            self._settle_earlier()
            if why is None:
                self._see(self._send())
        except PauseNeeded as needed:
            why = needed.pause.why
            with desk.step() as (con, _, _now):
                desk.outcomes["put_back"] += outbox.release(con, desk.lease_id, needed.pause.until)
        except LeaseLostError as lost:
            # Whoever took over decides about the rest; what we had in hand is unknown to us.
            why, known = lost.what, sum(desk.outcomes[name] for name in _OUTCOMES)
            desk.outcomes["unknown"] += self.taken + self.resumed - known
        counts: Any = {name: desk.outcomes[name] for name in _OUTCOMES}
        return PushResult(
            self.taken,
            self.resumed,
            desk.outcomes["sent"],
            **counts,
            unknown_resolved=self.unknown_resolved,
            stopped=why,
        )

    def _settle_earlier(self) -> None:
        """What a crash or a slow target left behind: `sending` with nobody sending, and `sent` not seen yet."""
        desk, now = self.desk, self.desk.clock.now()
        with desk.ledger.read() as con:
            lost = outbox.QUEUE.waiting(con, desk.system, State.SENDING, now, self.limit)
            unseen = outbox.QUEUE.waiting(con, desk.system, State.SENT, now, self.limit)
        before = desk.outcomes["unknown"]
        rows = [*lost, *unseen]
        self.resumed += len(rows)
        resuming.let_wait(desk, self._looked(resuming.resume(desk, rows)))
        self.unknown_resolved = len(lost) - (desk.outcomes["unknown"] - before)

    def _send(self) -> list[Acting]:
        desk, gone = self.desk, []
        with desk.step() as (con, _, now):
            rows = outbox.claim(con, desk.system, now, desk.lease_id, desk.lease_for, self.limit)
        self.taken = len(rows)
        held_up: set[str] = set()
        try:
            for row in rows:
                if row.person_id in held_up:
                    continue  # released at the end: a person's actions happen in the order proposed
                before = desk.outcomes["put_back"]
                acting = deliver(desk, row)
                if desk.outcomes["put_back"] > before or (acting and acting.row.state == State.SENDING.value):
                    held_up.add(row.person_id)
                gone += [acting] if acting else []
        except PauseNeeded:
            resuming.let_wait(desk, gone)
            raise
        with desk.step() as (con, _, _now):
            desk.outcomes["put_back"] += outbox.release(con, desk.lease_id)
        return gone

    def _see(self, gone: Sequence[Acting]) -> None:
        """Look at what was sent again; once more after a nap; the rest later."""
        left = self._looked(gone)
        if left:
            self.desk.sleep(min(NAP, self.desk.stack.corrections.patience.total_seconds()))
            left = self._looked(left)
        resuming.let_wait(self.desk, left)

    def _looked(self, gone: Sequence[Acting]) -> list[Acting]:
        left: list[Acting] = []
        for at, acting in enumerate(gone):
            try:
                undecided = resuming.look(self.desk, acting)
            except PauseNeeded:
                resuming.let_wait(self.desk, [*left, *gone[at:]])
                raise
            left += [undecided] if undecided else []
        return left
