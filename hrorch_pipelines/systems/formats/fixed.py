"""Fixed width: so many characters per column. Values keep their padding; `trim` of a field takes it off."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.formats.delimited import first_record_row
from hrorch_pipelines.systems.formats.encodings import as_utf8
from hrorch_pipelines.systems.formats.parsed import BATCH, FlatWriter, Parsed, column_names
from hrorch_pipelines.systems.raw import Problem


def parse(source: Path, read: FileRead, out: Path) -> Parsed:
    """Read a fixed-width file. Raises ReadFault when `widths` is not declared or does not fit `columns`.

    A line may end early where blanks were cut off its end; text beyond the last column is a fatal problem.
    """
    if not read.widths:
        raise ReadFault("wrong_format", "a fixed-width file needs `widths`")
    text = as_utf8(source, read.encoding, out.with_suffix(".utf8"))
    with text.path.open(encoding="utf-8", newline="") as file:
        lines = file.read().replace("\r\n", "\n").split("\n")
    unended = lines[-1] != ""
    lines = lines if unended else lines[:-1]
    ends = list(accumulate(read.widths))
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    skip = first_record_row(read)
    if not read.columns and not 0 < skip <= len(lines):
        raise ReadFault("missing_column", "the file has no header: name its `columns` in the stack file")
    header = read.columns or [lines[skip - 1][start:end] for start, end in spans]
    if len(header) != len(spans):
        raise ReadFault("wrong_format", f"{len(header)} `columns` but {len(spans)} `widths`")
    columns, duplicates = column_names(header)
    body = [(number, line) for number, line in enumerate(lines, 1) if number > skip and line.strip()]
    body = body[: len(body) - read.footer_rows]
    problems = [
        Problem("bad_line", f"line {number} is longer than the columns")
        for number, line in body
        if line[ends[-1] :].strip()
    ]
    usual = max((len(line) for _, line in body[:-1]), default=0)
    if body and unended and len(body[-1][1]) < min(usual, ends[-1]) and not read.footer_rows:
        problems.append(Problem("cut_file", f"line {body[-1][0]}, the last, is cut off"))
    with FlatWriter(out, columns) as writer:
        for at in range(0, len(body), BATCH):
            batch = body[at : at + BATCH]
            writer.add_rows(
                [[line[start:end] for start, end in spans] for _, line in batch], [number for number, _ in batch]
            )
    return Parsed("flat", writer.rows, columns, (*text.problems, *problems[:10]), duplicates, text.encoding)
