"""One record's corrections on their way: read it again, decide, commit `sending`, send, commit what the target said.

In which order, how many and whether at all is `push`'s business; whether a value landed is `confirm`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hrorch_pipelines.corrections import outbox, pacing, recheck
from hrorch_pipelines.corrections.desk import Desk, Opened, PauseNeeded, Sent, open_values, write_of
from hrorch_pipelines.corrections.ending import End, finish
from hrorch_pipelines.corrections.judging import sight
from hrorch_pipelines.corrections.outbox import Move, Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.writing.protocol import Held, Receipt, WriteFault


def deliver(desk: Desk, rows: Sequence[Row]) -> list[Sent]:
    """Send the corrections of one record together; what came of those that did not leave is written down and counted.

    Raises PauseNeeded and LeaseLostError.
    """
    opened = open_values(desk, rows)
    if not opened:
        return []
    return _attempt(desk, opened, again=True)


def _attempt(desk: Desk, opened: list[Opened], *, again: bool) -> list[Sent]:
    try:
        held = desk.target.read(write_of(opened))
    except WriteFault as fault:
        not_read(desk, opened, fault)
        return []
    desk.answered()
    going = begin(desk, opened, held)
    if not going:
        return []
    write = write_of(going)
    try:
        receipt = desk.target.send(write, held)
    except WriteFault as fault:
        return _not_sent(desk, going, fault, again=again)
    acknowledge(desk, going, receipt)
    return [Sent(tuple(going), write)]


def begin(desk: Desk, opened: Sequence[Opened], held: Held | None) -> list[Opened]:
    """Decide each correction by what the target holds now, and commit `sending` for those that go. `held` None: a target
    that cannot be read; the evidence is the snapshot's."""
    ends: list[End] = []
    going: list[Opened] = []
    with desk.step() as (con, seals, now):
        current = {row.correction_id: row for row in outbox.fetch(con, [one.row.correction_id for one in opened])}
        mine = [one for one in opened if _is_mine(current.get(one.row.correction_id), desk.lease_id)]
        unfit = recheck.still_right(con, desk.stack, [current[one.row.correction_id] for one in mine], now)
        moves = []
        for one in mine:
            row = current[one.row.correction_id]
            if row.correction_id in unfit:
                reason = unfit[row.correction_id]
                moves.append(Move(row, reason.to, reason.why, also=_without_approval(reason.to)))
            elif row.attempts >= desk.stack.corrections.tries:
                ends.append(
                    End(row, State.FAILED, f"was tried {row.attempts} times without success", "tries_used_up", held)
                )
            elif (end := _end_of(desk, one, row, held)) is not None:
                ends.append(end)
            else:
                also = {
                    "attempts": row.attempts + 1,
                    "sent_at": now,
                    "receipt": None,
                    "lease_until": now + desk.lease_for,
                }
                moves.append(Move(row, State.SENDING, "about to be sent", also=also))
                going.append(one)
        outbox.move(con, seals, desk.stack.content_hash, moves, now)
        finish(con, seals, desk.stack, ends, now)
        sending = {row.correction_id: row for row in outbox.fetch(con, [one.row.correction_id for one in going])}
    desk.outcomes["withdrawn"] += len(opened) - len(going) - len(ends)
    desk.outcomes.update("already_there" if one.to is State.CONFIRMED else one.to.value for one in ends)
    return [Opened(sending[one.row.correction_id], one.before, one.after) for one in going]


def acknowledge(desk: Desk, going: Sequence[Opened], receipt: Receipt) -> None:
    """Commit that the target said yes; or, when `deferred`, that it will say."""
    with desk.step() as (con, seals, now):
        reference = (receipt.reference or receipt.version or "")[:256] or None
        also = {"receipt": reference, "acknowledged_at": None if receipt.deferred else now, "due_at": None}
        moves = [Move(one.row, State.SENT, "the target took it", also=also) for one in going]
        outbox.move(con, seals, desk.stack.content_hash, moves, now)
    desk.answered()
    desk.outcomes["sent"] += len(going)


def put_back(desk: Desk, rows: Sequence[Row], why: str, fault: str | None, due_at: datetime | None) -> None:
    """From `sending` back to READY, or to FAILED with a case when the tries are used up."""
    spent = [row for row in rows if row.attempts >= desk.stack.corrections.tries]
    desk.end(
        [End(row, State.FAILED, f"was tried {row.attempts} times: {why}", fault or "tries_used_up") for row in spent]
    )
    left = [row for row in rows if row not in spent]
    if left:
        with desk.step() as (con, seals, now):
            moves = [Move(row, State.READY, why, fault, {"due_at": due_at}) for row in left]
            outbox.move(con, seals, desk.stack.content_hash, moves, now)
        desk.outcomes["put_back"] += len(left)


def _end_of(desk: Desk, one: Opened, row: Row, held: Held | None) -> End | None:
    """The end of a correction that is not to be sent because of what the target holds; None when it is."""
    if held is None:
        return None
    match sight(desk.stack.attributes[row.attribute].type, row.attribute, one.before, one.after, held):
        case "before":
            return None
        case "after":
            return End(row, State.CONFIRMED, "was already there", held=held)
        case "untold":
            return End(row, State.FAILED, "is not sent: the target does not show what it holds", "not_shown", held)
        case "gone":
            return End(row, State.CONFLICTED, "is not sent: the record is no longer there", "record_gone", held)
        case "other":
            return End(row, State.CONFLICTED, "is not sent: the target has come to hold another value", "changed", held)


def not_read(desk: Desk, opened: Sequence[Opened], fault: WriteFault) -> None:
    """Nothing was sent. A system that is away costs no try; one that refuses to show the record is a case."""
    rows = [one.row for one in opened]
    if fault.outcome in {"refused", "unwritable"}:
        desk.end([End(row, State.FAILED, f"could not be prepared: {fault.code}", fault.code) for row in rows])
        return
    with desk.step() as (con, _, now):
        due_at = pacing.next_try(1, now, fault.after)
        outbox.look_again(con, [row.correction_id for row in rows], now, due_at)
    desk.outcomes["put_back"] += len(rows)
    desk.trouble(fault)


def _not_sent(desk: Desk, going: list[Opened], fault: WriteFault, *, again: bool) -> list[Sent]:
    rows = [one.row for one in going]
    now = desk.clock.now()
    match fault.outcome:
        case "unknown":
            try:
                desk.trouble(fault)
            except PauseNeeded as needed:
                # Decided by reading, by a later push: nobody can tell now.
                leave_unknown(desk, rows)
                raise needed from None
            return [Sent(tuple(going), write_of(going), acknowledged=False)]
        case "not_done":
            put_back(
                desk,
                rows,
                f"nothing was done: {fault.code}",
                fault.code,
                pacing.next_try(rows[0].attempts, now, fault.after),
            )
            desk.trouble(fault)
            return []
        case "changed":
            return _decide_anew(desk, going, fault, again=again)
    if len(going) == 1:
        desk.end([End(rows[0], State.FAILED, f"was refused: {fault.code}", fault.code)])
        return []
    return [sent for one in going for sent in _alone(desk, one, fault)]


def _decide_anew(desk: Desk, going: list[Opened], fault: WriteFault, *, again: bool) -> list[Sent]:
    """Somebody changed the record between our read and our write: look again, once."""
    rows = [one.row for one in going]
    if not again:
        due_at = pacing.next_try(rows[0].attempts, desk.clock.now())
        put_back(desk, rows, "the record keeps changing while it is written", fault.code, due_at)
        return []
    return _attempt(desk, _again(desk, going, "the record changed since it was read", fault), again=False)


def _alone(desk: Desk, one: Opened, fault: WriteFault) -> list[Sent]:
    """A write of several changes was refused as a whole, so nothing of it happened: send each by itself to find the bad one."""
    return _attempt(desk, _again(desk, [one], "refused together with others", fault), again=False)


def _again(desk: Desk, going: Sequence[Opened], why: str, fault: WriteFault) -> list[Opened]:
    """Back to READY under our own lease, without counting it as an outcome: it is sent again at once."""
    with desk.step() as (con, seals, now):
        kept: dict[str, Any] = {"lease": desk.lease_id, "lease_until": now + desk.lease_for}
        moves = [
            Move(one.row, State.READY, why, fault.code, {**kept, "attempts": one.row.attempts - 1}) for one in going
        ]
        outbox.move(con, seals, desk.stack.content_hash, moves, now)
        fresh = {row.correction_id: row for row in outbox.fetch(con, [one.row.correction_id for one in going])}
    return [Opened(fresh[one.row.correction_id], one.before, one.after) for one in going]


def leave_unknown(desk: Desk, rows: Sequence[Row]) -> None:
    """Stay `sending`, to be decided by reading the target later."""
    with desk.step() as (con, _, now):
        outbox.look_again(con, [row.correction_id for row in rows], now, look_at(desk.stack, now))
    desk.outcomes["unknown"] += len(rows)


def look_at(stack: Stack, now: datetime) -> datetime:
    """When to look again at what is not visible yet: a few times within the patience."""
    return now + max(stack.corrections.patience / 5, timedelta(seconds=0.2))


def _is_mine(row: Row | None, lease_id: str) -> bool:
    return row is not None and row.state == State.READY.value and row.lease == lease_id


def _without_approval(to: State) -> dict[str, Any]:
    if to is not State.AWAITING_APPROVAL:
        return {}
    return {"approved_by": None, "approved_at": None, "approved_mark": None}
