"""CSV and its kin: every cell as the text written. A line that does not fit makes the whole file unfit, and is named.

Files without a quote character go through Arrow (lines and fields cannot be misread); others through Python's strict
reader. DuckDB's reader is not used: it drops the quotes of ` "a"` and accepts surplus empty fields (docs/decisions).
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.formats.encodings import Utf8Text, as_utf8
from hrorch_pipelines.systems.formats.parsed import BATCH, FlatWriter, Parsed, column_names
from hrorch_pipelines.systems.raw import Problem

CANDIDATES = (",", ";", "\t", "|")
_NAMED_LINES = 10
csv.field_size_limit(2**31 - 1)


def parse(source: Path, read: FileRead, out: Path) -> Parsed:
    """Read a delimited file. Raises ReadFault when nothing of it can be used."""
    if len(read.quote) > 1 or len(read.delimiter or ",") != 1:
        raise ReadFault("wrong_format", "`delimiter` and `quote` are one character each")
    text = as_utf8(source, read.encoding, out.with_suffix(".utf8"))
    delimiter = read.delimiter or _delimiter(text.path, read.quote)
    skip = first_record_row(read)
    header = read.columns or _header(text.path, read, delimiter)
    columns, duplicates = column_names(header)
    quoted = bool(read.quote) and text.contains(read.quote)
    ways = [_strictly] if quoted or read.footer_rows else [_swiftly, _strictly]
    for way in ways:
        with FlatWriter(out, columns) as writer:
            fits = way(text, read, delimiter, skip, writer)
        if fits:
            break
    problems = [] if fits else _bad_lines(text, read, delimiter, skip, len(columns))
    return Parsed("flat", writer.rows, columns, (*text.problems, *problems), duplicates, text.encoding, delimiter)


def first_record_row(read: FileRead) -> int:
    """Rows before the first record. `columns` without `header_row` means that the file has no header."""
    if read.columns and "header_row" not in read.model_fields_set:
        return 0
    return read.header_row


def _rows(text: Path, read: FileRead, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line they end on; blank lines are no rows. Raises csv.Error."""
    with text.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True, **_quoting(read.quote))
        for row in reader:
            if row:
                yield reader.line_num, row


def _quoting(quote: str) -> dict[str, Any]:
    return {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}


def _header(text: Path, read: FileRead, delimiter: str) -> list[str]:
    if read.header_row == 0:
        raise ReadFault("missing_column", "the file has no header: name its `columns` in the stack file")
    try:
        found = next(islice(_rows(text, read, delimiter), read.header_row - 1, None), None)
    except csv.Error as error:
        raise ReadFault("bad_line", f"the header cannot be read ({error})") from None
    if found is None:
        raise ReadFault("empty_file", f"the file has no line {read.header_row}, where its header should be")
    return found[1]


def _swiftly(text: Utf8Text, read: FileRead, delimiter: str, skip: int, writer: FlatWriter) -> bool:
    """Write the records through Arrow, block by block. False when a line does not fit (Arrow does not say which)."""
    del read
    names = list(writer.columns)
    if _rows_at_most(text.path, skip):  # Arrow takes a file without records for an invalid one
        return True
    try:
        stream = arrow_csv.open_csv(
            text.path,
            arrow_csv.ReadOptions(column_names=names, skip_rows_after_names=skip, block_size=1 << 24),
            arrow_csv.ParseOptions(delimiter=delimiter, quote_char=False, double_quote=False),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
        for batch in stream:
            first = skip + writer.rows + 1
            writer.add(batch.columns, range(first, first + batch.num_rows))
    except pa.ArrowInvalid:
        return False
    return True


def _strictly(text: Utf8Text, read: FileRead, delimiter: str, skip: int, writer: FlatWriter) -> bool:
    """Write the records through Python's reader. False when a line does not fit; those before it are written."""
    width = len(writer.columns)
    rows = _rows(text.path, read, delimiter)
    held: list[list[str]] = []
    try:
        for _ in islice(rows, skip):
            pass
        while batch := [row for _, row in islice(rows, BATCH)]:
            held += batch
            ready, held = held[: len(held) - read.footer_rows], held[len(held) - read.footer_rows :]
            if {len(row) for row in ready} - {width}:
                return False
            first = skip + writer.rows + 1
            writer.add_rows(ready, range(first, first + len(ready)))
    except csv.Error:
        return False
    return True


def _bad_lines(text: Utf8Text, read: FileRead, delimiter: str, skip: int, width: int) -> list[Problem]:
    """Name the lines that do not fit."""
    found: list[str] = []
    held: deque[tuple[int, int]] = deque()
    last = 0
    try:
        for last, row in islice(_rows(text.path, read, delimiter), skip, None):
            held.append((last, len(row)))
            if len(held) > read.footer_rows:
                line, fields = held.popleft()
                if fields != width:
                    found.append(f"line {line} has {fields} fields instead of {width}")
    except csv.Error as error:
        found.append(f"line {last + 1} or later: {error}")
    with text.path.open("rb") as file:
        file.seek(-1, 2)
        unended = file.read(1) not in b"\r\n"
    if unended and found and (found[-1].startswith(f"line {last} ") or "end of data" in found[-1]):
        return [Problem("cut_file", f"the last line is cut off: {found[-1]}")]
    more = f" and {len(found) - _NAMED_LINES} more" if len(found) > _NAMED_LINES else ""
    return [Problem("bad_line", "; ".join(found[:_NAMED_LINES]) + more)]


def _rows_at_most(text: Path, number: int) -> bool:
    with text.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in islice((line for line in file if line.strip("\r\n")), number + 1)) <= number


def _delimiter(text: Path, quote: str) -> str:
    """The candidate that cuts the first lines into the most fields, as evenly as any; a comma when none does."""

    def fit(candidate: str) -> tuple[float, int]:
        with text.open(encoding="utf-8", newline="") as file:
            head = file.read(1 << 18)
        reader = csv.reader(head.splitlines(keepends=True), delimiter=candidate, **_quoting(quote))
        try:
            widths = [len(row) for row in islice(reader, 200) if row]
        except csv.Error:
            return 0.0, 0
        usual = max(set(widths), key=widths.count) if widths else 0
        return (widths.count(usual) / len(widths) if usual > 1 else 0.0), usual

    fits = {candidate: fit(candidate) for candidate in CANDIDATES}
    best = max(CANDIDATES, key=lambda candidate: (round(fits[candidate][0], 1), fits[candidate][1]))
    return best if fits[best][0] > 0 else ","
