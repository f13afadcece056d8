"""Lines of a change file in the vendor's layout. A machine reads them: values stand there exactly, or the line is not sent.

Nothing is softened for spreadsheets here (`=1+1` stays `=1+1`): that would be another value than the one decided.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hrorch_pipelines.stack.file_writing import FileColumn, FileWrite
from hrorch_pipelines.systems.writing.errors import unwritable

ENDS = {"crlf": "\r\n", "lf": "\n"}


@dataclass(frozen=True)
class Entry:
    """What one write says, in the source's own terms. `new` and `row`: source field → text; `by`: field → attribute."""

    key: str
    reference: str
    today: date
    effective: date | None  # from when the value counts, where the write says so
    starts: date | None  # since when the row to correct counts
    new: Mapping[str, str | None] = field(repr=False)
    row: Mapping[str, str | None] = field(repr=False)
    by: Mapping[str, str] = field(default_factory=dict)


def lines_of(write: FileWrite, entry: Entry) -> list[str]:
    """The lines of one write, ended. Raises WriteFault `unwritable` where a value does not fit the layout."""
    columns = write.layout
    if entry.effective is not None and not any("effective" in one.words for one in columns):
        raise unwritable("no_day", "the layout has no column for the day from which a value counts (`{effective}`)")
    if write.per_change:
        return [_line(write, [_cell(write, one, entry, name) for one in columns]) for name in entry.new]
    missing = sorted(entry.new.keys() - {one.field for one in columns})
    if missing:
        raise unwritable("no_column", f"the layout has no column `{missing[0]}`")
    return [_line(write, [_cell(write, one, entry, None) for one in columns])]


def header_of(write: FileWrite) -> str:
    """The line of column names, ended; empty where the layout has none."""
    return _line(write, [one.header for one in write.layout]) if write.header else ""


def key_room(write: FileWrite) -> int | None:
    """How long a reference may be; None where nothing limits it."""
    if write.format != "fixed":
        return None
    return min(
        (width for one, width in zip(write.layout, write.widths, strict=True) if "reference" in one.words), default=None
    )


def _cell(write: FileWrite, column: FileColumn, entry: Entry, name: str | None) -> str:
    if column.field is None:
        return _filled(write, column, entry, name)
    if name is None and column.field in entry.new:
        return _new(write, entry.new[column.field])
    # Repeating what the export has beside a change would undo what was changed at the vendor's since.
    kept = (entry.row.get(column.field) or "") if write.per_change else ""
    return kept.strip(" ") if write.format == "fixed" else kept


def _new(write: FileWrite, value: str | None) -> str:
    """A new value. An empty one needs a word of its own where blank means that nothing changes."""
    if value:
        if write.clear is not None and value == write.clear:
            raise unwritable("not_representable", "this value is the layout's word for an emptied field")
        if write.format == "fixed" and value != value.strip(" "):
            raise unwritable("not_representable", "a column of fixed width cannot hold blanks at a value's ends")
        return value
    if write.clear is not None:
        return write.clear
    if not write.per_change:
        raise unwritable("not_representable", "the layout cannot say that a field is emptied; declare `clear`")
    return ""


def _filled(write: FileWrite, column: FileColumn, entry: Entry, name: str | None) -> str:
    words: dict[str, Any] = {
        "key": entry.key, "reference": entry.reference, "date": entry.today,
        "effective": entry.effective or entry.starts,
        "field": name, "attribute": entry.by.get(name or ""), "before": entry.row.get(name or "") or "",
        "after": _new(write, entry.new[name]) if name is not None else "",
    }  # fmt: skip
    if "effective" in column.words and words["effective"] is None:
        return ""
    try:
        return column.text.format(**words)
    except ValueError:
        raise unwritable("not_representable", f"column `{column.header}` cannot be filled in its format") from None


def _line(write: FileWrite, cells: Sequence[str]) -> str:
    line = _fixed(write, cells) if write.format == "fixed" else _delimited(write, cells)
    try:
        line.encode(write.encoding)
    except UnicodeEncodeError:
        raise unwritable("not_representable", f"a character cannot be written in {write.encoding}") from None
    return line


def _delimited(write: FileWrite, cells: Sequence[str]) -> str:
    if any("\0" in cell for cell in cells):
        raise unwritable("not_representable", "a value holds a character that no text file may hold")
    out = io.StringIO()
    csv.writer(out, delimiter=write.delimiter, lineterminator=ENDS[write.line_end]).writerow(cells)
    return out.getvalue()


def _fixed(write: FileWrite, cells: Sequence[str]) -> str:
    """Values are never cut: one that is too wide is not sent."""
    for column, cell, width in zip(write.layout, cells, write.widths, strict=True):
        if len(cell) > width:
            raise unwritable("not_representable", f"column `{column.header}` is {width} wide, the value is wider")
        if not cell.isprintable():
            raise unwritable(
                "not_representable", f"column `{column.header}` cannot hold a line break or control character"
            )
    padded = [cell.ljust(width) for cell, width in zip(cells, write.widths, strict=True)]
    return "".join(padded) + ENDS[write.line_end]
