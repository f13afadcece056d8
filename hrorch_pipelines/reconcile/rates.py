"""M1 (manual re-entry) and M2 (discrepancy) of a cycle, with bounds and intervals, overall and broken down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from hrorch_pipelines.reconcile.intervals import Interval, over_persons, remark, wilson
from hrorch_pipelines.storage.cycles import Cycle

DEFINITION = "hrorch-metrics-1"
"""Version of docs/metrics.md; every figure carries it."""

WINDOW = timedelta(days=30)
"""M1 looks at landings of the last 30 days."""

M1, M1_UPPER, M1_COVERAGE, M1_RECORDS = (
    "M1 manual re-entry rate",
    "M1 upper bound",
    "M1 attribution coverage",
    "M1 records touched by hand",
)
M2, M2_QUARANTINED, M2_RECORDS = (
    "M2 discrepancy rate",
    "M2 with quarantined cells",
    "M2 records with a discrepancy",
)

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS reconcile;
CREATE TABLE IF NOT EXISTS reconcile.rates (
    cycle_id VARCHAR, as_of DATE, metric VARCHAR, definition VARCHAR, scope VARCHAR, numerator BIGINT, denominator BIGINT,
    value DOUBLE, low DOUBLE, high DOUBLE, note VARCHAR);
"""


@dataclass(frozen=True)
class Rate:
    """One figure: numerator of denominator, its 95 % interval, and where it applies."""

    metric: str
    scope: str
    numerator: int
    denominator: int
    interval: Interval
    note: str = ""


def compute_rates(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> list[Rate]:
    """Compute every rate of this cycle and store them; running it again replaces them."""
    con.execute(SCHEMA)
    rates = [*_discrepancy_rates(con, cycle), *_re_entry_rates(con, cycle)]
    con.execute("DELETE FROM reconcile.rates WHERE cycle_id = ?", [cycle.cycle_id])
    con.executemany(
        "INSERT INTO reconcile.rates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                cycle.cycle_id,
                cycle.as_of,
                rate.metric,
                DEFINITION,
                rate.scope,
                rate.numerator,
                rate.denominator,
                rate.numerator / rate.denominator if rate.denominator else None,
                rate.interval.low,
                rate.interval.high,
                "; ".join(part for part in (remark(rate.denominator), rate.note) if part),
            )
            for rate in rates
        ],
    )
    return rates


def _discrepancy_rates(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> Iterator[Rate]:
    """M2 overall, per copy system, per attribute and per system pair. Pairs with a stale side are not comparable."""
    con.execute("CREATE OR REPLACE TEMP TABLE stale_systems (system VARCHAR)")
    con.executemany("INSERT INTO stale_systems VALUES (?)", [[name] for name in sorted(cycle.stale)] or [[""]])
    rows = con.execute(
        """
        WITH fresh AS (
            SELECT authority_system, copy_system, attribute, state, n FROM reconcile.pair_counts
            WHERE authority_system NOT IN (FROM stale_systems) AND copy_system NOT IN (FROM stale_systems)
        ), totals AS (
            SELECT authority_system, copy_system, attribute,
                   sum(n) FILTER (state IN ('disagree', 'missing_record', 'ghost')) AS wrong,
                   sum(n) FILTER (state IN ('agree', 'disagree', 'missing_record', 'ghost')) AS comparable,
                   sum(n) FILTER (state = 'quarantined') AS quarantined
            FROM fresh GROUP BY ALL
        )
        SELECT CASE WHEN grouping(authority_system) = 0 THEN 'pair:' || authority_system || '>' || copy_system
                    WHEN grouping(copy_system) = 0 THEN 'system:' || copy_system
                    WHEN grouping(attribute) = 0 THEN 'attribute:' || attribute
                    ELSE 'all' END AS scope,
               coalesce(sum(wrong), 0)::BIGINT, coalesce(sum(comparable), 0)::BIGINT, coalesce(sum(quarantined), 0)::BIGINT
        FROM totals
        GROUP BY GROUPING SETS ((authority_system, copy_system), (copy_system), (attribute), ())
        ORDER BY scope
        """
    ).fetchall()
    note = f"without {', '.join(sorted(cycle.stale))}: stale" if cycle.stale else ""
    # In one order, else the bootstrap draws other persons and the interval differs from one run to the next.
    profile = con.execute(
        "SELECT disagreeing, comparable, persons FROM reconcile.person_profile WHERE persons > 0 ORDER BY ALL"
    ).fetchall()
    for scope, wrong, comparable, quarantined in rows:
        if scope == "all":
            yield Rate(M2, scope, wrong, comparable, over_persons(profile), note)
            held = (wrong + quarantined, comparable + quarantined)
            yield Rate(M2_QUARANTINED, scope, *held, wilson(*held), "quarantined cells counted as wrong")
        else:
            yield Rate(M2, scope, wrong, comparable, wilson(wrong, comparable))
    wrong_records = sum(persons for disagreeing, _, persons in profile if disagreeing)
    matched = sum(persons for _, comparable, persons in profile if comparable)
    yield Rate(M2_RECORDS, "all", wrong_records, matched, wilson(wrong_records, matched))


def _re_entry_rates(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> Iterator[Rate]:
    """M1 over the landings of the window: what was surely typed, what may have been, and how much is attributed at all."""
    rows = con.execute(
        """
        WITH recent AS (SELECT * FROM reconcile.landings WHERE landed_at > $since)
        SELECT CASE WHEN grouping(system) = 0 THEN 'system:' || system WHEN grouping(attribute) = 0 THEN 'attribute:' || attribute
                    ELSE 'all' END AS scope,
               count(*) FILTER (attribution = 'manual') AS manual,
               count(*) FILTER (attribution IN ('manual_probable', 'unknown')) AS doubtful,
               count(*) AS landings,
               count(DISTINCT (system, source_id)) AS records,
               count(DISTINCT (system, source_id)) FILTER (attribution = 'manual') AS records_by_hand
        FROM recent GROUP BY GROUPING SETS ((system), (attribute), ()) ORDER BY scope
        """,
        {"since": cycle.now - WINDOW},
    ).fetchall()
    note = f"landings of the last {WINDOW.days} days"
    for scope, manual, doubtful, landings, records, by_hand in rows:
        upper = manual + doubtful
        yield Rate(
            M1, scope, manual, landings, Interval(wilson(manual, landings).low, wilson(upper, landings).high), note
        )
        if scope == "all":
            yield Rate(
                M1_UPPER, scope, upper, landings, wilson(upper, landings), "doubtful and unknown counted as typed"
            )
            known = landings - doubtful
            yield Rate(M1_COVERAGE, scope, known, landings, wilson(known, landings), "share whose origin is known")
            yield Rate(M1_RECORDS, scope, by_hand, records, wilson(by_hand, records), note)
