"""Workbooks, JSON, fixed width, Parquet and LDIF give each cell as a person would see it, and a cut one is told as cut."""

# ruff: noqa: DTZ001  (spreadsheet cells have no time zone)

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.files import FilesConnector
from hrorch_pipelines.systems.formats import xlsx
from hrorch_pipelines.systems.raw import RawRecords, SystemUnavailable
from hrorch_tests.systems.conftest import NOW, system


def read(path: Path, into: Path, clock: Any, **how: Any) -> RawRecords:
    record = {"read": {"path": path.name, **how.pop("read", {})}, "key": "id", **how}
    connector = FilesConnector("payroll", system("files", str(path.parent), {"worker": record}), clock, path.parent)
    return connector.read("worker", into=into, until=NOW)


def flat(raw: RawRecords) -> list[list[str | None]]:
    assert raw.shape == "flat"
    return [list(row.values())[1:] for row in pq.read_table(raw.path).to_pylist()]


def nested(raw: RawRecords) -> list[Any]:
    assert raw.shape == "nested"
    return [json.loads(line) for line in raw.path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "people.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Notes").write(0, 0, "nothing")
        sheet = book.add_worksheet("People")
        day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(1, 0, ["id", "zip", "start", "seen", "pay", "full", "", ""])
        sheet.write_row(2, 0, ["00123", "01234"])
        sheet.write_datetime(2, 2, datetime(2024, 1, 5), day)
        sheet.write_datetime(2, 3, datetime(2024, 1, 5, 10, 30), moment)
        sheet.write_row(2, 4, [70000, True])
        sheet.write_row(4, 0, [124, 1234.5, "", "", 0.1, False])
    return path


def test_a_workbook_cell_by_cell(workbook, into, clock):
    raw = read(workbook, into, clock, read={"sheet": "People", "header_row": 2})
    assert raw.columns == ("id", "zip", "start", "seen", "pay", "full")
    assert flat(raw) == [
        ["00123", "01234", "2024-01-05", "2024-01-05 10:30:00", "70000", "TRUE"],
        ["124", "1234.5", "", "", "0.1", "FALSE"],
    ]
    assert pq.read_table(raw.path).column("_line").to_pylist() == [3, 5]
    assert raw.report.complete


def test_a_sheet_by_number_and_one_that_is_not_there(workbook, into, clock):
    assert read(workbook, into, clock, read={"sheet": 1, "header_row": 2}).rows == 2
    for sheet in ("Peeple", 7):
        with pytest.raises(SystemUnavailable, match="it has Notes, People") as refused:
            read(workbook, into, clock, read={"sheet": sheet})
        assert refused.value.code == "wrong_format"


def test_an_error_cell_is_not_an_empty_one(tmp_path, into, clock):
    path = tmp_path / "people.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "pay", "day"])
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
        sheet.write_string(1, 0, "007")
        sheet.write_datetime(1, 2, datetime(2024, 1, 5), book.add_format({"num_format": "yyyy-mm-dd"}))
    assert flat(read(path, into, clock)) == [["007", "#DIV/0!", "2024-01-05"]]


def test_a_value_beyond_the_header_is_fatal(tmp_path, into, clock):
    path = tmp_path / "people.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "pay"])
        sheet.write_row(1, 0, ["1", "2", "slipped"])
    raw = read(path, into, clock)
    assert raw.report.problems[0].code == "bad_line"
    assert "row 2" in raw.report.problems[0].detail


@pytest.mark.parametrize("keep", [0, 0.5, 0.99])
def test_a_cut_workbook(workbook, into, clock, keep):
    content = workbook.read_bytes()
    workbook.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(SystemUnavailable, match=r"people\.xlsx") as refused:
        read(workbook, into, clock)
    assert refused.value.code == ("cut_file" if keep else "empty_file")


def test_an_empty_sheet_and_one_with_a_header_only(tmp_path, into, clock):
    path = tmp_path / "people.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Empty")
        book.add_worksheet("Header").write_row(0, 0, ["id", "pay"])
    with pytest.raises(SystemUnavailable) as refused:
        read(path, into, clock)
    assert refused.value.code == "empty_file"
    raw = read(path, into, clock, read={"sheet": "Header"})
    assert (raw.rows, raw.report.complete, raw.report.problems[0].code) == (0, True, "empty_answer")


texts = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Co", "Cn"], exclude_characters="_"), max_size=12
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(texts, min_size=2, max_size=2), min_size=1, max_size=5))
def test_text_cells_of_a_workbook_are_read_back_exactly(tmp_path: Path, table: list[list[str]]) -> None:
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(
        path, {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "b"])
        for line, row in enumerate(table, 1):
            for column, value in enumerate(row):
                sheet.write_string(line, column, value)
    xlsx.parse(path, FileRead(path="t"), tmp_path / "o")
    found = [list(row.values())[1:] for row in pq.read_table(tmp_path / "o").to_pylist()]
    assert found == [row for row in table if any(row)]


def test_json_with_its_records_inside(tmp_path, into, clock):
    path = tmp_path / "people.json"
    path.write_text(
        '\ufeff{"meta": {}, "people": [{"id": 1, "name": {"first": "Zoë"}, "pay": 70000.10}]}', encoding="utf-8"
    )
    raw = read(path, into, clock, read={"data": "people"})
    assert nested(raw) == [{"id": 1, "name": {"first": "Zoë"}, "pay": "70000.10"}]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("p.json", '{"people": [{"id": 1}, {"id"', "cut_json"),
        ("p.json", '{"other": []}', "missing_data"),
        ("p.json", '{"people": {"id": 1}}', "not_records"),
        ("p.json", "", "empty_file"),
        ("p.zzz", "x", "wrong_format"),
    ],
)
def test_json_that_cannot_be_used(tmp_path, into, clock, name, text, code):
    (tmp_path / name).write_text(text)
    with pytest.raises(SystemUnavailable) as refused:
        read(tmp_path / name, into, clock, read={"data": "people"})
    assert refused.value.code == code


def test_json_lines_whole_and_cut(tmp_path, into, clock):
    path = tmp_path / "people.jsonl"
    path.write_text('{"id": 1, "x": [1.50]}\n\n{"id": 2}\n')
    assert nested(read(path, into, clock)) == [{"id": 1, "x": ["1.50"]}, {"id": 2}]
    for text, code in (
        ('{"id": 1}\n{"id": 2, "na', "cut_file"),
        ('{"id": 1}\n{"id"\n{"id": 3}\n', "bad_line"),
        ('{"id": 1}\n[2]\n', "not_records"),
    ):
        path.write_text(text)
        raw = read(path, into, clock)
        assert not raw.report.complete
        assert raw.report.problems[0].code == code
        assert "people.jsonl: line 2" in raw.report.problems[0].detail


FIXED = {"format": "fixed", "columns": ["id", "name", "pay"], "widths": [4, 10, 6]}


def test_fixed_width(tmp_path, into, clock):
    path = tmp_path / "people.dat"
    path.write_text("0007Zoë       070000\n0008Bob\n", encoding="cp1252")
    raw = read(path, into, clock, read={**FIXED, "encoding": "cp1252"})
    assert flat(raw) == [["0007", "Zoë       ", "070000"], ["0008", "Bob", ""]]
    assert raw.report.complete


@pytest.mark.parametrize(
    ("text", "code"),
    [("0007Ann       070000 x\n", "bad_line"), ("0007Ann       070000\n0008Bo", "cut_file")],
)
def test_fixed_width_that_does_not_fit(tmp_path, into, clock, text, code):
    path = tmp_path / "people.dat"
    path.write_text(text)
    raw = read(path, into, clock, read=FIXED)
    assert [problem.code for problem in raw.report.problems] == [code]
    assert "people.dat: line" in raw.report.problems[0].detail


def test_fixed_width_with_header_and_trailer(tmp_path, into, clock):
    path = tmp_path / "people.dat"
    path.write_text("id  name      pay   \n0007Ann       070000\nTRAILER 1\n")
    raw = read(path, into, clock, read={"format": "fixed", "widths": [4, 10, 6], "footer_rows": 1})
    assert raw.columns == ("id", "name", "pay")
    assert flat(raw) == [["0007", "Ann       ", "070000"]]


def test_parquet_as_text(tmp_path, into, clock):
    path = tmp_path / "people.parquet"
    with duckdb.connect() as con:
        con.sql(
            "SELECT '007' AS id, 124.0::DOUBLE AS number, 1.50::DECIMAL(9,2) AS pay, DATE '2024-02-29' AS day, true AS yes, "
            "NULL::VARCHAR AS none, [1, 2] AS list, {'a': 'x'} AS doc"
        ).write_parquet(str(path))
    raw = read(path, into, clock)
    assert flat(raw) == [["007", "124", "1.50", "2024-02-29", "true", None, "[1,2]", '{"a":"x"}']]
    assert pq.read_table(raw.path).column("_line").to_pylist() == [1]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SystemUnavailable) as refused:
        read(path, into, clock)
    assert refused.value.code == "cut_file"


LDIF = """version: 1
# a comment
dn: uid=ann,dc=x
uid: ann
cn:: Wm/DqyBNw7xsbGVy
mail: ann@x.example
mail: a.long
 @x.example
photo:: /9j/4AD/

dn: uid=bob,dc=x
uid: bob
"""


def test_ldif_with_several_values_and_base64(tmp_path, into, clock):
    path = tmp_path / "people.ldif"
    path.write_text(LDIF)
    raw = read(path, into, clock)
    assert raw.report.complete
    ann, bob = nested(raw)
    assert ann["dn"] == "uid=ann,dc=x"
    assert ann["cn"] == ["Zoë Müller"]
    assert ann["mail"] == ["ann@x.example", "a.long@x.example"]
    assert ann["photo"] == ["/9j/4AD/"]
    assert bob == {"dn": "uid=bob,dc=x", "uid": ["bob"]}


def test_ldif_cut_or_not_ldif(tmp_path, into, clock):
    path = tmp_path / "people.ldif"
    path.write_text(LDIF[:-3])
    assert [problem.code for problem in read(path, into, clock).report.problems] == ["cut_file"]
    path.write_text("dn: uid=a,dc=x\nuid: a\n\nno colon here\n")
    assert [problem.code for problem in read(path, into, clock).report.problems] == ["bad_line"]
    path.write_text("dn: uid=a,dc=x\nchangetype: delete\n")
    with pytest.raises(SystemUnavailable) as refused:
        read(path, into, clock)
    assert refused.value.code == "wrong_format"


def test_whole_numbers_and_dates_as_a_person_sees_them():
    assert [xlsx.as_text(value) for value in (1.0, 1e20, 0.1 + 0.2, -0.5, True, None, "00", date(2024, 2, 29), datetime(2024, 2, 29))] == [
        "1", "100000000000000000000", "0.30000000000000004", "-0.5", "TRUE", "", "00", "2024-02-29", "2024-02-29",
    ]  # fmt: skip
