"""Tells the warehouse what we wrote ourselves, so that its landings are not laid at somebody else's door (M1, rule 1)."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.corrections.outbox import Row
from hrorch_pipelines.corrections.sameness import as_stored
from hrorch_pipelines.reconcile.landings import SCHEMA, value_hash
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import ErasedError, Seals

_COPIED = "CREATE TABLE IF NOT EXISTS reconcile.writes_copied (correction_id VARCHAR PRIMARY KEY, sent_at TIMESTAMPTZ)"
_AT_ONCE = 500


def copy_acknowledged(ledger: Ledger, con: duckdb.DuckDBPyConnection, home_key: bytes, stack: Stack) -> int:
    """Copy acknowledged corrections into `reconcile.write_ledger`, each once; tells how many. `con`: the warehouse.

    A write counts from the moment its request left, since a snapshot may show it before its answer arrived. What was found
    to be there already was written by somebody else and is not copied.
    """
    con.execute(SCHEMA)
    con.execute(_COPIED)
    acknowledged = corrections.c.acknowledged_at.is_not(None) & corrections.c.sent_at.is_not(None)
    with ledger.read() as reading:
        known = dict(
            reading.execute(sa.select(corrections.c.correction_id, corrections.c.sent_at).where(acknowledged))
            .tuples()
            .all()
        )
    done = dict(con.execute("SELECT correction_id, sent_at FROM reconcile.writes_copied").fetchall())
    new = [correction_id for correction_id, sent_at in known.items() if done.get(correction_id) != sent_at]
    for at in range(0, len(new), _AT_ONCE):
        _copy(ledger, con, home_key, stack, new[at : at + _AT_ONCE])
    return len(new)


def window(stack: Stack, row: Row) -> timedelta:
    """How long after our write a change to that value may still be ours: until it has to be seen."""
    attribute, system = stack.attributes.get(row.attribute), stack.systems.get(row.target)
    grace = attribute.grace if attribute and attribute.grace is not None else stack.comparison.grace
    return grace + (system.trust.max_age if system else timedelta(0)) + stack.corrections.patience


def _copy(ledger: Ledger, con: duckdb.DuckDBPyConnection, home_key: bytes, stack: Stack, ids: list[str]) -> None:
    writes: list[tuple[str, str, str, str, datetime, datetime]] = []
    copied: list[tuple[str, datetime]] = []
    with ledger.read() as reading:
        seals = Seals(reading, home_key, ledger.clock.now())
        for row in reading.execute(sa.select(corrections).where(corrections.c.correction_id.in_(ids))).all():
            copied.append((row.correction_id, row.sent_at))
            try:
                after = seals.open(row.person_id, row.after_sealed)
            except ErasedError:
                continue
            if after is None or row.attribute not in stack.attributes:
                continue
            text = as_stored(stack.attributes[row.attribute].type, after)
            hashed = value_hash(home_key, row.target, row.person_id, row.attribute, text)
            until = row.sent_at + window(stack, row)
            writes.append((row.target, row.person_id, row.attribute, hashed, row.sent_at, until))
    # A write told twice changes nothing, one never told does: so the mark that it was told comes last.
    if writes:
        con.executemany("INSERT INTO reconcile.write_ledger VALUES (?, ?, ?, ?, ?, ?)", writes)
    con.executemany("INSERT OR REPLACE INTO reconcile.writes_copied VALUES (?, ?)", copied)
