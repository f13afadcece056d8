"""Targets that take many writes at once and answer later (files): one change file per push, and its answers read back.

What a file says landed only when a later export shows it; single records are `sending`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.corrections import outbox, pacing
from hrorch_pipelines.corrections.desk import Desk, Opened, open_values, write_of
from hrorch_pipelines.corrections.ending import End
from hrorch_pipelines.corrections.outbox import Move, Row
from hrorch_pipelines.corrections.sending import acknowledge, begin, leave_unknown, look_at, not_read, put_back
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.systems.writing.protocol import Answer, BatchTarget, Held, Receipt, WriteFault


def deliver_together(desk: Desk, target: BatchTarget, rows: Sequence[Row]) -> None:
    """Send corrections as one change file; each is a write of its own, so that each can be found again by its id."""
    read: list[tuple[Opened, Held]] = []
    for one in open_values(desk, rows):
        try:
            read.append((one, target.read(write_of([one]))))
        except WriteFault as fault:
            not_read(desk, [one], fault)
    # Nothing is begun before all is read: a pause in between would leave some `sending` that nobody sends.
    going = [begun for one, held in read for begun in begin(desk, [one], held)]
    if not going:
        return
    try:
        answers = target.send_batch([write_of([one]) for one in going])
    except WriteFault as fault:
        _all(desk, [one.row for one in going], fault)
        return
    together: dict[str | None, list[Opened]] = defaultdict(list)
    for one in going:
        answer = answers[one.row.correction_id]
        if isinstance(answer, Receipt):
            together[answer.reference].append(one)
        else:
            _one(desk, one.row, answer)
    for reference, taken in together.items():
        acknowledge(desk, taken, Receipt(reference, deferred=True))
        desk.outcomes["waiting"] += len(taken)


def ask(desk: Desk, target: BatchTarget, rows: Sequence[Row]) -> list[Row]:
    """Ask what became of writes whose answer was still to come; returns those that were taken and have to be seen.

    Without an answer they wait. Raises PauseNeeded.
    """
    if not rows:
        return []
    try:
        answers = target.acknowledged({row.correction_id: row.receipt for row in rows})
    except WriteFault as fault:
        _wait(desk, rows)
        desk.trouble(fault)
        return []
    told = {row.correction_id: answers[row.correction_id] for row in rows}
    seen = _write_down(desk, rows, told)
    refused = [row for row in rows if _is(told[row.correction_id], "refused")]
    desk.end([_refusal(row, told[row.correction_id]) for row in refused])
    lost = [row for row in rows if _is(told[row.correction_id], "unseen")]
    put_back(desk, lost, "it never left: no change file holds it", "unseen", None)
    settled = {row.correction_id for row in (*refused, *lost)} | {row.correction_id for row in seen}
    _wait(desk, [row for row in rows if row.correction_id not in settled])
    return seen


def _write_down(desk: Desk, rows: Sequence[Row], told: Mapping[str, Answer | WriteFault]) -> list[Row]:
    """What the answers say of the way so far: found in a file (`sent`), taken (`acknowledged_at`), not to be trusted (a case)."""
    accepted = [row for row in rows if _is(told[row.correction_id], "accepted")]
    found = [row for row in rows if _is(told[row.correction_id], "pending") and row.state == State.SENDING.value]
    doubtful = sorted({answer.code for answer in told.values() if isinstance(answer, WriteFault)})
    with desk.step() as (con, seals, now):
        moves = [
            Move(row, State.SENT, "the vendor's answer says that it was taken", also={"acknowledged_at": now})
            for row in accepted
        ]
        for row in found:
            answer = told[row.correction_id]
            reference = answer.reference if isinstance(answer, Answer) else None
            moves.append(Move(row, State.SENT, "found in a change file", also={"receipt": reference}))
        outbox.move(con, seals, desk.stack.content_hash, moves, now)
        _report(con, seals, desk, doubtful, now)
        return outbox.fetch(con, [row.correction_id for row in accepted])


def _report(con: sa.Connection, seals: Seals, desk: Desk, codes: Sequence[str], now: datetime) -> None:
    if not codes:
        return
    system = desk.stack.systems[desk.system]
    found = [
        cases.Finding(
            source="correction",
            rule=f"answer:{code}",
            what=f"An answer of {system.label or desk.system} to a change file cannot be trusted ({code}).",
            action="Look at the answer file and ask the vendor for a right one; what it is about waits meanwhile.",
            system=desk.system,
            reviewer=system.owner,
            cause=code,
        )
        for code in codes
    ]
    cases.report(con, seals, desk.stack, found, now)


def _refusal(row: Row, answer: Answer | WriteFault) -> End:
    code = (answer.code if isinstance(answer, Answer) else None) or "refused"
    return End(row, State.FAILED, f"was refused in the vendor's answer: {code}"[:300], code[:64])


def _is(answer: Answer | WriteFault, state: str) -> bool:
    return isinstance(answer, Answer) and answer.state == state


def _one(desk: Desk, row: Row, fault: WriteFault) -> None:
    """One row of a file that did not go; the others did."""
    if fault.outcome in {"not_done", "changed"}:
        put_back(
            desk, [row], f"nothing was done: {fault.code}", fault.code, pacing.next_try(row.attempts, desk.clock.now())
        )
    elif fault.outcome == "unknown":
        leave_unknown(desk, [row])
    else:
        desk.end([End(row, State.FAILED, f"was refused: {fault.code}", fault.code)])


def _all(desk: Desk, rows: Sequence[Row], fault: WriteFault) -> None:
    for row in rows:
        _one(desk, row, fault)
    if fault.outcome in {"not_done", "unknown"}:
        desk.trouble(fault)


def _wait(desk: Desk, rows: Sequence[Row]) -> None:
    with desk.step() as (con, _, now):
        outbox.look_again(con, [row.correction_id for row in rows], now, look_at(desk.stack, now))
        current = outbox.fetch(con, [row.correction_id for row in rows])
    unknown = sum(row.state == State.SENDING.value for row in current)
    desk.outcomes.update({"unknown": unknown, "waiting": len(rows) - unknown})
