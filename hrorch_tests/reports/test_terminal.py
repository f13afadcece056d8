"""Tables in a window of 80 columns: nothing cut, nothing left out without a word."""

from __future__ import annotations

import duckdb
import pytest
from rich.cells import cell_len

from hrorch_pipelines.reports.bridge import bridge
from hrorch_pipelines.reports.discrepancies import discrepancies
from hrorch_pipelines.reports.metrics import metrics
from hrorch_pipelines.reports.quarantine import quarantine
from hrorch_pipelines.reports.render import render
from hrorch_pipelines.reports.table import Column, Table
from hrorch_tests.reports.house import House


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def printed(table: Table, capsys: pytest.CaptureFixture[str]) -> str:
    render(table, "table")
    return capsys.readouterr().out


def test_no_line_is_wider_than_the_window(
    con: duckdb.DuckDBPyConnection, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    for read in (metrics, bridge, quarantine, discrepancies):
        shown = printed(read(con, house.stack), capsys)
        assert max(map(cell_len, shown.splitlines())) <= 80, read.__module__


def test_rate_and_interval_stand_in_one_column(
    con: duckdb.DuckDBPyConnection, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    table = metrics(con, house.stack, history=True)
    shown = printed(table, capsys)
    for row in table.rows:
        value, low, high = (row[table.place(name)] for name in ("m2", "m2_low", "m2_high"))
        assert f"{100 * value:.2f} % ({100 * low:.2f}–{100 * high:.2f})" in shown
        assert f"{row[table.place('disagreeing')]} of {row[table.place('comparable')]}" in shown


def test_what_is_the_same_everywhere_is_said_once_and_what_has_no_room_is_named(
    con: duckdb.DuckDBPyConnection, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = " ".join(printed(discrepancies(con, house.stack), capsys).split())
    assert "In every row: Authority: hris" in shown
    assert shown.count("hris") == 1
    left = shown.partition("No room for: ")[2].partition(" (a wider window")[0]
    assert "In words" in left


def test_a_wide_window_shows_every_column(
    con: duckdb.DuckDBPyConnection, house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    shown = printed(discrepancies(con, house.stack), capsys)
    assert "No room for" not in shown
    assert "one day apart, as when a time zone turns midnight into the day before" in shown


def test_a_few_rows_that_are_too_wide_stand_upright_with_every_column(
    con: duckdb.DuckDBPyConnection, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    table = discrepancies(con, house.stack, person="E002")
    assert len(table.rows) == 1
    shown = printed(table, capsys)
    assert "No room for" not in shown
    assert "two neighbouring digits are exchanged" in shown


def test_rows_without_a_denominator_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (Column("name", "Name"), Column("n", "Number", "integer", needed=True))
    shown = printed(Table("T", columns, (("kept", 3), ("gone", 0), ("lost", None))), capsys)
    assert "kept" in shown
    assert "gone" not in shown
    assert "2 rows left out: nothing under Number." in shown


def test_escape_sequences_in_a_value_reach_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(Table("T", (Column("v", "Value"),), (("\x1b[2Jboo",), ("other",))), capsys)
    assert "\x1b" not in shown
    assert "boo" in shown


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing to show." in printed(Table("T", (Column("v", "Value"),), ()), capsys)


def test_what_a_rate_leaves_out_is_told_even_where_its_column_has_no_room(
    con: duckdb.DuckDBPyConnection, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect() as other:
        other.execute("CREATE SCHEMA cycles; CREATE SCHEMA reconcile")
        row = con.execute("SELECT max(cycle_id) FROM reconcile.rates").fetchone()
        assert row is not None
        for schema, name in (("cycles", "runs"), ("reconcile", "rates")):
            frame = con.execute(f"SELECT * FROM {schema}.{name}").df()
            other.execute(f"CREATE TABLE {schema}.{name} AS FROM frame")
            assert len(frame)
        other.execute(
            "UPDATE reconcile.rates SET note = 'without payroll: stale' WHERE scope = 'all' AND metric LIKE 'M2 disc%' AND cycle_id = ?",
            list(row),
        )
        for history in (False, True):
            assert "without payroll: stale" in printed(metrics(other, house.stack, history=history), capsys)
