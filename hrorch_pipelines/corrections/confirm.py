"""Whether a value landed: by reading the target again, with patience, or by its next snapshot. Nothing is sent here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.corrections import outbox
from hrorch_pipelines.corrections.desk import Desk, Opened, Sent, open_values, write_of
from hrorch_pipelines.corrections.ending import End, finish
from hrorch_pipelines.corrections.judging import Sight, sight
from hrorch_pipelines.corrections.outbox import Row
from hrorch_pipelines.corrections.sending import leave_unknown, look_at, put_back
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.snapshots.manifest import read_manifest
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import ErasedError, Seals
from hrorch_pipelines.storage.sql import ident, record_table
from hrorch_pipelines.systems.writing.protocol import Held, WriteFault

_READS_AT_ONCE = 500
UNANSWERED = timedelta(days=3)
"""A change file is taken today and answered tomorrow; after this long without an answer its rows are not waited for."""


@dataclass(frozen=True)
class Confirmation:
    """What the snapshots of one cycle said about what was sent. looked_at = confirmed + diverged + conflicted + waiting."""

    looked_at: int = 0
    confirmed: int = 0
    diverged: int = 0
    conflicted: int = 0
    waiting: int = 0


def look(desk: Desk, sents: Sequence[Sent]) -> list[Sent]:
    """Read records again; write down what is decided, and return what is not visible yet. Raises PauseNeeded."""
    undecided = []
    for sent in sents:
        try:
            held = desk.target.read(sent.write)
        except WriteFault as fault:
            if fault.outcome in {"not_done", "unknown"}:
                desk.trouble(fault)
                undecided.append(sent)
                continue
            held = Held(found=True)  # it will not show the record: nothing can be told
        left = _decide(desk, sent.opened, held)
        if left:
            undecided.append(Sent(tuple(left), write_of(left)))
    return undecided


def resume(desk: Desk, rows: Sequence[Row]) -> list[Sent]:
    """What earlier pushes left undecided, as writes to look at."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.record, row.source_id, row.effective_from, row.state].append(row)
    found = [open_values(desk, group) for group in groups.values()]
    return [Sent(tuple(opened), write_of(opened)) for opened in found if opened]


def let_wait(desk: Desk, sents: Sequence[Sent]) -> None:
    """Leave what is not visible yet to the next push or snapshot."""
    with desk.ledger.read() as con:
        rows = outbox.fetch(con, [one.row.correction_id for sent in sents for one in sent.opened])
    leave_unknown(desk, [row for row in rows if row.state == State.SENDING.value])
    waiting = [row.correction_id for row in rows if row.state == State.SENT.value]
    with desk.step() as (con, _, now):
        outbox.look_again(con, waiting, now, look_at(desk.stack, now))
    desk.outcomes["waiting"] += len(waiting)
    desk.outcomes.update(row.state for row in rows if row.state not in {State.SENDING.value, State.SENT.value})


def _decide(desk: Desk, opened: Sequence[Opened], held: Held) -> list[Opened]:
    """End what the re-read decides; return what has to be looked at again."""
    now = desk.clock.now()
    with desk.ledger.read() as con:
        current = {row.correction_id: row for row in outbox.fetch(con, [one.row.correction_id for one in opened])}
    ends, back, left = [], [], []
    for one in opened:
        row = current[one.row.correction_id]
        if row.state not in {State.SENDING.value, State.SENT.value}:
            desk.outcomes[row.state] += 1  # a snapshot was quicker
            continue
        seen = sight(desk.stack.attributes[row.attribute].type, row.attribute, one.before, one.after, held)
        patient = now - (row.acknowledged_at or row.sent_at) < patience_of(desk.stack, row)
        if row.state == State.SENDING.value and seen == "before" and not patient:
            back.append(row)
        elif (end := verdict(row, seen, held, patient=patient)) is not None:
            ends.append(end)
        else:
            left.append(Opened(row, one.before, one.after))
    desk.end(ends)
    put_back(desk, back, "its outcome was unknown and the target shows that nothing happened", "not_done", now)
    return left


def verdict(row: Row, seen: Sight, held: Held, *, patient: bool) -> End | None:
    """How a correction that left ends; None while it may yet become visible.

    A write whose outcome is unknown (`sending`) is never called diverged: nobody said that it was taken.
    """
    if seen == "after":
        return End(row, State.CONFIRMED, "is seen in the target", held=held)
    unknown = row.state == State.SENDING.value
    if seen in {"other", "gone"} and (unknown or not patient):
        what = "the record is no longer there" if seen == "gone" else "the target holds a third value"
        return End(row, State.CONFLICTED, f"was sent, and {what}", "record_gone" if seen == "gone" else "changed", held)
    if patient or (unknown and seen == "before"):
        return None
    what = "still shows the old value" if seen == "before" else "does not show what it holds"
    return End(
        row, State.DIVERGED, f"was sent, and the target {what}", "not_seen" if seen == "before" else "not_shown", held
    )


def confirm_from_snapshots(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> Confirmation:
    """Judge what was SENT by the snapshots of this cycle that were begun after it left. `con`: the warehouse.

    Reads `history`; effective-dated records as of the day the write counts from, or the cycle's.
    """
    with ledger.read() as reading:
        rows = reading.execute(sa.select(corrections).where(corrections.c.state == State.SENT.value)).all()
    moments = _begun(ledger, stack, cycle)
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.target in moments and moments[row.target] > row.sent_at:
            groups[row.target, row.record].append(row)
    total = dict.fromkeys(("confirmed", "diverged", "conflicted", "waiting"), 0)
    for (system, record), group in groups.items():
        for at in range(0, len(group), _READS_AT_ONCE):
            part = group[at : at + _READS_AT_ONCE]
            held = _held(con, stack, system, record, part, cycle)
            for state, n in _judge(ledger, stack, part, held, moments[system], cycle).items():
                total[state] += n
    return Confirmation(looked_at=sum(total.values()), **total)


def _judge(
    ledger: Ledger, stack: Stack, rows: Sequence[Row], held: Mapping[str, Held], observed: datetime, cycle: Cycle
) -> dict[str, int]:
    ends: list[End] = []
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), cycle.now)
        current = [
            row for row in outbox.fetch(con, [row.correction_id for row in rows]) if row.state == State.SENT.value
        ]
        for row in current:
            try:
                before, after = (
                    seals.open(row.person_id, row.before_sealed),
                    seals.open(row.person_id, row.after_sealed),
                )
            except ErasedError:
                continue  # nothing is left to compare with; the next push withdraws it (`desk`)
            seen_held = held.get(row.correction_id, Held(found=False))
            seen = sight(stack.attributes[row.attribute].type, row.attribute, before, after, seen_held)
            since = row.acknowledged_at or row.sent_at
            patient = observed - since < (patience_of(stack, row) if row.acknowledged_at else UNANSWERED)
            end = verdict(row, seen, seen_held, patient=patient)
            if end is not None:
                ends.append(end)
        finish(con, seals, stack, ends, cycle.now)
    counted = {
        state.value: sum(end.to is state for end in ends)
        for state in (State.CONFIRMED, State.DIVERGED, State.CONFLICTED)
    }
    return {**counted, "waiting": len(rows) - len(ends)}


def patience_of(stack: Stack, row: Row) -> timedelta:
    """How long a write may take to be seen; files are worked through by the vendor in its own time."""
    patience = stack.corrections.patience
    system = stack.systems[row.target]
    return max(patience, system.trust.max_age) if system.connector == "files" else patience


def _begun(ledger: Ledger, stack: Stack, cycle: Cycle) -> dict[str, datetime]:
    """System → when its snapshot in use was begun; one under way while we wrote may have passed the record already."""
    folders = {
        system: ledger.home.snapshots / system / snapshot_id
        for system, snapshot_id in cycle.sources.items()
        if system in stack.systems
    }
    return {system: read_manifest(folder).started_at for system, folder in folders.items()}


def _held(
    con: duckdb.DuckDBPyConnection, stack: Stack, system: str, record: str, rows: Sequence[Row], cycle: Cycle
) -> dict[str, Held]:
    """correction_id → what the snapshot shows of its record."""
    declared = stack.systems[system].records[record]
    attributes = list(dict.fromkeys(row.attribute for row in rows if row.attribute in declared.fields))
    if not attributes:
        return {}
    owner = "parent_id" if declared.parent else "source_id"
    dated = declared.effective is not None
    shown = ", ".join(f"CAST(h.{ident(name)} AS VARCHAR)" for name in attributes)
    in_force = (
        "AND h.effective_from <= w.as_of AND (h.effective_to IS NULL OR h.effective_to > w.as_of)" if dated else ""
    )
    found = con.execute(
        f"""
        WITH wanted AS (SELECT unnest($ids) AS id, unnest($keys) AS key, unnest($dates)::DATE AS as_of)
        SELECT w.id, h.hidden, list_transform(h.faults, lambda fault: fault.attribute), h.source_updated_by,
               h.source_updated_at, {shown}
        FROM wanted AS w
        JOIN {record_table("history", system, record)} AS h
          ON h.{owner} = w.key AND h.valid_to IS NULL AND NOT coalesce(h.deleted, false) {in_force}
        QUALIFY row_number() OVER (
            PARTITION BY w.id ORDER BY h.effective_from DESC NULLS LAST, h.sequence DESC NULLS LAST, h.occurrence DESC) = 1
        """,
        {
            "ids": [row.correction_id for row in rows],
            "keys": [row.source_id for row in rows],
            "dates": [(row.effective_from or cycle.as_of).isoformat() for row in rows],
        },
    ).fetchall()
    held = {}
    for correction_id, hidden, faulty, changed_by, changed_at, *values in found:
        unknown = {*(hidden or []), *(faulty or [])}
        told = {name: value for name, value in zip(attributes, values, strict=True) if name not in unknown}
        held[correction_id] = Held(found=True, values=told, changed_by=changed_by, changed_at=changed_at)
    return held
