"""Whether what left came to be: by looking again, with patience. So is decided, too, what a crash left `sending`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hrorch_pipelines.corrections.queue import Row
from hrorch_pipelines.corrections.sending import look_at
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs import outbox
from hrorch_pipelines.handoffs.acting import leave_unknown, put_back
from hrorch_pipelines.handoffs.desk import Acting, Desk
from hrorch_pipelines.handoffs.ending import End
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.protocol import Seen
from hrorch_pipelines.systems.writing.protocol import WriteFault

UNANSWERED = timedelta(days=3)
"""A change file is taken today and answered tomorrow; after this long without an answer it is not waited for."""


def resume(desk: Desk, rows: Sequence[Row]) -> list[Acting]:
    """What earlier pushes left undecided, opened to be looked at."""
    return [acting for row in rows if (acting := desk.open(row)) is not None]


def look(desk: Desk, acting: Acting) -> Acting | None:
    """Look again; write down what is decided, or return what is not visible yet. Raises PauseNeeded."""
    try:
        seen = desk.hands.look(acting.wanted)
    except WriteFault as fault:
        if fault.outcome in {"not_done", "unknown"}:
            desk.trouble(fault)
            return acting
        seen = Seen("unclear", why=f"it cannot be looked at: {fault.code}")
    with desk.ledger.read() as con:
        row = next(iter(outbox.fetch(con, [acting.row.action_id])), None)
    if row is None or row.state not in {State.SENDING.value, State.SENT.value}:
        desk.outcomes[row.state if row is not None else "withdrawn"] += 1  # somebody was quicker
        return None
    return _decide(desk, Acting(row, acting.wanted), seen)


def let_wait(desk: Desk, undecided: Sequence[Acting]) -> None:
    """Leave what is not visible yet to the next push."""
    with desk.ledger.read() as con:
        rows = outbox.fetch(con, [acting.row.action_id for acting in undecided])
    leave_unknown(desk, [row for row in rows if row.state == State.SENDING.value])
    waiting = [row.action_id for row in rows if row.state == State.SENT.value]
    if waiting:
        with desk.step() as (con, _, now):
            outbox.look_again(con, waiting, now, look_at(desk.stack, now))
        desk.outcomes["waiting"] += len(waiting)
    desk.outcomes.update(row.state for row in rows if row.state not in {State.SENDING.value, State.SENT.value})


def _decide(desk: Desk, acting: Acting, seen: Seen) -> Acting | None:
    row, lost = acting.row, acting.row.state == State.SENDING.value
    # Counted up to when the push began: a place is read once per push, so a look may be as old as that.
    patient = desk.begun - (row.acknowledged_at or row.sent_at) < patience_of(desk.stack, row)
    if seen.state == "there":
        also = {"source_id": seen.source_id} if seen.source_id and row.verb != "change" else {}
        desk.end([End(row, State.CONFIRMED, "is seen in the target", also=also, filled=seen.filled)])
    elif seen.state == "untold":
        _untold(desk, row, lost=lost)
    elif patient:
        return acting
    elif seen.state == "unclear":
        desk.end([End(row, State.CONFLICTED, f"was sent, and {seen.why or 'several could be it'}", "unclear")])
    elif lost:
        put_back(
            desk,
            [row],
            "its outcome was unknown and the target shows that nothing happened",
            "not_done",
            desk.clock.now(),
        )
    else:
        found = "does not show it" if seen.state == "absent" else "shows something else in its place"
        desk.end([End(row, State.DIVERGED, f"was taken, and the target {found}", "not_seen")])
    return None


def _untold(desk: Desk, row: Row, *, lost: bool) -> None:
    """A letter cannot be looked up: the server's acceptance is its confirmation, and one whose acceptance was lost goes again."""
    if lost:
        why = "its acceptance was not heard; sent again under the same Message-ID"
        put_back(desk, [row], why, "unheard", desk.clock.now(), left=True)
    else:
        desk.end([End(row, State.CONFIRMED, "was accepted by the mail server")])


def patience_of(stack: Stack, row: Row) -> timedelta:
    """How long it may take to be seen; files are worked through by the vendor in its own time."""
    system, patience = stack.systems.get(row.target), stack.corrections.patience
    if system is None or system.connector != "files":
        return patience
    return max(patience, system.trust.max_age) if row.acknowledged_at else UNANSWERED
