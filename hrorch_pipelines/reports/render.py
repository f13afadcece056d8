"""Gives a table its form: terminal, CSV, JSON, XLSX, HTML. A cell of text never becomes a formula or a link."""

from __future__ import annotations

import csv
import html
import io
import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hrorch_pipelines.reports.errors import UnknownChoiceError
from hrorch_pipelines.reports.table import Column, Table

FORMATS = ("table", "csv", "json", "xlsx", "html")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A text cell that starts with one of these is run by spreadsheets (OWASP, CSV injection)."""

_NUMBERS = {"integer", "money", "share"}


def render(table: Table, form: str, output: Path | None = None) -> None:
    """Write a table in a form to a file, or to standard output. XLSX needs a file. Raises UnknownChoiceError."""
    if form not in FORMATS:
        raise UnknownChoiceError("format", form, FORMATS)
    if form == "table" and output is None:
        _to_terminal(table)
        return
    content = _WRITERS[form](table)
    if output is not None:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def neutral(text: str) -> str:
    """The text as a spreadsheet may safely show it: an apostrophe goes before whatever it would run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(value: Any, column: Column) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if column.kind == "share":
        return f"{100 * float(value):.2f} %"
    if column.kind == "money":
        return f"{Decimal(str(value)):,.2f}"
    if column.kind == "integer":
        return f"{int(value):,}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _to_terminal(table: Table) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(soft_wrap=False)
    shown = RichTable(title=_titled(table), title_justify="left", header_style="bold")
    for column in table.columns:
        shown.add_column(column.label, justify="right" if column.kind in _NUMBERS else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*(Text(plain(value, column)) for value, column in zip(row, table.columns, strict=True)))
    console.print(shown)
    for note in table.notes:
        console.print(Text(note, style="dim"))


def _titled(table: Table) -> str:
    return f"{table.title}, as of {table.as_of.isoformat()}" if table.as_of else table.title


def _csv(table: Table) -> bytes:
    """RFC 4180, UTF-8 with a BOM so that Excel reads accents right. Notes have no place in a CSV."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([column.name for column in table.columns])
    writer.writerows(
        [_flat(value, column) for value, column in zip(row, table.columns, strict=True)] for row in table.rows
    )
    return buffer.getvalue().encode("utf-8-sig")


def _flat(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if column.kind in _NUMBERS:
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return neutral(str(value).replace("\x00", ""))


def _json(table: Table) -> bytes:
    names = [column.name for column in table.columns]
    content = {
        "title": table.title,
        "as_of": table.as_of.isoformat() if table.as_of else None,
        "notes": list(table.notes),
        "rows": [dict(zip(names, map(_jsonable, row), strict=True)) for row in table.rows],
    }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _xlsx(table: Table) -> bytes:
    """One sheet of typed cells with frozen header and filter, one of notes. Texts are written as texts, whatever they hold."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "remove_timezone": True,
        },
    )
    forms = {
        "share": book.add_format({"num_format": "0.00%"}),
        "money": book.add_format({"num_format": "#,##0.00"}),
        "integer": book.add_format({"num_format": "#,##0"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        "text": book.add_format(),
    }
    sheet = book.add_worksheet(table.title[:31].translate(str.maketrans("", "", "[]:*?/\\")) or "Report")
    heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.label, heading)
        longest = max((len(plain(row[place], column)) for row in table.rows[:200]), default=0)
        sheet.set_column(place, place, min(60, max(10, longest + 2, len(column.label) + 2)))
    for line, row in enumerate(table.rows, start=1):
        for place, (value, column) in enumerate(zip(row, table.columns, strict=True)):
            _write_cell(sheet, line, place, value, column, forms[column.kind])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(table.rows)), max(0, len(table.columns) - 1))
    about = book.add_worksheet("Notes")
    about.set_column(0, 0, 120)
    for line, note in enumerate((_titled(table), *table.notes)):
        about.write_string(line, 0, note)
    book.close()
    return buffer.getvalue()


def _write_cell(sheet: Any, line: int, place: int, value: Any, column: Column, form: Any) -> None:
    if value is None:
        sheet.write_blank(line, place, None, form)
    elif column.kind in _NUMBERS:
        sheet.write_number(line, place, float(value), form)
    elif isinstance(value, datetime | date):
        sheet.write_datetime(line, place, value, form)
    else:
        # Excel takes 32,767 characters a cell and no control characters; the apostrophe also protects whoever saves as CSV.
        text = "".join(sign for sign in str(value) if sign >= " " or sign in "\t\n\r")
        sheet.write_string(line, place, neutral(text)[:32_767], form)


def _html(table: Table) -> bytes:
    head = "".join(f"<th scope='col'>{html.escape(column.label)}</th>" for column in table.columns)
    body = "\n".join(
        "<tr>" + "".join(_html_cell(value, column) for value, column in zip(row, table.columns, strict=True)) + "</tr>"
        for row in table.rows
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    title = html.escape(_titled(table))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px/1.45 system-ui,sans-serif;margin:2rem;color:#1b2330}}table{{border-collapse:collapse}}
th,td{{padding:.35rem .7rem;border-bottom:1px solid #d8dde5;text-align:left;vertical-align:top}}
td.n{{text-align:right;font-variant-numeric:tabular-nums}}thead th{{border-bottom:2px solid #1b2330}}p{{color:#4a5566}}</style></head>
<body><h1>{title}</h1><table><thead><tr>{head}</tr></thead><tbody>
{body}
</tbody></table>{notes}</body></html>
""".encode()


def _html_cell(value: Any, column: Column) -> str:
    number = " class='n'" if column.kind in _NUMBERS else ""
    return f"<td{number}>{html.escape(plain(value, column))}</td>"


def _text(table: Table) -> bytes:
    """A file gets no boxes: labels and values between tabs read well anywhere."""
    lines = ["\t".join(column.label for column in table.columns)]
    lines += [
        "\t".join(plain(v, c).replace("\t", " ") for v, c in zip(row, table.columns, strict=True)) for row in table.rows
    ]
    return ("\n".join([_titled(table), *lines, *table.notes]) + "\n").encode()


_WRITERS: dict[str, Callable[[Table], bytes]] = {
    "table": _text,
    "csv": _csv,
    "json": _json,
    "xlsx": _xlsx,
    "html": _html,
}
