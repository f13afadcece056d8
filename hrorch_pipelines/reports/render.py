"""Gives a table its form: terminal, CSV, JSON, XLSX, HTML. A cell of text never becomes a formula or a link."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hrorch_pipelines.reports.errors import FileNeededError, UnknownChoiceError
from hrorch_pipelines.reports.plain import REPLACEMENT, noted, plain, titled
from hrorch_pipelines.reports.safe import neutral
from hrorch_pipelines.reports.table import NUMBERS, Column, Table
from hrorch_pipelines.reports.terminal import write_terminal
from hrorch_pipelines.reports.xlsx import write_xlsx

FORMATS = ("table", "csv", "json", "xlsx", "html")

FORMATS = ("table", "csv", "json", "xlsx", "html")


def render(table: Table, form: str, output: Path | None = None) -> None:
    """Write a table in a form to a file, or to standard output.

    Raises UnknownChoiceError for a form there is not, FileNeededError for a workbook that would go to a screen.
    """
    render_all([table], form, output)


def render_all(tables: Sequence[Table], form: str, output: Path | None = None) -> None:
    """Write several tables as one: one after the other, in JSON as a list. A single one is written as `render` does.

    Workbooks and CSV hold one table each: of several, each goes into a file of its own, numbered behind the name.
    """
    if form not in FORMATS:
        raise UnknownChoiceError("format", form, FORMATS)
    if form == "xlsx" and output is None and sys.stdout.isatty():
        raise FileNeededError(form)
    if form == "table" and output is None:
        for table in tables:
            write_terminal(table)
        return
    if form in {"csv", "xlsx"} and output is not None:
        for number, table in enumerate(tables, start=1):
            name = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
            name.write_bytes(_WRITERS[form]([table]))
        return
    content = _WRITERS[form](tables)
    if output is not None:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _csv(tables: Sequence[Table]) -> bytes:
    """RFC 4180, UTF-8 with a BOM so that Excel reads accents right. Notes have no place in a CSV."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for number, table in enumerate(tables):
        if number:
            buffer.write("\r\n")
        writer.writerow([column.name for column in table.columns])
        writer.writerows(
            [_flat(value, column) for value, column in zip(row, table.columns, strict=True)] for row in table.rows
        )
    return buffer.getvalue().encode("utf-8-sig")


def _flat(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if column.kind in NUMBERS:
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return neutral(str(value).replace("\x00", REPLACEMENT))


def _json(tables: Sequence[Table]) -> bytes:
    contents = [
        {
            "title": table.title,
            "as_of": table.as_of.isoformat() if table.as_of else None,
            "notes": list(table.notes),
            "rows": [
                {column.name: _jsonable(value) for column, value in zip(table.columns, row, strict=True)}
                for row in table.rows
            ],
        }
        for table in tables
    ]
    content = contents[0] if len(contents) == 1 else contents
    return (json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        value = float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _xlsx(tables: Sequence[Table]) -> bytes:
    if len(tables) > 1:
        raise FileNeededError("xlsx")
    return write_xlsx(tables[0])


def _html(tables: Sequence[Table]) -> bytes:
    title = html.escape(titled(tables[0]) if len(tables) == 1 else tables[0].title)
    body = "\n".join(map(_html_table, tables))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>{title}</title>
<style>body{{font:15px/1.45 system-ui,sans-serif;margin:2rem;color:#1b2330}}table{{border-collapse:collapse}}
th,td{{padding:.35rem .7rem;border-bottom:1px solid #d8dde5;text-align:left;vertical-align:top;overflow-wrap:anywhere}}
td.n,th.n{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}thead th{{border-bottom:2px solid #1b2330}}
p{{color:#4a5566}}tr{{break-inside:avoid}}h1{{font-size:1.5rem;margin-top:2rem}}</style></head>
<body>{body}</body></html>
""".encode()


def _html_table(table: Table) -> str:
    head = "".join(f"<th scope='col'{_right(column)}>{html.escape(column.label)}</th>" for column in table.columns)
    body = "\n".join(
        "<tr>" + "".join(_html_cell(value, column) for value, column in zip(row, table.columns, strict=True)) + "</tr>"
        for row in table.rows
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in noted(table))
    return f"""<h1>{html.escape(titled(table))}</h1><table><thead><tr>{head}</tr></thead><tbody>
{body}
</tbody></table>{notes}"""


def _html_cell(value: Any, column: Column) -> str:
    return f"<td{_right(column)}>{html.escape(plain(value, column))}</td>"


def _right(column: Column) -> str:
    return " class='n'" if column.kind in NUMBERS else ""


def _text(tables: Sequence[Table]) -> bytes:
    """A file gets no boxes: labels and values between tabs read well anywhere."""
    parts = []
    for table in tables:
        lines = ["\t".join(column.label for column in table.columns)]
        lines += [
            "\t".join(plain(value, column) for value, column in zip(row, table.columns, strict=True))
            for row in table.rows
        ]
        parts.append("\n".join([titled(table), *lines, *noted(table)]))
    return ("\n\n".join(parts) + "\n").encode()


_WRITERS: dict[str, Callable[[Sequence[Table]], bytes]] = {
    "table": _text,
    "csv": _csv,
    "json": _json,
    "xlsx": _xlsx,
    "html": _html,
}
