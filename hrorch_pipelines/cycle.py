"""The spine: one cycle through the rooms, in order, in the warehouse. Plain Python; Dagster's assets call the same steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import duckdb

from hrorch_pipelines.clock import Clock, local_date
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import ident

if TYPE_CHECKING:
    from hrorch_pipelines.snapshots.manifest import Manifest


class NothingToReadError(HrorchError):
    """No system has a trusted snapshot yet."""

    def __init__(self) -> None:
        super().__init__(
            "There is no trusted snapshot of any system yet, so there is nothing to compare.",
            remedy="run `hrorch run`, or the extraction jobs in Dagster, and see `hrorch check` if they fail",
        )


class NoOpenCycleError(HrorchError):
    """A stage was started by itself before any cycle was."""

    def __init__(self) -> None:
        super().__init__(
            "No cycle has been started in this warehouse.", remedy="start the job `cycle` (or `hrorch run`)"
        )


def start(con: duckdb.DuckDBPyConnection, stack: Stack, home: Home, clock: Clock, *, full: bool = False) -> Cycle:
    """Open a cycle on the last trusted snapshot of every system, bring those into history, and say what is stale.

    A snapshot whose gate refused it is passed over for the one before, so that one bad delivery does not hold up the rest
    for ever. A changed stack file makes the cycle a full one: yesterday's results were computed under other rules.
    """
    from hrorch_pipelines.gates.receipts import refused_snapshots
    from hrorch_pipelines.snapshots import catalogue
    from hrorch_pipelines.snapshots.history import ingest, ingested

    con.execute(cycles.SCHEMA)
    now = _moment(con, clock.now())
    refused = refused_snapshots(con, stack)
    chosen = {system: manifest for system in stack.systems if (manifest := _newest(home, system, refused)) is not None}
    if not chosen:
        raise NothingToReadError
    changed_rules = con.execute(
        "SELECT stack_hash FROM cycles.runs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1"
    ).fetchone()
    cycle = Cycle(
        cycle_id=f"cycle-{now:%Y%m%dT%H%M%S%fZ}",
        now=now,
        as_of=local_date(now, stack.organization.time_zone),
        sources=MappingProxyType({name: manifest.snapshot_id for name, manifest in chosen.items()}),
        stale=frozenset(
            name for name, manifest in chosen.items() if catalogue.is_stale(manifest, stack.systems[name].trust, now)
        ),
        full=full or changed_rules is None or changed_rules[0] != stack.content_hash,
    )
    cycles.begin(con, cycle, stack.content_hash, {name: manifest.observed_at for name, manifest in chosen.items()})
    for manifest in catalogue.new_since(home, ingested(con)):
        newest = chosen.get(manifest.system)
        if newest is not None and manifest.observed_at <= newest.observed_at:
            ingest(con, stack, home, manifest, cycle)
    return cycle


def current(con: duckdb.DuckDBPyConnection) -> Cycle:
    """The cycle a stage belongs to: the open one, else the last. Raises NoOpenCycleError."""
    if not has_table(con, "cycles", "runs"):
        raise NoOpenCycleError
    row = con.execute(
        "SELECT cycle_id, now, as_of, is_full FROM cycles.runs ORDER BY (finished_at IS NULL) DESC, now DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise NoOpenCycleError
    sources = con.execute(
        "SELECT system, snapshot_id, stale FROM cycles.sources WHERE cycle_id = ?", [row[0]]
    ).fetchall()
    return Cycle(
        cycle_id=row[0],
        now=row[1],
        as_of=row[2],
        full=row[3],
        sources=MappingProxyType({system: snapshot_id for system, snapshot_id, _ in sources}),
        stale=frozenset(system for system, _, stale in sources if stale),
    )


def at(cycle: Cycle, moment: datetime, time_zone: str) -> Cycle:
    """The same cycle looked at from another moment."""
    return replace(cycle, now=moment, as_of=local_date(moment, time_zone))


def _moment(con: duckdb.DuckDBPyConnection, now: datetime) -> datetime:
    """The clock's moment, or just after the last cycle of that moment: a clock may stand still, ids may not repeat."""
    row = con.execute(
        "SELECT max(now) FROM cycles.runs WHERE finished_at IS NOT NULL AND now >= $now AND now < $now + INTERVAL 1 SECOND",
        {"now": now},
    ).fetchone()
    return row[0].astimezone(UTC) + timedelta(microseconds=1) if row and row[0] else now


def _newest(home: Home, system: str, refused: set[str]) -> Manifest | None:
    """The newest trusted snapshot that no gate refused; older manifests are read only when the newest was refused."""
    from hrorch_pipelines.snapshots import catalogue

    newest = catalogue.latest(home, system)
    if newest is None or newest.snapshot_id not in refused:
        return newest
    usable = [manifest for manifest in catalogue.manifests(home, system) if manifest.snapshot_id not in refused]
    return usable[-1] if usable else None


def count(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> int:
    """Rows of a table; 0 where it does not exist yet."""
    if not has_table(con, schema, table):
        return 0
    row = con.execute(f"SELECT count(*) FROM {ident(schema, table)}").fetchone()
    return int(row[0]) if row else 0
