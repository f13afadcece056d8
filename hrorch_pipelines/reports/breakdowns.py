"""The comparison broken down for the page: causes, places, money, states, days, and how fresh each system is. Counts only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from hrorch_pipelines.reconcile.rates import M1, M1_UPPER, M2
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table

WINDOW = timedelta(days=180)
"""How far back the page looks; `hrorch report metrics --history` knows everything."""

_WRONG = "('disagree', 'missing_record', 'ghost')"
_COMPARABLE = "('agree', 'disagree', 'missing_record', 'ghost')"


@dataclass(frozen=True)
class Day:
    """The overall rates of one cycle; the last of its day."""

    as_of: date
    now: datetime
    m2: float | None
    m2_low: float | None
    m2_high: float | None
    m1_low: float | None
    m1_high: float | None
    note: str


@dataclass(frozen=True)
class Cause:
    """One cause: cells, and persons and money where pay is concerned."""

    cause: str
    cells: int
    persons: int
    money: Decimal


@dataclass(frozen=True)
class Place:
    """Disagreeing of comparable cells of one attribute in one copy system."""

    system: str
    attribute: str
    wrong: int
    comparable: int


@dataclass(frozen=True)
class Money:
    """Money at risk per pay period, of one kind in one system."""

    system: str
    state: str
    persons: int
    amount: Decimal


@dataclass(frozen=True)
class Freshness:
    """What was read of one system for this cycle."""

    system: str
    observed_at: datetime | None
    stale: bool
    rows: int | None
    snapshot_id: str | None


def days(con: duckdb.DuckDBPyConnection, now: datetime) -> list[Day]:
    """The last cycle of every day of the window, oldest first; every cycle while they all are of one day."""
    if not has_table(con, "reconcile", "rates"):
        return []
    rows = con.execute(
        """
        WITH wide AS (
            SELECT cycle_id, any_value(as_of) AS as_of, any_value(value) FILTER (metric = $m2) AS m2,
                   any_value(low) FILTER (metric = $m2) AS low, any_value(high) FILTER (metric = $m2) AS high,
                   any_value(value) FILTER (metric = $m1) AS at_least, any_value(value) FILTER (metric = $upper) AS at_most,
                   any_value(note) FILTER (metric = $m2) AS note
            FROM reconcile.rates WHERE scope = 'all' GROUP BY cycle_id),
        timed AS (
            SELECT w.*, r.now FROM wide w JOIN cycles.runs r USING (cycle_id)
            WHERE r.finished_at IS NOT NULL AND r.now > $since AND r.now <= $now),
        counted AS (SELECT *, count(DISTINCT as_of) OVER () AS days FROM timed)
        SELECT as_of, now, m2, low, high, at_least, at_most, coalesce(note, '') FROM counted
        QUALIFY days = 1 OR row_number() OVER (PARTITION BY as_of ORDER BY now DESC) = 1
        ORDER BY now
        """,
        {"m1": M1, "upper": M1_UPPER, "m2": M2, "since": now - WINDOW, "now": now},
    ).fetchall()
    return [Day(*row) for row in rows]


def causes(con: duckdb.DuckDBPyConnection) -> list[Cause]:
    """Counted discrepancies by cause, the commonest first."""
    rows = _rows(
        con,
        ("reconcile", "discrepancies"),
        f"""SELECT coalesce(cause, 'other'), count(*), count(DISTINCT person_id) FILTER (money_at_risk IS NOT NULL),
                  coalesce(sum(money_at_risk), 0)
            FROM reconcile.discrepancies WHERE state IN {_WRONG} GROUP BY 1 ORDER BY 2 DESC, 1""",
    )
    return [Cause(*row) for row in rows]


def places(con: duckdb.DuckDBPyConnection) -> list[Place]:
    """Every attribute and copy system with at least one comparable cell."""
    rows = _rows(
        con,
        ("reconcile", "pair_counts"),
        f"""SELECT copy_system, attribute, coalesce(sum(n) FILTER (state IN {_WRONG}), 0)::BIGINT,
                  sum(n) FILTER (state IN {_COMPARABLE})::BIGINT AS comparable
            FROM reconcile.pair_counts GROUP BY ALL HAVING comparable > 0 ORDER BY ALL""",
    )
    return [Place(*row) for row in rows]


def money(con: duckdb.DuckDBPyConnection) -> list[Money]:
    """Money at risk by system and kind, the most first."""
    rows = _rows(
        con,
        ("reconcile", "discrepancies"),
        f"""SELECT copy_system, state, count(DISTINCT person_id), sum(money_at_risk) FROM reconcile.discrepancies
            WHERE state IN {_WRONG} AND money_at_risk > 0 GROUP BY ALL ORDER BY 4 DESC, 1, 2""",
    )
    return [Money(*row) for row in rows]


def persons_at_risk(con: duckdb.DuckDBPyConnection) -> int:
    """Persons whose pay is concerned; one with two faults counts once."""
    rows = _rows(
        con,
        ("reconcile", "discrepancies"),
        f"SELECT count(DISTINCT person_id) FROM reconcile.discrepancies WHERE state IN {_WRONG} AND money_at_risk > 0",
    )
    return int(rows[0][0]) if rows else 0


def states(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Cell pairs per state, the commonest first."""
    rows = _rows(
        con,
        ("reconcile", "pair_counts"),
        "SELECT state, sum(n)::BIGINT FROM reconcile.pair_counts GROUP BY state ORDER BY 2 DESC, 1",
    )
    return {str(state): int(n) for state, n in rows}


def freshness(con: duckdb.DuckDBPyConnection, stack: Stack, cycle_id: str) -> list[Freshness]:
    """Every declared system, in the order of the stack file; one that was never read has no moment."""
    rows = con.execute(
        "SELECT system, observed_at, stale, snapshot_id FROM cycles.sources WHERE cycle_id = ?", [cycle_id]
    ).fetchall()
    sources = {row[0]: row[1:] for row in rows}
    counted = dict(
        _rows(con, ("history", "snapshots"), "SELECT snapshot_id, any_value(rows) FROM history.snapshots GROUP BY 1")
    )
    found = []
    for system in stack.systems:
        observed_at, stale, snapshot_id = sources.get(system, (None, True, None))
        found.append(Freshness(system, observed_at, bool(stale), counted.get(snapshot_id), snapshot_id))
    return found


def worst(found: Iterable[Place], count: int) -> list[Place]:
    """The places with the greatest share of disagreeing cells."""
    wrong = (place for place in found if place.wrong)
    return sorted(wrong, key=lambda place: (-place.wrong / place.comparable, place.system, place.attribute))[:count]


def _rows(con: duckdb.DuckDBPyConnection, table: tuple[str, str], query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall() if has_table(con, *table) else []
