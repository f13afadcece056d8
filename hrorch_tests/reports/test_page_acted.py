"""What the page tells of the ledger: the figures of the reports, every row adding up, and the page whole when it is away."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.exceptions.durations import resolution_times, spells
from hrorch_pipelines.handoffs.terms import StepState
from hrorch_pipelines.monitoring.detection import detection, failures
from hrorch_pipelines.reports import page_corrections, page_handoffs
from hrorch_pipelines.reports.assets import html_report
from hrorch_pipelines.reports.corrections import by_target, counts
from hrorch_pipelines.reports.exceptions import resolution
from hrorch_pipelines.reports.handoffs import status, steps
from hrorch_pipelines.reports.headline import detection_told, resolution_told
from hrorch_pipelines.reports.page import write_page
from hrorch_pipelines.reports.reentry import reentry
from hrorch_pipelines.reports.table import Table
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.ledger_fixtures import empty_database, postgres_server  # noqa: F401
from hrorch_tests.reports.deeds import IDLE, MAKES, TELLS, act
from hrorch_tests.reports.house import House
from hrorch_tests.reports.reading import Page
from hrorch_tests.reports.test_masking import MASKED, spellings


@pytest.fixture(scope="module")
def stack(handing: Stack) -> Stack:
    return handing


@pytest.fixture(scope="module")
def content(acted_page: Path) -> str:
    return acted_page.read_text(encoding="utf-8")


def written(con: duckdb.DuckDBPyConnection, stack: Stack, folder: Path, ledger: Ledger | None) -> str:
    opening = None if ledger is None else lambda: ledger
    return write_page(con, stack, folder / "p.html", opening).read_text(encoding="utf-8")


def section(content: str, name: str) -> str:
    found = re.search(f'<section id="{name}".*?</section>', content, re.DOTALL)
    assert found, name
    return found[0]


def tables(content: str) -> list[list[list[str]]]:
    """Every table's body as the words of its cells, row by row, header cells included."""
    rows = []
    for body in re.findall(r"<tbody>(.*?)</tbody>", content, re.DOTALL):
        lines = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
        rows.append([[_words(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", line, re.DOTALL)] for line in lines])
    return rows


def _words(cell: str) -> str:
    """The words of a cell up to what stands small below them."""
    return " ".join(unescape(re.sub("<[^>]+>", "", cell.partition("<small>")[0])).split())


def dicts(table: Table) -> list[dict[str, Any]]:
    return [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows]


def test_corrections_are_those_of_the_report_and_every_row_adds_up(full: Ledger, content: str, stack: Stack) -> None:
    shown = section(content, "corrections")
    rows = {row[0]: [int(cell) for cell in row[1:]] for row in tables(shown)[0]}
    told: Counter[tuple[str, str]] = Counter()
    for one in dicts(by_target(full, stack)):
        told[one["target"], one["state"]] += one["corrections"]
    for target in ("payroll", "hris"):
        expected = [sum(told[target, state] for state in states) for _, states in page_corrections.COLUMNS]
        assert rows[target] == [*expected, sum(expected)]
    assert rows["All"] == [a + b for a, b in zip(rows["payroll"], rows["hris"], strict=True)]
    assert rows["All"][-1] == sum(counts(full).values())
    assert f"{rows['All'][-1]} corrections of single values." in shown


def test_every_state_stands_in_one_column() -> None:
    placed = [state for _, states in page_corrections.COLUMNS for state in states]
    assert sorted(placed) == sorted(State)
    of_steps = [name for _, names in page_handoffs.COLUMNS for name in names]
    assert sorted(of_steps) == sorted([*(state.value for state in StepState), "before"])


def test_what_needs_a_person_is_told_once_with_who_and_until_when(full: Ledger, content: str) -> None:
    shown = section(content, "corrections")
    waiting = tables(shown)[1]
    approvals = counts(full)[State.AWAITING_APPROVAL.value]
    assert sum(int(row[4]) for row in waiting if row[1].startswith("Waits for an approver")) == approvals
    assert {row[3] for row in waiting if row[1].startswith("Waits")} == {"Ada Analyst, Leo Lead"}
    of_cases = {row[1]: row for row in waiting if not row[1].startswith("Waits")}
    assert {what: row[4] for what, row in of_cases.items()} == {"correction is <wrong>": "2", "budget is <wrong>": "1"}
    assert of_cases["correction is <wrong>"][5].startswith("2026-07-01")
    assert "overdue" in shown
    assert "run <code>hrorch x</code>" in shown
    assert "gate is" not in shown


def test_handoffs_are_those_of_the_report_and_every_row_adds_up(full: Ledger, content: str, stack: Stack) -> None:
    shown = section(content, "handoffs")
    rows = {row[0]: [int(cell) for cell in row[1:]] for row in tables(shown)[0]}
    told = {one["handoff"]: one for one in dicts(status(full, stack))}
    for name in (MAKES, TELLS):
        expected = [sum(told[name][part] for part in parts) for _, parts in page_handoffs.COLUMNS]
        assert rows[name] == [*expected, sum(expected), told[name]["stalled"]]
    assert rows["All"] == [a + b for a, b in zip(rows[MAKES], rows[TELLS], strict=True)]
    assert rows[TELLS][-1] == 4
    assert set(rows) == {MAKES, TELLS, "All"}
    assert f"Without a step so far: {IDLE}." in shown
    assert "2 actions failed" in shown
    assert (
        f"{rows['All'][-2]} steps of 3 handoffs; 4 stalled. Their actions: 1 waiting, 0 underway, 1 confirmed, 2 failed."
        in shown
    )


def test_m1_per_handoff_is_the_reports_with_both_bounds(
    full: Ledger, content: str, con: duckdb.DuckDBPyConnection, stack: Stack
) -> None:
    shown = section(content, "handoffs")
    expected = dicts(reentry(full, con, stack))
    assert len(expected) == 4
    for row, one in zip(tables(shown)[1], expected, strict=True):
        figures = [int(row[2]), int(row[3]), int(row[4])]
        assert figures == [one["records"], one["by_hand"], one["values"]]
        assert row[5:] == (["–", "–"] if one["low"] is None else [_percent(one["low"]), _percent(one["high"])])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share in {0, 1} else f"{100 * share:.1f} %"


def test_stalled_steps_are_listed_with_what_is_missing_and_whose_turn_it_is(
    full: Ledger, content: str, stack: Stack
) -> None:
    listed = tables(section(content, "handoffs"))[2]
    expected = dicts(steps(full, stack, states=["stalled"]))
    assert [(row[0], row[1], row[2]) for row in listed] == [
        (one["handoff"], one["person_id"][:10], one["state"]) for one in expected
    ]
    assert [row[3:] for row in listed if row[2] == "parked"] == [
        ["the hiring manager", "Leo Lead", "2026-06-30", "2026-07-01"]
    ] * 3
    assert [row[3:5] for row in listed if row[2] == "due"] == [
        ["nothing is missing; its action is ready", "Ada Analyst"]
    ]


def test_rows_beyond_the_limit_are_counted(
    full: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_handoffs, "ROWS", 1)
    monkeypatch.setattr(page_corrections, "ROWS", 1)
    text = Page(written(con, stack, tmp_path, full)).text
    assert "4 steps; the 1 due first are shown. See hrorch handoffs list --state stalled" in text
    assert "2 more cases are not shown here. See hrorch exceptions list --source correction" in text


def test_the_tiles_tell_m3_and_m4_as_their_reports_do(
    full: Ledger, content: str, con: duckdb.DuckDBPyConnection, stack: Stack
) -> None:
    text = Page(section(content, "short")).text
    now = full.clock.now()
    with full.read() as reading:
        found = detection(failures(reading, con), now, timedelta(days=30))[0]
        elapsed, working = resolution_times(spells(reading, stack, now))
    for told in (detection_told(found, 30), resolution_told(elapsed, working)):
        assert f"{told.title} {told.number} {told.sentence} {told.remark}" in text
    assert found.detected
    of_hours = {row["clock"]: row for row in dicts(resolution(full, stack)[0])}
    assert f"({of_hours['elapsed hours']['median']:.1f} h by the clock)" in text
    assert f"{of_hours['working hours']['median']:.1f} h of working time or less" in text
    assert "40 closed cases" in text
    assert "5 cases are open and in none of these figures" in text


def test_a_ledger_in_which_nothing_stands_says_so(
    con: duckdb.DuckDBPyConnection, stack: Stack, house: House, tmp_path: Path
) -> None:
    with closing(open_ledger(Home(tmp_path), SetClock(house.now))) as empty:
        text = Page(written(con, stack, tmp_path, empty)).text
    for words in (
        "Not enough yet: no failure of the last 30 days is known.",
        "Not enough yet: there has been no case.",
        "No correction has been proposed. The stack file says mode: propose : nothing is sent.",
        "No step so far",
        "0 steps of 3 handoffs; 0 stalled. Their actions: 0 waiting,",
    ):
        assert words in text


def test_without_handoffs_there_is_no_section_of_them(
    full: Ledger, con: duckdb.DuckDBPyConnection, house: House, tmp_path: Path
) -> None:
    content = written(con, house.stack, tmp_path, full)
    assert 'id="handoffs"' not in content
    assert '"#handoffs"' not in content
    assert 'id="corrections"' in content


def test_no_masked_value_is_on_a_page_that_knows_the_ledger(content: str, person: str) -> None:
    assert [name for name, value in MASKED.items() for text in spellings(value) if text in content] == []
    assert person not in content
    assert person[:10] in content


def test_postgresql_tells_the_same_page(
    empty_database: str,  # noqa: F811
    content: str,
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    house: House,
    person: str,
    tmp_path: Path,
) -> None:
    with closing(open_ledger(Home(tmp_path), SetClock(house.now), empty_database)) as ledger:
        act(ledger, house, person)
        assert written(con, stack, tmp_path, ledger) == content


@pytest.mark.parametrize("how", ["unreachable", "no ledger", "not given"])
def test_a_ledger_that_is_away_costs_its_parts_and_nothing_else(
    how: str, con: duckdb.DuckDBPyConnection, stack: Stack, house: House, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database at all, whatever its name says" * 100)
    url = "postgresql+psycopg://somebody:hidden@127.0.0.1:1/away" if how == "unreachable" else f"sqlite:///{broken}"

    def opening() -> Ledger:
        return open_ledger(Home(tmp_path), SetClock(house.now), url, patience=timedelta(seconds=1))

    given = None if how == "not given" else opening
    content = write_page(con, stack, tmp_path / "p.html", given).read_text(encoding="utf-8")
    page = Page(content)
    why = "without the ledger" if given is None else "the ledger could not be read when this page was made"
    for name, times in (("short", 2), ("corrections", 1), ("handoffs", 1)):
        assert Page(section(content, name)).text.count(why) == times
    assert "18 cases" in page.text
    assert "comparable values disagrees" in page.text
    for secret in ("hidden", "127.0.0.1", str(tmp_path)):
        assert secret not in content


def test_the_asset_hands_the_ledger_in(house: House) -> None:
    workplace = Workplace(house.stack, house.home, SetClock(house.now), Warehouse(house.home, SetClock(house.now)))
    assert dg.materialize([html_report], resources={"workplace": workplace}).success
    text = Page((house.home.published.parent / "report.html").read_text(encoding="utf-8")).text
    assert "Not shown" not in text
    assert "No correction has been proposed." in text
