"""Reads reports back, each format with a reader that is not ours."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb

from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.reports.bridge import bridge
from hrorch_pipelines.reports.discrepancies import discrepancies
from hrorch_pipelines.reports.explain import explain
from hrorch_pipelines.reports.metrics import metrics
from hrorch_pipelines.reports.quarantine import quarantine
from hrorch_pipelines.reports.render import render, render_all
from hrorch_pipelines.reports.reviews import reviews
from hrorch_pipelines.reports.table import Table
from hrorch_pipelines.stack.models import Stack

csv.field_size_limit(10_000_000)


def written(table: Table, form: str, folder: Path) -> bytes:
    path = folder / f"report.{form}"
    render(table, form, path)
    return path.read_bytes()


def csv_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def json_rows(content: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(content)["rows"]
    return rows


def xlsx_sheets(content: bytes) -> dict[str, list[list[Any]]]:
    """Sheet → rows of cells (openpyxl's, so that a formula would show as one)."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content))
    return {sheet.title: [list(row) for row in sheet.iter_rows()] for sheet in book.worksheets}


class Page(HTMLParser):
    """The texts and tags of a page as a browser would see them."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.texts: list[str] = []
        self._cell: list[str] | None = None
        self._silent = False
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent = tag in {"style", "script"}
        if tag == "td":
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        if tag == "td" and self._cell is not None:
            self.cells.append("".join(self._cell))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.texts.append(data)
        if self._cell is not None:
            self._cell.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def every_report(con: duckdb.DuckDBPyConnection, stack: Stack, *, reveal: bool) -> list[Table]:
    """All tables of the room, of all states, and the explanation of everybody with a fault and of one without."""
    people = con.execute(
        """SELECT DISTINCT person_id FROM reconcile.discrepancies
           UNION SELECT person_id FROM identity.links WHERE source_id IN ('105', '111', '120')"""
    ).fetchall()
    persons = [row[0] for row in people]
    explained = [table for person in persons for table in explain(con, stack, person, None, reveal=reveal)]
    return [
        metrics(con, stack),
        metrics(con, stack, history=True),
        bridge(con, stack),
        quarantine(con, stack),
        reviews(con, stack),
        discrepancies(con, stack, states=tuple(State), reveal=reveal),
        *explained,
    ]


def as_text(tables: list[Table], folder: Path) -> dict[str, str]:
    """Format → everything that these tables show in it."""
    told = {}
    for form in ("table", "csv", "json", "html"):
        path = folder / f"all.{form}"
        render_all(tables, form, path)
        told[form] = "\n".join(
            file.read_text(encoding="utf-8", errors="replace") for file in sorted(folder.glob(f"all*.{form}"))
        )
    cells = []
    for table in tables[:6]:
        for rows in xlsx_sheets(written(table, "xlsx", folder)).values():
            cells += [str(cell.value) for row in rows for cell in row]
    told["xlsx"] = "\n".join(cells)
    return told
