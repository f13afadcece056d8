"""XLSX by calamine: each cell as the text a person sees. Number formats are not applied (a number 123 shown as 00123
by its format is `123`: store such codes as text)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.formats.delimited import first_record_row
from hrorch_pipelines.systems.formats.parsed import BATCH, FlatWriter, Parsed, column_names
from hrorch_pipelines.systems.raw import Problem


def parse(source: Path, read: FileRead, out: Path) -> Parsed:
    """Read one sheet. Raises ReadFault when the workbook or sheet cannot be opened."""
    rows = _rows(source, read)
    skip = first_record_row(read)
    before = list(islice(rows, skip))
    if not read.columns and (not before or not any(before[-1])):
        raise ReadFault("empty_file", f"the sheet has no row {read.header_row or 1}, where its header should be")
    header = read.columns or _without_tail(before[-1])
    columns, duplicates = column_names(header)
    problems: list[Problem] = []
    held: list[tuple[int, list[str]]] = []
    with FlatWriter(out, columns) as writer:
        numbered = ((line, row) for line, row in enumerate(rows, skip + 1) if any(row))
        while batch := list(islice(numbered, BATCH)):
            held += batch
            ready, held = held[: len(held) - read.footer_rows], held[len(held) - read.footer_rows :]
            for line, row in ready:
                if any(row[len(columns) :]):
                    problems.append(Problem("bad_line", f"row {line} has a value beyond the last column of the header"))
            fitted = [(row + [""] * len(columns))[: len(columns)] for _, row in ready]
            writer.add_rows(fitted, [line for line, _ in ready])
    return Parsed("flat", writer.rows, columns, tuple(problems[:10]), duplicates)


def as_text(value: Any) -> str:
    """A cell as text: whole numbers without `.0`, dates as ISO 8601, truth as TRUE or FALSE."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)


def _rows(source: Path, read: FileRead) -> Iterator[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    if not zipfile.is_zipfile(source):
        empty = source.stat().st_size == 0
        raise ReadFault(
            "empty_file" if empty else "cut_file",
            "the file is empty" if empty else "the workbook is cut, encrypted or no XLSX",
        )
    try:
        book = CalamineWorkbook.from_path(source)
        names = book.sheet_names
        name = read.sheet if isinstance(read.sheet, str) else next(iter(names[read.sheet :]), None)
        if name not in names:
            raise ReadFault("wrong_format", f"the workbook has no sheet `{read.sheet}`; it has {', '.join(names)}")
        cells = _with_errors(source, name) if _has_error_cells(source) else book.get_sheet_by_name(name).iter_rows()
    except (CalamineError, zipfile.BadZipFile, OSError) as error:
        raise ReadFault("cut_file", f"the workbook cannot be read ({type(error).__name__})") from None
    return ([as_text(value) for value in row] for row in cells)


def _has_error_cells(source: Path) -> bool:
    """Whether a cell shows `#DIV/0!` or the like: calamine would give it as empty."""
    with zipfile.ZipFile(source) as book:
        for part in book.namelist():
            if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                tail = b""
                with book.open(part) as sheet:
                    while chunk := sheet.read(1 << 20):
                        if b't="e"' in tail + chunk:
                            return True
                        tail = chunk[-5:]
    return False


def _with_errors(source: Path, name: str) -> Iterator[Any]:
    """The rows by openpyxl: slower, but it keeps error cells as their text."""
    from openpyxl import load_workbook

    book = load_workbook(source, read_only=True, data_only=True)
    return iter(book[name].iter_rows(values_only=True))


def _without_tail(header: list[str]) -> list[str]:
    """Empty cells behind the last name are no columns."""
    while header and not header[-1].strip():
        header = header[:-1]
    return header
