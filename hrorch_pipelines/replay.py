"""The whole comparison for another day: `--as-of`. Reads the published copy, computes in memory, leaves everything as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.reconcile.as_of import compare_as_of
from hrorch_pipelines.reconcile.bridge import build_bridges
from hrorch_pipelines.reconcile.causes import explain_causes
from hrorch_pipelines.reconcile.money import price
from hrorch_pipelines.reconcile.rates import compute_rates
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_pipelines.workplace import Workplace


@contextmanager
def published_as_of(workplace: Workplace, day: date) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that shows the published tables as they would be for `day`, with all that is known now.

    Effective-dated values are resolved as of that day; who is who, what passed its gate, and which changes landed stay as
    they are.
    """
    stack = workplace.stack
    with open_published(workplace.home) as con, compare_as_of(con, stack, spine.current(con), day) as then:
        con.execute(f"CREATE VIEW {then.database}.reconcile.landings AS SELECT * FROM published.reconcile.landings")
        explain_causes(con, stack, then.cycle)
        price(con, stack)
        compute_rates(con, then.cycle)
        build_bridges(con, stack, then.cycle)
        yield con
