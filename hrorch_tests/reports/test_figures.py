"""Figures are those that the stages stored, each beside what it is made of."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.rates import M1, M1_COVERAGE, M1_UPPER, M2
from hrorch_pipelines.reports.bridge import bridge
from hrorch_pipelines.reports.metrics import metrics
from hrorch_pipelines.reports.quarantine import quarantine
from hrorch_pipelines.reports.reviews import reviews
from hrorch_tests.reports.house import House


def test_history_has_a_row_per_cycle_with_the_rates_of_that_cycle(con: duckdb.DuckDBPyConnection, house: House) -> None:
    table = metrics(con, house.stack, history=True)
    stored = {
        (cycle, metric): rest
        for cycle, metric, *rest in con.execute(
            "SELECT cycle_id, metric, numerator, denominator, value, low, high FROM reconcile.rates WHERE scope = 'all'"
        ).fetchall()
    }
    assert len(table.rows) == 2
    assert [row[0] for row in table.rows] == sorted(row[0] for row in table.rows)
    for row in table.rows:
        cells = dict(zip((column.name for column in table.columns), row, strict=True))
        m2 = stored[cells["cycle_id"], M2]
        assert [cells[name] for name in ("disagreeing", "comparable", "m2", "m2_low", "m2_high")] == m2
        assert cells["m1_low"] == stored[cells["cycle_id"], M1][2]
        assert cells["m1_high"] == stored[cells["cycle_id"], M1_UPPER][2]
        assert cells["coverage"] == stored[cells["cycle_id"], M1_COVERAGE][2]


def test_the_last_cycle_has_every_stored_rate_and_the_tolerances_beside_them(
    con: duckdb.DuckDBPyConnection, house: House
) -> None:
    table = metrics(con, house.stack)
    last = con.execute("SELECT max(cycle_id) FROM reconcile.rates").fetchone()
    assert last is not None
    stored = con.execute(
        "SELECT metric, scope, numerator, denominator FROM reconcile.rates WHERE cycle_id = ?", last
    ).fetchall()
    assert sorted(row[1:5] for row in table.rows) == sorted(stored)
    assert "Tolerances: pay_amount 0.005." in table.notes


def test_a_bridge_runs_from_one_head_count_to_the_other_and_never_hides_its_residue(
    con: duckdb.DuckDBPyConnection, house: House
) -> None:
    rows = bridge(con, house.stack).rows
    counts = [row[3] for row in rows]
    assert rows[0][2] == "heads in hris"
    assert rows[-1][2] == "heads in payroll"
    assert counts[0] + sum(counts[1:-1]) == counts[-1] == rows[-1][4]
    assert [row[3] for row in rows if row[2] == "unexplained"] == [0]
    assert not [row for row in rows if row[3] == 0 and row[2] != "unexplained"]


def test_open_cases_name_people_not_short_names(con: duckdb.DuckDBPyConnection, house: House) -> None:
    held, asked = quarantine(con, house.stack), reviews(con, house.stack)
    assert [(row[held.place("reviewer")], row[held.place("deputy")]) for row in held.rows] == [
        ("Ada Analyst", "Leo Lead")
    ]
    assert [row[held.place("source_id")] for row in held.rows] == ["105"]
    assert [(row[asked.place("left_id")], row[asked.place("reviewer")]) for row in asked.rows] == [
        ("111", "Ada Analyst")
    ]
    assert quarantine(con, house.stack, limit=0).rows == ()
