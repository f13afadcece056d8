"""One action on its way: look whether it is there, decide, commit `sending`, make it, commit what the target said.

Which, how many and whether at all is `push`'s business; whether it came to be is `resuming`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections import pacing
from hrorch_pipelines.corrections.queue import Move, Row
from hrorch_pipelines.corrections.sending import look_at
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.corrections.turn import PauseNeeded
from hrorch_pipelines.handoffs import outbox
from hrorch_pipelines.handoffs.desk import Acting, Desk
from hrorch_pipelines.handoffs.ending import End, finish
from hrorch_pipelines.handoffs.making import parts_of
from hrorch_pipelines.storage.ledger_tables import letters
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.systems.making.protocol import Letter, Making, Seen
from hrorch_pipelines.systems.writing.protocol import Receipt, WriteFault


def deliver(desk: Desk, row: Row) -> Acting | None:
    """Carry one action out; what left is returned, to be looked at again. What became of the rest is written down and counted.

    Raises PauseNeeded and LeaseLostError.
    """
    acting = desk.open(row)
    return _attempt(desk, acting, again=True) if acting is not None else None


def put_back(
    desk: Desk, rows: Sequence[Row], why: str, fault: str | None, due_at: datetime | None, *, left: bool = False
) -> None:
    """From `sending` back to READY, or to FAILED with a case when the tries are used up.

    `left`: it may have left after all (a letter whose acceptance was lost). Else nothing happened, so it was never sent.
    """
    spent = [row for row in rows if row.attempts >= desk.stack.corrections.tries]
    desk.end(
        [End(row, State.FAILED, f"was tried {row.attempts} times: {why}", fault or "tries_used_up") for row in spent]
    )
    back = [row for row in rows if row not in spent]
    if back:
        also: dict[str, Any] = {"due_at": due_at} if left else {"due_at": due_at, "sent_at": None}
        with desk.step() as (con, seals, now):
            moves = [Move(row, State.READY, why, fault, also) for row in back]
            outbox.move(con, seals, desk.stack.content_hash, moves, now)
        desk.outcomes["put_back"] += len(back)


def leave_unknown(desk: Desk, rows: Sequence[Row]) -> None:
    """Stay `sending`, to be decided by looking later."""
    if rows:
        with desk.step() as (con, _, now):
            outbox.look_again(con, [row.action_id for row in rows], now, look_at(desk.stack, now))
        desk.outcomes["unknown"] += len(rows)


def _attempt(desk: Desk, acting: Acting, *, again: bool) -> Acting | None:
    try:
        seen = desk.hands.look(acting.wanted)
    except WriteFault as fault:
        _not_looked(desk, acting.row, fault)
        return None
    desk.answered()
    going = _begin(desk, acting, seen)
    if going is None:
        return None
    try:
        receipt = desk.hands.make(going.wanted, seen)
    except WriteFault as fault:
        return _not_made(desk, going, fault, again=again)
    return _acknowledge(desk, going, receipt)


def _begin(desk: Desk, acting: Acting, seen: Seen) -> Acting | None:
    """Decide by what the look found, and commit `sending` for what goes; a letter is kept in the same transaction."""
    with desk.step() as (con, seals, now):
        row = next(iter(outbox.fetch(con, [acting.row.action_id])), None)
        if row is None or row.state != State.READY.value or row.lease != desk.lease_id:
            desk.outcomes["withdrawn"] += 1  # somebody decided otherwise meanwhile
            return None
        end = _end_of(desk, row, seen)
        if end is not None:
            finish(con, seals, desk.stack, [end], now)
        else:
            also = {
                "attempts": row.attempts + 1,
                "sent_at": now,
                "acknowledged_at": None,
                "receipt": None,
                "lease_until": now + desk.lease_for,
            }
            why = "about to be sent" if row.sent_at is None else f"about to be sent again ({row.why})"
            outbox.move(con, seals, desk.stack.content_hash, [Move(row, State.SENDING, why[:300], also=also)], now)
            if isinstance(acting.wanted, Making) and isinstance(acting.wanted.content, Letter):
                _keep(con, seals, row, acting.wanted.content, now)
            row = outbox.fetch(con, [row.action_id])[0]
    if end is None:
        return Acting(row, acting.wanted)
    desk.outcomes["already_there" if end.to is State.CONFIRMED else end.to.value] += 1
    return None


def _end_of(desk: Desk, row: Row, seen: Seen) -> End | None:
    """The end of an action that is not to be sent because of what the look found; None when it is."""
    if seen.state == "there":
        return End(row, State.CONFIRMED, "was there already", also=_known(row, seen.source_id))
    if seen.state == "unclear":
        why = seen.why or "several could be it"
        return End(row, State.CONFLICTED, f"is not done: {why}", "unclear")
    if row.attempts >= desk.stack.corrections.tries:
        return End(row, State.FAILED, f"was tried {row.attempts} times without success", "tries_used_up")
    return None


def _acknowledge(desk: Desk, going: Acting, receipt: Receipt) -> Acting:
    """Commit that the target said yes, and what it calls the new thing."""
    reference = receipt.version if going.row.verb == "change" else receipt.reference
    with desk.step() as (con, seals, now):
        also = {
            "receipt": (reference or "")[:256] or None,
            "acknowledged_at": None if receipt.deferred else now,
            "due_at": None,
            **(_known(going.row, receipt.reference) if going.row.verb in {"create", "invite"} else {}),
        }
        outbox.move(
            con, seals, desk.stack.content_hash, [Move(going.row, State.SENT, "the target took it", also=also)], now
        )
        row = outbox.fetch(con, [going.row.action_id])[0]
    desk.answered()
    desk.outcomes["sent"] += 1
    return Acting(row, going.wanted)


def _not_looked(desk: Desk, row: Row, fault: WriteFault) -> None:
    """Nothing was sent. A place that is away costs no try; one that can never take it is a case."""
    if fault.outcome in {"refused", "unwritable"}:
        desk.end([End(row, State.FAILED, f"could not be prepared: {fault.code}", fault.code)])
        return
    with desk.step() as (con, _, now):
        outbox.look_again(con, [row.action_id], now, pacing.next_try(1, now, fault.after))
    desk.outcomes["put_back"] += 1
    desk.trouble(fault)


def _not_made(desk: Desk, going: Acting, fault: WriteFault, *, again: bool) -> Acting | None:
    row, now = going.row, desk.clock.now()
    match fault.outcome:
        case "unknown":
            try:
                desk.trouble(fault)
            except PauseNeeded:
                leave_unknown(desk, [row])  # decided by looking, by a later push: nobody can tell now
                raise
            return going
        case "not_done":
            due_at = pacing.next_try(row.attempts, now, fault.after)
            put_back(desk, [row], f"nothing was done: {fault.code}", fault.code, due_at)
            desk.trouble(fault)
            return None
        case "changed" if again:
            return _anew(desk, going, fault)
        case "changed":
            due_at = pacing.next_try(row.attempts, now)
            put_back(desk, [row], "it keeps changing while it is written", fault.code, due_at)
            return None
    desk.end([End(row, State.FAILED, f"was refused: {fault.code}", fault.code)])
    return None


def _anew(desk: Desk, going: Acting, fault: WriteFault) -> Acting | None:
    """Somebody changed it between our look and our write: look again, once, under our own lease and without counting a try."""
    with desk.step() as (con, seals, now):
        kept: dict[str, Any] = {
            "lease": desk.lease_id,
            "lease_until": now + desk.lease_for,
            "attempts": going.row.attempts - 1,
            "sent_at": None,
        }
        moves = [Move(going.row, State.READY, "it changed since it was looked at", fault.code, kept)]
        outbox.move(con, seals, desk.stack.content_hash, moves, now)
        row = outbox.fetch(con, [going.row.action_id])[0]
    return _attempt(desk, Acting(row, going.wanted), again=False)


def _keep(con: sa.Connection, seals: Seals, row: Row, letter: Letter, now: datetime) -> None:
    """Keep a letter, sealed, before it leaves; at a second try it is kept already."""
    if con.execute(sa.select(letters.c.part).where(letters.c.action_id == row.action_id).limit(1)).first():
        return
    con.execute(
        letters.insert(),
        [
            {
                "action_id": row.action_id,
                "part": part,
                "person_id": row.person_id,
                "media_type": media_type,
                "digest": seals.mark(row.person_id, text),
                "content_sealed": seals.seal(row.person_id, text),
                "made_at": now,
            }
            for part, (media_type, text) in enumerate(parts_of(letter))
        ],
    )


def _known(row: Row, source_id: str | None) -> dict[str, Any]:
    return {"source_id": source_id} if source_id and row.verb != "change" else {}
