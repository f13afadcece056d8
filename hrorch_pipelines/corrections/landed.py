"""Tells the warehouse what we wrote ourselves, so that its landings are not laid at somebody else's door (M1, rule 1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.corrections.sameness import as_stored
from hrorch_pipelines.reconcile.landings import SCHEMA, value_hash
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, corrections
from hrorch_pipelines.storage.sealed import ErasedError, Seals

_COPIED = "CREATE TABLE IF NOT EXISTS reconcile.writes_copied (correction_id VARCHAR PRIMARY KEY, sent_at TIMESTAMPTZ)"
_AT_ONCE = 500
_Write = tuple[str, str, str, str, datetime, datetime]
"""A row of `reconcile.write_ledger`."""


def copy_acknowledged(ledger: Ledger, con: duckdb.DuckDBPyConnection, home_key: bytes, stack: Stack) -> int:
    """Copy acknowledged corrections into `reconcile.write_ledger`, each once; tells how many. `con`: the warehouse.

    A write counts from the moment its request left, since a snapshot may show it before its answer arrived. What was found
    to be there already was written by somebody else and is not copied.
    """
    new = _untold(ledger, con, corrections, corrections.c.correction_id)
    for at in range(0, len(new), _AT_ONCE):
        _copy(ledger, con, home_key, stack, new[at : at + _AT_ONCE])
    return len(new)


def copy_made(ledger: Ledger, con: duckdb.DuckDBPyConnection, home_key: bytes, stack: Stack) -> int:
    """The same for what handoffs made and changed in systems, attribute by attribute; tells how many actions."""
    records = actions.c.verb.in_(["create", "change"])
    new = _untold(ledger, con, actions, actions.c.action_id, records)
    for at in range(0, len(new), _AT_ONCE):
        _copy_made(ledger, con, home_key, stack, new[at : at + _AT_ONCE])
    return len(new)


def window(stack: Stack, name: str, target: str) -> timedelta:
    """How long after our write a change to that attribute may still be ours: until it has to be seen."""
    attribute, system = stack.attributes.get(name), stack.systems.get(target)
    grace = attribute.grace if attribute and attribute.grace is not None else stack.comparison.grace
    return grace + (system.trust.max_age if system else timedelta(0)) + stack.corrections.patience


def _untold(
    ledger: Ledger,
    con: duckdb.DuckDBPyConnection,
    table: sa.Table,
    key: sa.Column[str],
    which: sa.ColumnElement[bool] | None = None,
) -> list[str]:
    """Ids of what was acknowledged and not told yet, or was sent again since."""
    con.execute(SCHEMA)
    con.execute(_COPIED)
    acknowledged = table.c.acknowledged_at.is_not(None) & table.c.sent_at.is_not(None)
    wanted = acknowledged if which is None else acknowledged & which
    with ledger.read() as reading:
        known: dict[str, datetime] = dict(reading.execute(sa.select(key, table.c.sent_at).where(wanted)).tuples().all())
    done = dict(con.execute("SELECT correction_id, sent_at FROM reconcile.writes_copied").fetchall())
    return [one for one, sent_at in known.items() if done.get(one) != sent_at]


def _copy(ledger: Ledger, con: duckdb.DuckDBPyConnection, home_key: bytes, stack: Stack, ids: list[str]) -> None:
    writes: list[_Write] = []
    copied: list[tuple[str, datetime]] = []
    with ledger.read() as reading:
        seals = Seals(reading, home_key, ledger.clock.now())
        for row in reading.execute(sa.select(corrections).where(corrections.c.correction_id.in_(ids))).all():
            copied.append((row.correction_id, row.sent_at))
            try:
                after = seals.open(row.person_id, row.after_sealed)
            except ErasedError:
                continue
            writes += _writes(home_key, stack, row, {row.attribute: after})
    _tell(con, writes, copied)


def _copy_made(ledger: Ledger, con: duckdb.DuckDBPyConnection, home_key: bytes, stack: Stack, ids: list[str]) -> None:
    writes: list[_Write] = []
    copied: list[tuple[str, datetime]] = []
    with ledger.read() as reading:
        seals = Seals(reading, home_key, ledger.clock.now())
        for row in reading.execute(sa.select(actions).where(actions.c.action_id.in_(ids))).all():
            copied.append((row.action_id, row.sent_at))
            try:
                said = seals.open(row.person_id, row.content_sealed)
            except ErasedError:
                continue
            content = json.loads(said) if said else {"values": {}}
            writes += _writes(home_key, stack, row, {**content["values"], **content.get("filled", {})})
    _tell(con, writes, copied)


def _writes(home_key: bytes, stack: Stack, row: sa.Row[Any], values: Mapping[str, str | None]) -> Iterator[_Write]:
    for name, value in values.items():
        if value is None or name not in stack.attributes:
            continue
        text = as_stored(stack.attributes[name].type, value)
        hashed = value_hash(home_key, row.target, row.person_id, name, text)
        yield row.target, row.person_id, name, hashed, row.sent_at, row.sent_at + window(stack, name, row.target)


def _tell(con: duckdb.DuckDBPyConnection, writes: list[_Write], copied: list[tuple[str, datetime]]) -> None:
    # A write told twice changes nothing, one never told does: so the mark that it was told comes last.
    if writes:
        con.executemany("INSERT INTO reconcile.write_ledger VALUES (?, ?, ?, ?, ?, ?)", writes)
    con.executemany("INSERT OR REPLACE INTO reconcile.writes_copied VALUES (?, ?)", copied)
