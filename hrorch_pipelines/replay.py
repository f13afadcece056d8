"""The same comparison for another day: `--as-of`. Reads the published copy, computes in memory, leaves everything as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import duckdb

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.reconcile.bridge import build_bridges
from hrorch_pipelines.reconcile.causes import explain_causes
from hrorch_pipelines.reconcile.compare import compare
from hrorch_pipelines.reconcile.money import price
from hrorch_pipelines.reconcile.rates import compute_rates
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_pipelines.workplace import Workplace

_GIVEN = ("accepted", "history", "identity", "gates", "snapshots")
"""What was observed, vouched for and matched: it does not depend on the day, so it is looked at, not copied."""


@contextmanager
def published_as_of(workplace: Workplace, day: date) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that shows the published tables as they would be for `day`, with all that is known now.

    Effective-dated values are resolved as of that day; who is who, and what passed its gate, stay as they are.
    """
    with open_published(workplace.home) as con:
        last = spine.current(con)
        con.execute("USE memory")
        _show(con, _GIVEN)
        con.execute("CREATE SCHEMA reconcile")
        con.execute("CREATE VIEW reconcile.landings AS SELECT * FROM published.reconcile.landings")
        cycle = _moved(last, day, workplace.stack.organization.time_zone)
        con.execute(cycles.SCHEMA)
        cycles.begin(con, cycle, workplace.stack.content_hash, _observed(con, last))
        assemble(con, workplace.stack, cycle)
        decide(con, workplace.stack, cycle)
        compare(con, workplace.stack, cycle)
        explain_causes(con, workplace.stack, cycle)
        price(con, workplace.stack)
        compute_rates(con, cycle)
        build_bridges(con, workplace.stack, cycle)
        cycles.finish(con, cycle)
        yield con


def _moved(last: Cycle, day: date, time_zone: str) -> Cycle:
    """The last cycle, taken at the end of another day; a day ahead is looked at from now."""
    end = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(time_zone)).astimezone(UTC) - timedelta(seconds=1)
    return Cycle(
        cycle_id=f"{last.cycle_id} as of {day.isoformat()}",
        now=end,
        as_of=day,
        sources=MappingProxyType(dict(last.sources)),
        stale=last.stale,
        full=True,
    )


def _observed(con: duckdb.DuckDBPyConnection, last: Cycle) -> dict[str, datetime]:
    rows = con.execute(
        "SELECT system, observed_at FROM published.cycles.sources WHERE cycle_id = ?", [last.cycle_id]
    ).fetchall()
    return dict(rows)


def _show(con: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> None:
    tables = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'published' AND list_contains(?, schema_name)",
        [list(schemas)],
    ).fetchall()
    for schema in {schema for schema, _ in tables}:
        con.execute(f"CREATE SCHEMA {ident(schema)}")
    for schema, table in tables:
        con.execute(f"CREATE VIEW {ident(schema, table)} AS SELECT * FROM {ident('published', schema, table)}")
