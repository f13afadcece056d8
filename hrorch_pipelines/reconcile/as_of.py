"""The same comparison for another day: cells, golden record and comparison computed anew beside the stored ones.

Nothing stored is touched: the schemas are made in a database in memory that stands before the warehouse's own in the search
path. So a published, read-only copy can be asked as well, and every query of `cells`, `golden`, `reconcile` and `cycles`
inside the block sees that day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb

from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.reconcile.compare import CompareResult, compare
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal

SCHEMAS = ("cells", "golden", "reconcile", "cycles")


@dataclass(frozen=True)
class AsOf:
    """A comparison of another day: its cycle (with that `as_of`), the result, and the database its tables are in."""

    cycle: Cycle
    result: CompareResult
    database: str


@contextmanager
def compare_as_of(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, as_of: date) -> Iterator[AsOf]:
    """Compare as of another day, from the records accepted now. Tables last as long as the block.

    Effective-dated values are those of that day; all others are today's, since nothing says what they were. For another day
    than the cycle's, time is the end of that day in the organization's zone. What is stale in the cycle is stale here.
    """
    database = "hrorch_as_of"
    before = con.execute("SELECT current_setting('search_path'), current_database()").fetchone()
    assert before is not None  # noqa: S101
    path, own = before
    observed = _observed(con, cycle)
    con.execute(f"ATTACH ':memory:' AS {database}")
    try:
        for schema in SCHEMAS:
            con.execute(f"CREATE SCHEMA {database}.{schema}")
        first = ident(own) + ".main"
        con.execute(f"SET search_path = {literal(','.join([first, *(f'{database}.{schema}' for schema in SCHEMAS)]))}")
        then = replace(
            cycle,
            cycle_id=f"{cycle.cycle_id} as of {as_of.isoformat()}",
            as_of=as_of,
            now=_moment(stack, cycle, as_of),
            full=True,
        )
        cycles.begin(con, then, stack.content_hash, observed)
        assemble(con, stack, then)
        decide(con, stack, then)
        result = compare(con, stack, then)
        cycles.finish(con, then)
        yield AsOf(then, result, database)
    finally:
        con.execute(f"SET search_path = {literal(path)}") if path else con.execute("RESET search_path")
        con.execute(f"USE {ident(own)}")
        con.execute(f"DETACH {database}")


def _moment(stack: Stack, cycle: Cycle, as_of: date) -> datetime:
    if as_of == cycle.as_of:
        return cycle.now
    midnight = datetime.combine(as_of + timedelta(days=1), time(), ZoneInfo(stack.organization.time_zone))
    return midnight.astimezone(UTC) - timedelta(seconds=1)


def _observed(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> dict[str, datetime]:
    """When each system of the cycle was observed, as the warehouse itself keeps it."""
    if not has_table(con, "cycles", "sources"):
        return {}
    rows = con.execute("SELECT system, observed_at FROM cycles.sources WHERE cycle_id = ?", [cycle.cycle_id]).fetchall()
    return dict(rows)
