"""A CSV is read back exactly as written, or refused with its file and line; nothing is trimmed, guessed or dropped."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.files import FilesConnector
from hrorch_pipelines.systems.formats import delimited
from hrorch_pipelines.systems.raw import RawRecords, SystemUnavailable
from hrorch_tests.drawing import drawn
from hrorch_tests.systems.conftest import NOW, system

PLAIN = "id,name\n007,Ann\n008,Bob\n"


def read(
    folder: Path, into: Path, clock: Any, content: bytes | str, name: str = "people.csv", **how: Any
) -> RawRecords:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    fields = how.pop("fields", {"legal_first_name": "name"})
    declared = {"read": {"path": name, **how}, "key": "id", "fields": fields}
    return FilesConnector("payroll", system("files", str(folder), {"worker": declared}), clock, folder).read(
        "worker", into=into, until=NOW
    )


def rows(raw: RawRecords) -> list[list[str]]:
    return [list(row.values())[1:] for row in pq.read_table(raw.path).to_pylist()]


def problem(raw: RawRecords) -> tuple[str, str]:
    return raw.report.problems[-1].code, raw.report.problems[-1].detail


cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", " x ", "007", "\0"]
)
header = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=2, max_size=4, unique=True)


@settings(max_examples=drawn(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_table_written_by_pythons_csv_is_read_back_exactly(tmp_path: Path, data: st.DataObject) -> None:
    names = data.draw(header)
    table = data.draw(st.lists(st.lists(cell, min_size=len(names), max_size=len(names)), max_size=6))
    dialect = data.draw(st.sampled_from(["excel", "excel-tab", "unix"]))
    text = io.StringIO(newline="")
    writer = csv.writer(text, dialect=dialect)
    writer.writerows([names, *table])
    source, out = tmp_path / "t.csv", tmp_path / "t.parquet"
    source.write_bytes(text.getvalue().encode())
    delimiter = "\t" if dialect == "excel-tab" else ","
    parsed = delimited.parse(source, FileRead(path="t.csv", delimiter=delimiter, encoding="utf-8"), out)
    assert not any(found.fatal for found in parsed.problems)
    assert parsed.columns == tuple(names)
    assert [list(row.values())[1:] for row in pq.read_table(out).to_pylist()] == table


@settings(max_examples=drawn(300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["a", ",", "\n", "\r\n", "\r", " ", '"', '"a,b"', "a,b\n", "é", "\0"]), max_size=10).map(
        "".join
    )
)
def test_any_text_is_read_as_the_strict_reader_reads_it_or_refused(tmp_path: Path, body: str) -> None:
    """The oracle is Python's strict reader plus the rule that every row is as wide as the header."""
    text = "h1,h2\n" + body
    source, out = tmp_path / "t.csv", tmp_path / "t.parquet"
    source.write_bytes(text.encode())
    try:
        expected = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row][1:]
        fits = all(len(row) == 2 for row in expected)
    except csv.Error:
        fits = False
    parsed = delimited.parse(source, FileRead(path="t.csv", delimiter=",", encoding="utf-8"), out)
    fatal = [found for found in parsed.problems if found.fatal]
    assert bool(fatal) != fits
    assert all("line" in found.detail for found in fatal)
    if fits:
        assert [list(row.values())[1:] for row in pq.read_table(out).to_pylist()] == expected


def test_text_stays_text(tmp_path, into, clock):
    raw = read(tmp_path, into, clock, "id,name\n007, Ann \n1e5,\n")
    assert rows(raw) == [["007", " Ann "], ["1e5", ""]]
    assert pq.read_table(raw.path).column("_line").to_pylist() == [2, 3]
    assert (raw.shape, raw.columns, raw.report.complete) == ("flat", ("id", "name"), True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path, into, clock, delimiter):
    text = "".join(
        f"{delimiter.join(row)}\n" for row in (["id", "name", "pay"], ["1", "Ann", "1.234"], ["2", "Bob", "5"])
    )
    raw = read(tmp_path, into, clock, text)
    assert raw.report.delimiter == delimiter
    assert raw.columns == ("id", "name", "pay")


def test_semicolons_with_decimal_commas(tmp_path, into, clock):
    raw = read(tmp_path, into, clock, "id;name;pay\n1;Ann;1.234,56\n2;Bob;2,50\n")
    assert rows(raw)[0] == ["1", "Ann", "1.234,56"]


def test_a_delimiter_inside_a_quoted_field(tmp_path, into, clock):
    raw = read(tmp_path, into, clock, 'id,name\n1,"Smith, Ann"\n2,"He said ""no"""\n3,"two\nlines"\n')
    assert rows(raw) == [["1", "Smith, Ann"], ["2", 'He said "no"'], ["3", "two\nlines"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_are_found(tmp_path, into, clock, encoding):
    text = "id,name\n" + "".join(
        f"{n},{name}\n" for n, name in enumerate(["Zoë Müller", "José Nuñez", "Françoise", "Søren – Ægir"] * 5)
    )
    raw = read(tmp_path, into, clock, text.encode(encoding))
    assert raw.columns == ("id", "name")
    assert rows(raw)[:2] == [["0", "Zoë Müller"], ["1", "José Nuñez"]]
    assert raw.report.complete
    assert any(found.code == "encoding_guessed" for found in raw.report.problems) == (encoding == "cp1252")


def test_a_declared_encoding_is_taken_at_its_word(tmp_path, into, clock):
    raw = read(tmp_path, into, clock, "id,name\n1,Łukasz\n".encode("cp1250"), encoding="cp1250")
    assert rows(raw) == [["1", "Łukasz"]]


def test_a_wrongly_declared_encoding_is_refused_by_byte(tmp_path, into, clock):
    with pytest.raises(
        SystemUnavailable, match=r"worker: people\.csv: the file is not utf-8: byte 12 does not fit"
    ) as refused:
        read(tmp_path, into, clock, "id,name\n1,Zoë\n".encode("cp1252"), encoding="utf-8")
    assert refused.value.code == "wrong_encoding"


def test_header_only_is_empty_not_broken(tmp_path, into, clock):
    for text in ("id,name\n", "id,name", "id,name\r\n\r\n"):
        raw = read(tmp_path, into, clock, text)
        assert (raw.rows, raw.report.complete, problem(raw)[0]) == (0, True, "empty_answer")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\n \n", "empty_file"),
        (b"PK\x03\x04rest of a workbook", "binary_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old excel", "binary_file"),
        (b"%PDF-1.7", "binary_file"),
        (bytes(range(256)) * 20, "binary_file"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, into, clock, content, code):
    with pytest.raises(SystemUnavailable) as refused:
        read(tmp_path, into, clock, content)
    assert refused.value.code == code
    assert "people.csv" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("id,name\n1,Ann\n2\n3,Cid\n", "bad_line", "line 3 has 1 fields instead of 2"),
        ("id,name\n1,Ann\n2,Bob,x\n", "bad_line", "line 3 has 3 fields instead of 2"),
        ('id,name\n1,"a\nb"\n2,Bob,x\n', "bad_line", "line 4 has 3 fields instead of 2"),
        ('id,name\n1,the "best" one\n2,"the "best" one"\n', "bad_line", "line 3"),
        ('id,name\n1,"Ann\n2,Bob\n', "bad_line", "unexpected end of data"),
        ("id,name\n1,Ann\n2,Bob\n3", "cut_file", "line 4"),
        ('id,name\n1,Ann\n2,"Bo', "cut_file", "unexpected end of data"),
    ],
)
def test_a_line_that_does_not_fit_makes_the_read_incomplete(tmp_path, into, clock, text, code, told):
    raw = read(tmp_path, into, clock, text)
    assert not raw.report.complete
    found, detail = problem(raw)
    assert found == code
    assert told in detail
    assert "worker: people.csv" in detail


def test_errors_hold_no_values(tmp_path, into, clock):
    raw = read(tmp_path, into, clock, 'id,name\n1,"Canary"x"\n2,Canary,Canary\n')
    assert not raw.report.complete
    assert "Canary" not in problem(raw)[1]


def test_nul_bytes_and_a_10_mb_cell_come_through(tmp_path, into, clock):
    big = "x" * 10_000_000
    raw = read(tmp_path, into, clock, f"id,name\n1,A\0nn\n2,{big}\n")
    assert rows(raw) == [["1", "A\0nn"], ["2", big]]
    quoted = read(tmp_path, into, clock, f'id,name\n1,"A\0,nn"\n2,"{big}"\n')
    assert rows(quoted) == [["1", "A\0,nn"], ["2", big]]
    huge = read(tmp_path, into, clock, f"id,name\n2,{big * 2}\n")  # longer than a block of the swift reader
    assert len(rows(huge)[0][1]) == 20_000_000


def test_a_renamed_column_is_named_with_its_likeliest_new_name(tmp_path, into, clock):
    raw = read(tmp_path, into, clock, "id,First Name,Pay\n1,Ann,5\n", fields={"legal_first_name": "first_name"})
    code, detail = problem(raw)
    assert code == "missing_column"
    assert "people.csv: column `first_name` is missing; nearest: `First Name`" in detail
    assert not raw.report.complete


def test_a_missing_key_column_is_fatal(tmp_path, into, clock):
    raw = read(tmp_path, into, clock, "Emp ID,name\n1,Ann\n")
    assert problem(raw)[0] == "missing_column"
    assert "`id`" in problem(raw)[1]


def test_a_column_there_twice_is_fatal_only_when_it_is_used(tmp_path, into, clock):
    used = read(tmp_path, into, clock, "id,name,NAME\n1,Ann,Anne\n", fields={"legal_first_name": "NAME"})
    assert not used.report.complete
    unused = read(tmp_path, into, clock, "id,name,x,x\n1,Ann,a,b\n")
    assert unused.report.complete
    assert unused.columns == ("id", "name", "x", "x (2)")
    assert rows(unused) == [["1", "Ann", "a", "b"]]


def test_header_further_down_footer_and_no_header(tmp_path, into, clock):
    raw = read(
        tmp_path,
        into,
        clock,
        "Report of March\nid,name\n1,Ann\n2,Bob\nTotal 2\n",
        header_row=2,
        footer_rows=1,
        delimiter=",",
    )
    assert rows(raw) == [["1", "Ann"], ["2", "Bob"]]
    raw = read(tmp_path, into, clock, "1,Ann\n2,Bob\n", columns=["id", "name"])
    assert rows(raw) == [["1", "Ann"], ["2", "Bob"]]
    raw = read(tmp_path, into, clock, "1,Ann\nEND\n", columns=["id", "name"], header_row=0, footer_rows=1)
    assert rows(raw) == [["1", "Ann"]]


def test_only_the_newest_file_by_name_and_never_one_still_being_written(tmp_path, into, clock):
    for name, text in (
        ("p-01.csv", "id,name\n1,Old\n"),
        ("p-02.csv", PLAIN),
        ("p-03.csv.part", "id,na"),
        (".p-04.csv", "x"),
    ):
        (tmp_path / name).write_text(text)
    declared = {"read": {"path": "p-*"}, "key": "id", "fields": {"legal_first_name": "name"}}
    connector = FilesConnector("payroll", system("files", ".", {"worker": declared}), clock, tmp_path)
    connector.check()
    assert rows(connector.read("worker", into=into, until=NOW)) == [["007", "Ann"], ["008", "Bob"]]


def test_all_matching_files_as_one(tmp_path, into, clock):
    (tmp_path / "p1.csv").write_text(PLAIN)
    (tmp_path / "p2.csv").write_text("name,id\nCid,009\n")
    declared = {"read": {"path": "p*.csv", "newest_only": False}, "key": "id", "fields": {"legal_first_name": "name"}}
    connector = FilesConnector("payroll", system("files", str(tmp_path), {"worker": declared}), clock, tmp_path)
    raw = connector.read("worker", into=into, until=NOW)
    assert rows(raw) == [["007", "Ann"], ["008", "Bob"], ["009", "Cid"]]
    assert raw.rows == 3
    (tmp_path / "p3.csv").write_text("id,surname\n1,x\n")
    assert not connector.read("worker", into=into, until=NOW).report.complete


def test_gzip_whole_and_cut(tmp_path, into, clock):
    packed = gzip.compress(("id,name\n" + "".join(f"{n},Ann{n * 7919}\n" for n in range(5000))).encode())
    assert read(tmp_path, into, clock, packed, name="people.csv.gz").rows == 5000
    with pytest.raises(SystemUnavailable) as refused:
        read(tmp_path, into, clock, packed[: len(packed) // 2], name="people.csv.gz")
    assert refused.value.code == "cut_file"


def test_no_file_is_not_an_empty_company(tmp_path, into, clock):
    connector = FilesConnector(
        "payroll", system("files", str(tmp_path), {"worker": {"path": "*.csv"}}), clock, tmp_path
    )
    for attempt in (connector.check, lambda: connector.read("worker", into=into, until=NOW)):
        with pytest.raises(SystemUnavailable) as refused:
            attempt()
        assert refused.value.code == "no_file"


def test_nothing_else_is_left_in_the_folder(tmp_path, into, clock):
    read(tmp_path, into, clock, "id,name\n1,Zoë\n".encode("utf-16"))
    assert [path.name for path in into.iterdir()] == ["worker.parquet"]
