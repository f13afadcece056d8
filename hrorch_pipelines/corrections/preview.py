"""The dry run: what a push would send, request by request. Reads the target where asked to; sends nothing, changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections.desk import Opened, write_of
from hrorch_pipelines.corrections.judging import sight
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import ErasedError, Seals
from hrorch_pipelines.systems.writing.protocol import Held, Preview, Target, WriteFault

NOT_SENT = {
    "after": "not sent: the target holds the value already",
    "other": "not sent: the target has come to hold another value",
    "untold": "not sent: the target does not show what it holds",
    "gone": "not sent: the record is no longer there",
}


@dataclass(frozen=True)
class Planned:
    """What would be sent for one record. `requests` is empty where nothing would be; `note` says why, or what is unsure."""

    target: str
    record: str
    source_id: str
    correction_ids: tuple[str, ...]
    attributes: tuple[str, ...]
    requests: tuple[Preview, ...]
    note: str | None = None


@dataclass(frozen=True)
class DryRun:
    """Records in the order proposed, and how many more there are beyond the limit."""

    planned: tuple[Planned, ...]
    left_out: int


def dry_run(
    ledger: Ledger,
    stack: Stack,
    system: str,
    clock: Clock,
    *,
    states: Iterable[State] = (State.READY,),
    limit: int = 100,
    read: bool = True,
    target: Target | None = None,
) -> DryRun:
    """The requests of the corrections in these states, at most `limit` records. Values are masked by the target.

    With `read` each record is read as a push would just before, so that versions and conditions are the real ones;
    without, nothing leaves this machine. `target` is for tests and stays open.
    """
    groups: dict[tuple[Any, ...], list[Opened]] = defaultdict(list)
    with ledger.read() as con:
        seals = Seals(con, ledger.home.key(), clock.now())
        rows = con.execute(
            sa.select(corrections)
            .where(corrections.c.target == system, corrections.c.state.in_([state.value for state in states]))
            .order_by(corrections.c.proposed_at, corrections.c.correction_id)
        ).all()
        for row in rows:
            groups[row.record, row.source_id, row.effective_from].append(Opened(row, None, None))
        chosen = [_opened(seals, group) for group in list(groups.values())[:limit]]
    used = target or _target(ledger, stack, system, clock)
    try:
        return DryRun(
            tuple(_planned(stack, used, group, read) for group in chosen if group), max(0, len(groups) - limit)
        )
    finally:
        if target is None:
            used.close()


def _opened(seals: Seals, group: list[Opened]) -> list[Opened]:
    """With values; what was erased since is never sent, so it is not shown."""
    found = []
    for one in group:
        person = one.row.person_id
        try:
            before, after = seals.open(person, one.row.before_sealed), seals.open(person, one.row.after_sealed)
        except ErasedError:
            continue
        found.append(Opened(one.row, before, after))
    return found


def _planned(stack: Stack, target: Target, group: list[Opened], read: bool) -> Planned:
    held: Held | None = None
    notes: list[str] = []
    going = group
    if read:
        try:
            held = target.read(write_of(group))
        except WriteFault as fault:
            notes.append(f"could not be read now ({fault.code}): versions are not known")
        else:
            going = []
            for one in group:
                seen = sight(stack.attributes[one.row.attribute].type, one.row.attribute, one.before, one.after, held)
                if seen == "before":
                    going.append(one)
                else:
                    notes.append(f"{one.row.attribute} {NOT_SENT[seen]}")
    requests: tuple[Preview, ...] = ()
    if going:
        try:
            requests = target.preview(write_of(going), held)
        except WriteFault as fault:
            notes.append(f"cannot be written ({fault.code}): {fault.what}")
    first = group[0].row
    return Planned(
        first.target,
        first.record,
        first.source_id,
        tuple(one.row.correction_id for one in group),
        tuple(one.row.attribute for one in group),
        requests,
        "; ".join(notes) or None,
    )


def _target(ledger: Ledger, stack: Stack, system: str, clock: Clock) -> Target:
    from hrorch_pipelines.systems.writing.connect import target_for

    return target_for(stack, system, clock, ledger.home.key())
