"""JSON and JSON Lines: records as they are nested; numbers keep every digit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.formats.encodings import as_utf8
from hrorch_pipelines.systems.formats.parsed import Parsed, write_nested
from hrorch_pipelines.systems.json_paths import decode, records_at
from hrorch_pipelines.systems.raw import Problem


def parse(source: Path, read: FileRead, out: Path) -> Parsed:
    """Read one JSON document; `data` says where its records lie. Raises ReadFault."""
    text = as_utf8(source, read.encoding, out.with_suffix(".utf8"))
    try:
        content = decode(text.path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ReadFault("cut_json", f"the JSON ends or breaks in line {error.lineno}") from None
    count = write_nested(out, records_at(read.data, content, "the file"))
    return Parsed("nested", count, problems=text.problems, encoding=text.encoding)


def parse_lines(source: Path, read: FileRead, out: Path) -> Parsed:
    """Read JSON Lines. A line that is no record is a fatal problem; those before it are kept to be looked at."""
    text = as_utf8(source, read.encoding, out.with_suffix(".utf8"))
    problems = list(text.problems)

    def records() -> Iterator[Any]:
        with text.path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    record = decode(line)
                except json.JSONDecodeError:
                    code = "bad_line" if line.endswith("\n") else "cut_file"
                    problems.append(Problem(code, f"line {number} is not whole JSON"))
                    return
                if not isinstance(record, dict):
                    problems.append(Problem("not_records", f"line {number} is not an object"))
                    return
                yield record

    count = write_nested(out, records())
    return Parsed("nested", count, problems=tuple(problems), encoding=text.encoding)
