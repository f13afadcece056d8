"""A table as an Excel workbook: typed cells, texts that stay texts, and nothing dropped without a word."""

from __future__ import annotations

import io
import math
from datetime import date, datetime
from typing import Any

from hrorch_pipelines.reports.plain import REPLACEMENT, noted, plain, titled
from hrorch_pipelines.reports.safe import neutral
from hrorch_pipelines.reports.table import NUMBERS, Column, Table

SHEET_ROWS = 1_048_576
CELL_LENGTH = 32_767
"""Excel's limits. What is longer goes on in another sheet, or is cut with a note."""

_FIRST_DAY = date(1900, 3, 1)
"""Excel knows no day before 1900, and a 29 February of that year that never was."""

_FORMATS = {
    "share": {"num_format": "0.00%"},
    "money": {"num_format": "#,##0.00"},
    "integer": {"num_format": "#,##0"},
    "date": {"num_format": "yyyy-mm-dd"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm"},
    "text": {},
    "name": {},
    "person": {},
    "id": {},
}
_BANNED = str.maketrans("", "", "[]:*?/\\'")


def write_xlsx(table: Table, sheet_rows: int = SHEET_ROWS) -> bytes:
    """One sheet of typed cells with frozen header and filter (more when there are too many rows), and one of notes."""
    import xlsxwriter

    buffer = io.BytesIO()
    settings = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    book = xlsxwriter.Workbook(buffer, settings)
    forms = {kind: book.add_format(look) for kind, look in _FORMATS.items()}
    heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    name = table.title.translate(_BANNED)[:28].strip() or "Report"
    step = sheet_rows - 1
    cut = 0
    for number, start in enumerate(range(0, max(1, len(table.rows)), step), start=1):
        sheet = book.add_worksheet(name if number == 1 else f"{name} {number}")
        cut += _fill(sheet, table, table.rows[start : start + step], forms, heading)
    about = book.add_worksheet("Notes" if name.lower() != "notes" else "About")
    about.set_column(0, 0, 120)
    shortened = (
        (f"{cut} texts were longer than Excel allows and are cut; CSV and JSON have them whole.",) if cut else ()
    )
    for line, note in enumerate((titled(table), *noted(table), *shortened)):
        about.write_string(line, 0, note)
    book.close()
    return buffer.getvalue()


def _fill(sheet: Any, table: Table, rows: tuple[tuple[Any, ...], ...], forms: dict[str, Any], heading: Any) -> int:
    """Write one sheet; returns how many texts had to be cut."""
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.label, heading)
        longest = max((len(plain(row[place], column)) for row in rows[:200]), default=0)
        sheet.set_column(place, place, min(60, max(10, longest + 2, len(column.label) + 2)))
    cut = 0
    for line, row in enumerate(rows, start=1):
        for place, (value, column) in enumerate(zip(row, table.columns, strict=True)):
            cut += _write_cell(sheet, line, place, value, column, forms[column.kind])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(rows)), max(0, len(table.columns) - 1))
    return cut


def _write_cell(sheet: Any, line: int, place: int, value: Any, column: Column, form: Any) -> bool:
    """Write one cell; True when its text had to be cut."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(line, place, None, form)
        return False
    if column.kind in NUMBERS:
        sheet.write_number(line, place, float(value), form)
        return False
    if isinstance(value, datetime | date) and (value.date() if isinstance(value, datetime) else value) >= _FIRST_DAY:
        sheet.write_datetime(line, place, value, form)
        return False
    # The apostrophe also protects whoever saves the sheet as CSV.
    text = neutral("".join(sign if sign >= " " or sign in "\t\n" else REPLACEMENT for sign in str(value)))
    sheet.write_string(line, place, text[:CELL_LENGTH], form)
    return len(text) > CELL_LENGTH
