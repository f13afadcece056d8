"""Retention: which values of whom have been kept long enough, and their destruction. When it began is in `departures`.

A destroyed value counts as hidden from us: unknown, not emptied. So nothing is compared with it and nothing written from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from hrorch_pipelines.audit import holds
from hrorch_pipelines.audit.departures import END, START, STATUS, find_departures
from hrorch_pipelines.audit.entries import SERVICE, Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.persons import Record, Subject
from hrorch_pipelines.audit.retention_ledger import forget_values
from hrorch_pipelines.audit.retention_rows import blank_rows, stored
from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.rewrite import rewrite
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.warehouse import Warehouse, publish

BlankSnapshots = Callable[[Home, Stack, Mapping[Record, Collection[str]], datetime], tuple[int, int]]
"""Blanks attributes of records in stored snapshots; returns (files, rows). `snapshots` stands above this room."""


@dataclass(frozen=True)
class Due:
    """One attribute of which some persons' values have been kept long enough."""

    attribute: str
    retention: timedelta
    persons: int


@dataclass(frozen=True)
class Applied:
    """What was destroyed: attribute → persons, and place → rows."""

    attributes: dict[str, int]
    counts: dict[str, int]


def due(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime) -> list[Due]:
    """What retention asks to destroy now, holds left out. Reads only (a temporary table aside); counts, never values."""
    _find_expired(con, stack, now)
    kept = _kept_for(stack)
    rows = con.execute(
        "SELECT attribute, count(DISTINCT person_id) FROM expired GROUP BY attribute ORDER BY attribute"
    ).fetchall()
    return [Due(str(name), kept[name], int(count)) for name, count in rows]


def running(con: duckdb.DuckDBPyConnection, stack: Stack, subject: Subject, now: datetime) -> list[str]:
    """Attributes of a person whose retention has not passed; all that have one while it cannot be told when it began."""
    find_departures(con, stack, now)
    row = con.execute(
        "SELECT max(left_at) FROM departures WHERE list_contains($persons, person_id)",
        {"persons": list(subject.persons)},
    ).fetchone()
    left = row[0] if row else None
    return [name for name, kept in _kept_for(stack).items() if left is None or left + kept > now]


def apply(
    stack: Stack, home: Home, clock: Clock, warehouse: Warehouse, ledger: Ledger, blank_snapshots: BlankSnapshots
) -> Applied:
    """Destroy what is due, in warehouse, snapshots, ledger and published copy, and say so in the log (counts only).

    Doing it twice is doing it once; after a crash the next call finishes. A source that still holds a value brings it
    into its next snapshot again, where the next call destroys it again. Raises WarehouseBusy, ObservationRunning.
    """
    now = clock.now()
    with warehouse.write() as con:
        attributes = {item.attribute: item.persons for item in due(con, stack, now)}
        wanted = _by_record(con)
        pairs = _by_person(con)
    files, rows = blank_snapshots(home, stack, wanted, now)
    counts = {"snapshots.files": files, "snapshots.rows": rows}
    if not pairs:
        return Applied({}, counts if files else {})
    with warehouse.write() as con:
        due(con, stack, now)
        counts |= blank_rows(con, stack, now)
    if any(name.split(".")[0] != "snapshots" for name in counts):
        rewrite(warehouse)
        if home.published.exists():
            publish(home)
    with ledger.write() as transaction:
        counts |= forget_values(transaction, pairs, now)
        changed = {name: count for name, count in counts.items() if count}
        if changed:
            entry = Entry(Action.RETENTION_APPLIED, SERVICE, detail={**_prefixed(attributes), **changed})
            append(transaction, Seals(transaction, home.key(), now), [entry], now, stack.content_hash)
    return Applied(attributes, changed)


def _kept_for(stack: Stack) -> dict[str, timedelta]:
    """Attribute → retention. What tells when somebody left is kept as long as anything that is counted from it."""
    kept = {name: declared.retention for name, declared in stack.attributes.items() if declared.retention is not None}
    longest = max(kept.values(), default=None)
    return {name: longest if name in {STATUS, START, END} and longest else value for name, value in kept.items()}


def _find_expired(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime) -> None:
    """`expired(person_id, system, source_id, attribute)`: values that are still stored somewhere and should not be."""
    find_departures(con, stack, now)
    persons, records = holds.held(con, stack)
    linked = has_table(con, "identity", "links")
    con.execute("CREATE OR REPLACE TEMP TABLE kept_for (attribute VARCHAR, kept INTERVAL)")
    for name, kept in _kept_for(stack).items():
        con.execute("INSERT INTO kept_for VALUES (?, ?)", [name, kept])
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE expired AS
        WITH known AS (
            SELECT person_id, system, source_id FROM identity.links
            UNION SELECT person_id, system, source_id FROM identity.former_links
            WHERE (system, source_id) NOT IN (SELECT (system, source_id) FROM identity.links)),
        held AS (
            SELECT DISTINCT person_id FROM known
            WHERE list_contains($persons, person_id)
               OR list_contains(list_zip($systems::VARCHAR[], $ids::VARCHAR[]), (system, source_id)))
        SELECT DISTINCT person_id, system, source_id, attribute
        FROM known JOIN departures USING (person_id) CROSS JOIN kept_for
        WHERE left_at + kept <= $now AND person_id NOT IN (FROM held)"""
        if linked
        else "CREATE OR REPLACE TEMP TABLE expired (person_id VARCHAR, system VARCHAR, source_id VARCHAR, attribute VARCHAR)",
        {
            "persons": sorted(persons),
            "systems": [system for system, _ in sorted(records)],
            "ids": [source_id for _, source_id in sorted(records)],
            "now": now,
        }
        if linked
        else None,
    )
    stored(con, stack)


def _by_record(con: duckdb.DuckDBPyConnection) -> dict[Record, set[str]]:
    """Of every departed person, expired attributes whether or not the warehouse still holds them: a source that still
    has them puts them into each new snapshot."""
    wanted: defaultdict[Record, set[str]] = defaultdict(set)
    for system, source_id, attribute in con.execute("SELECT system, source_id, attribute FROM expired_ever").fetchall():
        wanted[(system, source_id)].add(attribute)
    return dict(wanted)


def _by_person(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    rows = con.execute("SELECT DISTINCT person_id, attribute FROM expired_ever").fetchall()
    return {(str(person), str(attribute)) for person, attribute in rows}


def _prefixed(attributes: Mapping[str, int]) -> dict[str, int]:
    return {f"persons: {name}": count for name, count in attributes.items()}
