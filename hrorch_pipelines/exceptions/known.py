"""What the ledger knows, brought beside the warehouse's tables to be compared in bulk: cases not closed, writes under way,
values that an override covers. Temporary tables `case_known`, `case_writes`, `case_covered`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.exceptions.overrides import Override, covers, live_overrides
from hrorch_pipelines.exceptions.terms import CaseState
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import cases, corrections
from hrorch_pipelines.storage.sealed import Seals

SOURCES = ("gate", "snapshot", "identity", "discrepancy")
"""Sources that are collected. Cases of the others are opened and closed by whoever reports them."""

MASS = "many"
"""The subject of a case that stands for many."""

_OPEN_WRITES = ("proposed", "awaiting_approval", "frozen", "ready", "sending", "sent")
"""`corrections.terms.OPEN`, a room further on: a correction that is under way."""


def bring_known(ledger: Ledger, con: duckdb.DuckDBPyConnection) -> None:
    """Make `case_known` (cases of the collected sources that are not confirmed) and `case_writes` (corrections under way)."""
    columns = (
        cases.c.case_id, cases.c.source, cases.c.rule, cases.c.system, cases.c.person_id, cases.c.attribute, cases.c.reference,
        cases.c.state, cases.c.resolution, cases.c.resolved_at, cases.c.occurred_at, cases.c.detail,
    )  # fmt: skip
    with ledger.read() as reading:
        rows = reading.execute(
            sa.select(*columns).where(cases.c.source.in_(SOURCES), cases.c.state != CaseState.CONFIRMED.value)
        ).all()
        writes = reading.execute(
            sa.select(
                corrections.c.person_id, corrections.c.target, corrections.c.attribute, corrections.c.case_id
            ).where(corrections.c.state.in_(_OPEN_WRITES))
        ).all()
    known = []
    for *plain, detail in rows:
        told = json.loads(detail) if detail else {}
        known.append((*plain, told.get("authority"), "count" in told))
    fill(
        con,
        "case_known",
        """case_id VARCHAR, source VARCHAR, rule VARCHAR, system VARCHAR, person_id VARCHAR, attribute VARCHAR, reference VARCHAR,
           state VARCHAR, resolution VARCHAR, resolved_at TIMESTAMPTZ, occurred_at TIMESTAMPTZ, authority VARCHAR, mass BOOLEAN""",
        known,
    )
    fill(
        con,
        "case_writes",
        "person_id VARCHAR, target VARCHAR, attribute VARCHAR, case_id VARCHAR",
        [tuple(w) for w in writes],
    )


def bring_covered(ledger: Ledger, con: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Make `case_covered`: discrepancies whose copy holds what an override allows there."""
    covered: list[tuple[str]] = []
    with ledger.read() as reading:
        live = live_overrides(reading, now)
        if live and has_table(con, "reconcile", "discrepancies"):
            by_place: dict[tuple[str, str], list[Override]] = {}
            for override in live:
                by_place.setdefault((override.person_id, override.attribute), []).append(override)
            fill(con, "case_overrides", "person_id VARCHAR, attribute VARCHAR", list(by_place))
            rows = con.execute(
                """SELECT discrepancy_id, person_id, attribute, copy_system, copy_value
                   FROM reconcile.discrepancies SEMI JOIN case_overrides USING (person_id, attribute)"""
            ).fetchall()
            seals = Seals(reading, ledger.home.key(), now)
            covered = [
                (discrepancy,)
                for discrepancy, person, attribute, system, value in rows
                if any(covers(seals, override, system, value) for override in by_place[person, attribute])
            ]
    fill(con, "case_covered", "discrepancy_id VARCHAR", covered)


def fill(con: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Make a temporary table of some rows; in bulk, since there may be a hundred thousand."""
    import pyarrow as pa

    con.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})")
    if not rows:
        return
    arrow = pa.table({str(place): list(column) for place, column in enumerate(zip(*rows, strict=True))})
    con.register("case_rows", arrow)
    con.execute(f"INSERT INTO {table} SELECT * FROM case_rows")
    con.unregister("case_rows")
