"""What goes into a file comes out of it, and nothing in it runs."""

from __future__ import annotations

import string
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.reports.errors import FileNeededError, UnknownChoiceError
from hrorch_pipelines.reports.plain import REPLACEMENT, printable
from hrorch_pipelines.reports.render import render, render_all
from hrorch_pipelines.reports.safe import neutral
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.xlsx import CELL_LENGTH, write_xlsx
from hrorch_tests.reports.reading import Page, csv_rows, json_rows, written, xlsx_sheets

RUN = "=+-@\t\r\n＝＋－＠"
"""What a spreadsheet runs a cell for (OWASP)."""

NASTY = st.one_of(
    st.text(max_size=60),
    st.builds(lambda first, rest: first + rest, st.sampled_from([*RUN, " =", "\x00=", "'"]), st.text(max_size=20)),
    st.sampled_from(
        [
            "=1+1",
            "=cmd|'/C calc'!A0",
            "-5",
            "+1 312 555",
            '"a","b"',
            "a\r\nb",
            "\x1b[2J",
            "\u202egnp.exe",
            "https://x.example",
        ]
    ),
)
AMOUNT = st.decimals(min_value=-(10**10), max_value=10**10, places=2)
ROWS = st.lists(
    st.tuples(
        NASTY,
        st.one_of(st.none(), st.integers(-(10**12), 10**12)),
        st.one_of(st.none(), AMOUNT),
        st.one_of(st.none(), st.floats(0, 1)),
        st.one_of(st.none(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    ),
    max_size=6,
)
COLUMNS = (
    Column("text", "Text"),
    Column("count", "Count", "integer"),
    Column("amount", "Amount", "money"),
    Column("rate", "Rate", "share"),
    Column("day", "Day", "date"),
)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table_of(rows: list[tuple[object, ...]]) -> Table:
    return Table("Report", COLUMNS, tuple(rows), date(2026, 7, 7), ("A note.",))


def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="hrorch-formats-"))


@quick
@given(ROWS)
def test_csv_gives_back_every_value_and_no_cell_is_a_formula(rows: list[tuple[object, ...]]) -> None:
    header, *read = csv_rows(written(table_of(rows), "csv", folder()))
    assert header == [column.name for column in COLUMNS]
    assert len(read) == len(rows)
    for (text, count, amount, rate, day), cells in zip(rows, read, strict=True):
        assert not cells[0].lstrip(" ").startswith(tuple(RUN))
        assert cells[0].removeprefix("'") == str(text).replace("\x00", REPLACEMENT).removeprefix("'")
        assert cells[1] == ("" if count is None else str(count))
        assert (None if cells[2] == "" else Decimal(cells[2])) == amount
        assert (None if cells[3] == "" else float(cells[3])) == rate
        assert cells[4] == ("" if day is None else day.isoformat())  # type: ignore[attr-defined]


@quick
@given(ROWS)
def test_json_gives_back_every_value_exactly(rows: list[tuple[object, ...]]) -> None:
    read = json_rows(written(table_of(rows), "json", folder()))
    assert [(row["text"], row["count"], row["rate"]) for row in read] == [(row[0], row[1], row[3]) for row in rows]
    assert [None if row["amount"] is None else Decimal(str(row["amount"])) for row in read] == [row[2] for row in rows]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_xlsx_gives_back_typed_cells_and_texts_stay_texts(rows: list[tuple[object, ...]]) -> None:
    sheet = xlsx_sheets(written(table_of(rows), "xlsx", folder()))["Report"]
    assert len(sheet) == len(rows) + 1
    for (text, count, amount, rate, day), cells in zip(rows, sheet[1:], strict=True):
        assert all(cell.data_type != "f" and cell.hyperlink is None for cell in cells)
        said = str(cells[0].value or "")
        assert not said.startswith(tuple(RUN))
        # XML has one line end (2.11), so that is what a reader can get back.
        kept = "".join(sign if sign >= " " or sign in "\t\n" else REPLACEMENT for sign in str(text))
        assert said.removeprefix("'") == kept.removeprefix("'")
        assert cells[1].value == count
        assert (None if cells[2].value is None else Decimal(str(cells[2].value)).quantize(Decimal("0.01"))) == amount
        assert cells[3].value == pytest.approx(rate) if rate is not None else cells[3].value is None
        if day is not None and day >= date(1900, 3, 1):  # type: ignore[operator]
            assert cells[4].value.date() == day
        else:
            assert cells[4].value == (None if day is None else day.isoformat())  # type: ignore[attr-defined]


@quick
@given(ROWS)
def test_html_shows_every_value_as_text_and_makes_no_tag_of_it(rows: list[tuple[object, ...]]) -> None:
    page = Page(written(table_of(rows), "html", folder()).decode())
    assert page.cells[:: len(COLUMNS)] == [printable(str(row[0])) for row in rows]
    assert {tag for tag, _ in page.tags} <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "p",
    }


@quick
@given(NASTY)
def test_neutral_text_is_never_run_and_neutral_twice_changes_nothing(text: str) -> None:
    safe = neutral(text)
    assert not safe.startswith(tuple(RUN))
    assert neutral(safe) == safe
    assert safe.removeprefix("'") == text.removeprefix("'")


@given(st.text(alphabet=string.printable + "\x1b\x07\u202e\u2066\x85é漢", max_size=80))
def test_no_text_moves_the_cursor_or_turns_the_line_around(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert not {"\x1b", "\x07", "\r", "\n", "\u202e", "\u2066", "\x85"} & set(shown)
    assert "".join(a for a in text if a.isalnum()) == "".join(a for a in shown if a.isalnum())


def test_more_rows_than_a_sheet_holds_go_on_in_the_next_sheet() -> None:
    rows = [(f"t{n}", n, None, None, None) for n in range(11)]
    sheets = xlsx_sheets(write_xlsx(table_of(rows), sheet_rows=5))
    assert list(sheets) == ["Report", "Report 2", "Report 3", "Notes"]
    read = [cells[1].value for name in list(sheets)[:3] for cells in sheets[name][1:]]
    assert read == list(range(11))


def test_a_text_longer_than_a_cell_is_cut_in_xlsx_alone_and_a_note_says_so(tmp_path: Path) -> None:
    table = table_of([("x" * 1_000_000, 1, None, None, None)])
    sheets = xlsx_sheets(written(table, "xlsx", tmp_path))
    assert len(sheets["Report"][1][0].value) == CELL_LENGTH
    assert any("1 texts were longer than Excel allows" in str(row[0].value) for row in sheets["Notes"])
    assert len(csv_rows(written(table, "csv", tmp_path))[1][0]) == 1_000_000


def test_negative_numbers_stay_numbers(tmp_path: Path) -> None:
    table = table_of([("-5", -5, Decimal("-5.50"), None, None)])
    assert csv_rows(written(table, "csv", tmp_path))[1][:3] == ["'-5", "-5", "-5.50"]


def test_moments_say_their_time_zone(tmp_path: Path) -> None:
    at = datetime(2026, 7, 7, 18, 5, tzinfo=UTC)
    table = Table("T", (Column("at", "At", "moment"),), ((at,),))
    assert csv_rows(written(table, "csv", tmp_path))[1] == [at.isoformat()]
    assert "Times are UTC." in Page(written(table, "html", tmp_path).decode()).text
    notes = [row[0].value for row in xlsx_sheets(written(table, "xlsx", tmp_path))["Notes"]]
    assert "Times are UTC." in notes


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownChoiceError, match="did you mean `xlsx`"):
        render(table_of([]), "xslx", tmp_path / "x")


def test_several_tables_each_get_a_file_of_their_own_where_one_holds_one(tmp_path: Path) -> None:
    first, second = table_of([("a", 1, None, None, None)]), table_of([("b", 2, None, None, None)])
    render_all([first, second], "csv", tmp_path / "out.csv")
    assert csv_rows((tmp_path / "out.csv").read_bytes())[1][0] == "a"
    assert csv_rows((tmp_path / "out-2.csv").read_bytes())[1][0] == "b"
    with pytest.raises(FileNeededError):
        render_all([first, second], "xlsx")
