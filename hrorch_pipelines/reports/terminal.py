"""A table on a screen: what is the same in every row is said once, what belongs together stands in one column.

Files keep every column; what is left out here is named below the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hrorch_pipelines.reports.plain import noted, plain, printable, short_id, short_ids, titled
from hrorch_pipelines.reports.table import NUMBERS, Column, Table

ROWS = 500
"""More rows than that are for files; a pipe gets them all."""

_COMFORT = 14
"""Characters a column of prose needs to read well."""

_WORD = 12
"""Characters up to which a text is never broken."""

_FEW = 2
"""Rows up to which a table that is too wide stands upright instead of losing columns."""

_NO_ROOM = "No room for:"

_PROSE = {"text", "name"}


def write_terminal(table: Table) -> None:
    """Print a table to standard output, as wide as the window."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(soft_wrap=False, highlight=False)
    rows, notes = _told_rows(table)
    if console.is_terminal and len(rows) > ROWS:
        notes.append(f"{len(rows) - ROWS:,} more rows: `--format csv` or `--format xlsx` shows all.")
        rows = rows[:ROWS]
    columns, more = _visible(table, rows, console.width)
    if 0 < len(rows) <= _FEW and any(note.startswith(_NO_ROOM) for note in more):
        console.print(_upright(table, rows))
    elif columns and rows:
        notes += more
        shown = RichTable(title=Text(titled(table), style="bold"), title_justify="left", header_style="bold")
        for column, cells in columns:
            shown.add_column(
                Text(column.short or column.label),
                justify="right" if column.kind in NUMBERS and not _parts(table, column) else "left",
                overflow="fold",
                no_wrap=column.kind not in _PROSE or max(map(len, cells), default=0) <= _WORD,
            )
        _fill(shown, columns, len(rows))
        console.print(shown)
    else:
        console.print(Text(titled(table), style="bold"))
        if not rows:
            console.print("Nothing to show.")
    for note in (*notes, *noted(table)):
        console.print(Text(printable(note), style="dim"))


def _upright(table: Table, rows: Sequence[tuple[Any, ...]]) -> Any:
    """A few rows that are too wide, each as lines of label and value, so that nothing stays out."""
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        title=Text(titled(table), style="bold"), title_justify="left", show_header=False, header_style="bold"
    )
    shown.add_column(no_wrap=True, style="dim")
    shown.add_column(overflow="fold")
    cells = [(column, _cells(table, rows, column)) for column in table.columns if not column.inside]
    for line in range(len(rows)):
        if line:
            shown.add_section()
        for column, texts in cells:
            if texts[line]:
                shown.add_row(Text((_parts(table, column) and column.short) or column.label), Text(texts[line]))
    return shown


def _told_rows(table: Table) -> tuple[Sequence[tuple[Any, ...]], list[str]]:
    """The rows that say something, and a note about the others."""
    places = [place for place, column in enumerate(table.columns) if column.needed]
    rows = [row for row in table.rows if all(row[place] for place in places)] if places else table.rows
    left = len(table.rows) - len(rows)
    labels = ", ".join(table.columns[place].label for place in places)
    return rows, [f"{left:,} rows left out: nothing under {labels}."] if left else []


def _visible(
    table: Table, rows: Sequence[tuple[Any, ...]], width: int
) -> tuple[list[tuple[Column, list[str]]], list[str]]:
    """The columns to show with their cells as text, and the notes that tell of the others."""
    said: list[str] = []
    empty: list[str] = []
    kept: list[tuple[Column, list[str]]] = []
    for column in table.columns:
        if column.inside:
            continue
        cells = _cells(table, rows, column)
        same = len(set(cells)) == 1
        if same and len(rows) > 1 and not column.grouped:
            if cells[0]:
                said.append(f"{column.label}: {cells[0]}")
            else:
                empty.append(column.label)
        else:
            kept.append((column, cells))
    notes = [f"In every row: {'; '.join(said)}."] if said else []
    if empty:
        notes.append(f"Empty in every row: {', '.join(empty)}.")
    dropped = []
    while len(kept) > 1 and _natural(kept) > width:
        last = max(kept, key=lambda pair: pair[0].rank)
        if last[0].rank == 0:
            break
        kept.remove(last)
        dropped.append(last[0].label)
    if dropped:
        notes.append(f"{_NO_ROOM} {', '.join(reversed(dropped))} (a wider window or `--format csv` shows them).")
    return kept, notes


def _natural(kept: list[tuple[Column, list[str]]]) -> int:
    """Characters the table needs, with borders, when prose may wrap."""
    from rich.cells import cell_len

    def needed(column: Column, cells: list[str]) -> int:
        longest = max((cell_len(cell) for cell in cells), default=0)
        heading = max(map(cell_len, (column.short or column.label).split()), default=0)
        if column.kind not in _PROSE:
            return max(heading, longest)
        word = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
        return max(heading, min(word, 2 * _COMFORT), min(longest, _COMFORT))

    return 1 + sum(3 + needed(column, cells) for column, cells in kept)


def _fill(shown: Any, columns: list[tuple[Column, list[str]]], count: int) -> None:
    """Add the rows; what a grouped column repeats is told once, and a line stands before each new group."""
    from rich.text import Text

    groups = [cells for column, cells in columns if column.grouped]
    for line in range(count):
        repeated = line > 0 and all(cells[line] == cells[line - 1] for cells in groups)
        if groups and line > 0 and not repeated:
            shown.add_section()
        shown.add_row(*(Text("" if column.grouped and repeated else cells[line]) for column, cells in columns))


def _parts(table: Table, column: Column) -> list[Column]:
    return [other for other in table.columns if other.inside == column.name]


def _cells(table: Table, rows: Sequence[tuple[Any, ...]], column: Column) -> list[str]:
    """The column's cells, each with what is told inside it."""
    parts = _parts(table, column)
    place, places = table.place(column.name), [table.place(part.name) for part in parts]
    return [
        _told(column, row[place], [(part, row[at]) for part, at in zip(parts, places, strict=True)]) for row in rows
    ]


def _told(column: Column, value: Any, parts: list[tuple[Column, Any]]) -> str:
    """`1.14 % (0.78–1.66)`, `0.78–1.66 %`, `114 of 11,775`, `hris worker 1266`: by what the parts are."""
    text = plain(value, column)
    first = short_id(text) if column.kind == "id" else short_ids(text)
    if not parts:
        return first
    others = [plain(part_value, part) for part, part_value in parts]
    if column.kind == "share":
        if not first:
            return "–"
        if len(others) == 1:
            return f"{first.removesuffix(' %')}–{others[0]}"
        low, high = (other.removesuffix(" %") for other in others)
        return f"{first} ({low}–{high})" if low and high else first
    if column.kind == "integer":
        return f"{first} of {others[0]}"
    return " ".join(text for text in (first, *others) if text)
