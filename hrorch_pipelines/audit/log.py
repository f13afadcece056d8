"""Append to the chain, inside the caller's ledger transaction: the change and its entry are written together or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import rfc8785
import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Entry
from hrorch_pipelines.storage.ledger_tables import audit_log, audit_values, notes
from hrorch_pipelines.storage.sealed import Seals

GENESIS = "0" * 64
HEAD = "audit_head"
_LOCK = 7_240_931
"""PostgreSQL advisory lock: one writer at a time extends the chain (SQLite has one writer anyway)."""


def append(con: sa.Connection, seals: Seals, entries: Sequence[Entry], at: datetime, stack_hash: str) -> int:
    """Append entries in order; returns the sequence of the last one (or of the head, when there are none)."""
    if con.dialect.name == "postgresql":
        con.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    sequence, previous = _head(con)
    rows: list[dict[str, Any]] = []
    values: list[dict[str, Any]] = []
    for entry in entries:
        sequence += 1
        envelope = rfc8785.dumps(_envelope(entry, sequence, at, stack_hash, seals)).decode()
        previous = link(previous, envelope)
        rows.append(
            {
                "sequence": sequence,
                "at": at,
                "envelope": envelope,
                "hash": previous,
                "action": entry.action.value,
                "actor": entry.actor.name,
                "person_id": entry.person_id,
                "system": entry.system,
                "attribute": entry.attribute,
                "case_id": entry.case_id,
                "correction_id": entry.correction_id,
            }
        )
        if entry.person_id is not None and (entry.before is not None or entry.after is not None):
            values.append(
                {
                    "sequence": sequence,
                    "person_id": entry.person_id,
                    "before_sealed": seals.seal(entry.person_id, entry.before),
                    "after_sealed": seals.seal(entry.person_id, entry.after),
                }
            )
    if not rows:
        return sequence
    con.execute(audit_log.insert(), rows)
    if values:
        con.execute(audit_values.insert(), values)
    con.execute(sa.delete(notes).where(notes.c.name == HEAD))
    con.execute(notes.insert().values(name=HEAD, value=f"{sequence} {previous}", at=at))
    return sequence


def link(previous: str, envelope: str) -> str:
    """The hash of an entry: SHA-256 over the hash before it and its own canonical envelope."""
    return hashlib.sha256(f"{previous}\n{envelope}".encode()).hexdigest()


def _head(con: sa.Connection) -> tuple[int, str]:
    row = con.execute(
        sa.select(audit_log.c.sequence, audit_log.c.hash).order_by(audit_log.c.sequence.desc()).limit(1)
    ).one_or_none()
    return (row.sequence, row.hash) if row else (0, GENESIS)


def _envelope(entry: Entry, sequence: int, at: datetime, stack_hash: str, seals: Seals) -> dict[str, Any]:
    content: dict[str, Any] = {
        "sequence": sequence,
        "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
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
        "stack_hash": stack_hash,
        "detail": dict(entry.detail) or None,
    }
    if entry.person_id is not None:
        content["before"] = seals.mark(entry.person_id, entry.before)
        content["after"] = seals.mark(entry.person_id, entry.after)
    return {name: value for name, value in content.items() if value is not None}
