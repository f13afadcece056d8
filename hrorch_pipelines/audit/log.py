"""Append to the chain, inside the caller's ledger transaction: the change and its entry are written together or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.canonical import canonical
from hrorch_pipelines.audit.entries import Entry
from hrorch_pipelines.audit.rows import insert
from hrorch_pipelines.storage.ledger import WRITER_LOCK
from hrorch_pipelines.storage.ledger_tables import Moment, audit_log, notes
from hrorch_pipelines.storage.sealed import Seals

GENESIS = "0" * 64
HEAD = "audit_head"
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Tip:
    """Where the chain ends: what the next entry is linked to."""

    sequence: int = 0
    hash: str = GENESIS
    at: datetime = _EPOCH


def append(con: sa.Connection, seals: Seals, entries: Sequence[Entry], at: datetime, stack_hash: str) -> int:
    """Append entries in order; returns the sequence of the last one (or of the head, when there are none).

    Time never goes back within the log: when the clock did, entries carry the moment of the one before, and the clock's own
    reading in `clock`. An entry about an erased person may be appended without values; with values it raises ErasedError.
    Raises NotCanonicalError.
    """
    if con.dialect.name == "postgresql":
        con.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
    tip = tip_of(con)
    if not entries:
        return tip.sequence
    seals.prepare({entry.person_id for entry in entries if entry.person_id is not None and _has_values(entry)})
    moment = max(at, tip.at)
    common = {"at": moment_text(moment), "stack_hash": stack_hash}
    if moment != at:
        common["clock"] = moment_text(at)
    stored_at = Moment().process_bind_param(moment, con.dialect)
    sequence, previous = tip.sequence, tip.hash
    rows: list[tuple[Any, ...]] = []
    values: list[tuple[Any, ...]] = []
    for entry in entries:
        sequence += 1
        person = entry.person_id
        envelope = canonical(_envelope(entry, sequence, common, seals))
        previous = link(previous, envelope)
        rows.append((sequence, stored_at, envelope, previous, *_repeated(entry)))
        if person is not None and _has_values(entry):
            values.append((sequence, person, seals.seal(person, entry.before), seals.seal(person, entry.after)))
    insert(con, rows, values)
    con.execute(sa.delete(notes).where(notes.c.name == HEAD))
    con.execute(notes.insert().values(name=HEAD, value=f"{sequence} {previous}", at=moment))
    return sequence


def link(previous: str, envelope: str) -> str:
    """The hash of an entry: SHA-256 over the hash before it and its own canonical envelope."""
    return hashlib.sha256(f"{previous}\n{envelope}".encode()).hexdigest()


def tip_of(con: sa.Connection) -> Tip:
    """The end of the chain: as noted, or as the last row has it, whichever is further.

    When the last entries were cut off, the next is linked to what the note says, so that the gap stays to be found.
    """
    log = audit_log.c
    row = con.execute(sa.select(log.sequence, log.hash, log.at).order_by(log.sequence.desc()).limit(1)).one_or_none()
    last = Tip(row.sequence, row.hash, row.at) if row else Tip()
    noted = noted_tip(con)
    return noted if noted is not None and noted.sequence >= last.sequence else last


def noted_tip(con: sa.Connection) -> Tip | None:
    """The end of the chain as the ledger notes it beside the log; None when there is no note, or none that can be read."""
    note = con.execute(sa.select(notes.c.value, notes.c.at).where(notes.c.name == HEAD)).one_or_none()
    if note is None:
        return None
    sequence, _, digest = note.value.partition(" ")
    return Tip(int(sequence), digest, note.at) if sequence.isdecimal() and len(digest) == len(GENESIS) else None


def moment_text(moment: datetime) -> str:
    """A moment as envelopes write it: UTC, to the microsecond, so that it sorts as it passes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _has_values(entry: Entry) -> bool:
    return entry.before is not None or entry.after is not None


def _repeated(entry: Entry) -> tuple[str | None, ...]:
    """What the columns repeat of the envelope, in the order of `rows.REPEATED`."""
    return (
        entry.action.value,
        entry.actor.name,
        entry.person_id,
        entry.system,
        entry.attribute,
        entry.case_id,
        entry.correction_id,
    )


def _envelope(entry: Entry, sequence: int, common: dict[str, str], seals: Seals) -> dict[str, Any]:
    content: dict[str, Any] = {
        "sequence": sequence,
        "action": entry.action.value,
        "actor_kind": entry.actor.kind,
        "actor": entry.actor.name,
        "on_behalf_of": entry.actor.on_behalf_of,
        "person_id": entry.person_id,
        "system": entry.system,
        "record": entry.record,
        "source_id": entry.source_id,
        "attribute": entry.attribute,
        "rule": entry.rule,
        "snapshot_id": entry.snapshot_id,
        "run_id": entry.run_id,
        "case_id": entry.case_id,
        "correction_id": entry.correction_id,
        "detail": dict(entry.detail) or None,
        **common,
    }
    if entry.person_id is not None:
        content["before"] = seals.mark(entry.person_id, entry.before)
        content["after"] = seals.mark(entry.person_id, entry.after)
    return {name: value for name, value in content.items() if value is not None}
