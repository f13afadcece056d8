"""What a format hands over, and the Parquet it writes for flat ones. Which columns are needed is for `files` to say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from hrorch_pipelines.systems.json_paths import encode
from hrorch_pipelines.systems.raw import Problem

LINE = "_line"
BATCH = 20_000
"""Rows handled at a time where a format is read in Python."""


@dataclass(frozen=True)
class Parsed:
    """One file read. `duplicates` are column names that occurred more than once (the later ones renamed)."""

    shape: Literal["nested", "flat"]
    rows: int
    columns: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    duplicates: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None


def column_names(header: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Unique names for a header, and those that were not: `Id, id` → `Id, id (2)` (engines ignore letter case).

    White space around a name is dropped; a nameless column is called by its position.
    """
    taken: dict[str, int] = {LINE: 1}
    names, duplicates = [], []
    for position, written in enumerate(header, 1):
        name = written.replace("\ufeff", "").replace("\xa0", " ").strip() or f"column_{position}"
        count = taken[name.lower()] = taken.get(name.lower(), 0) + 1
        if count > 1:
            duplicates.append(name)
            name = f"{name} ({count})"
        names.append(name)
    return tuple(names), tuple(dict.fromkeys(duplicates))


class FlatWriter:
    """Writes rows as a Parquet file: `_line` and VARCHAR columns."""

    def __init__(self, out: Path, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self.schema = pa.schema([(LINE, pa.int64()), *((name, pa.string()) for name in columns)])
        self.rows = 0
        self._writer = pq.ParquetWriter(out, self.schema, compression="zstd", compression_level=1)

    def __enter__(self) -> FlatWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def add(self, columns: Sequence[Any], lines: Iterable[int]) -> None:
        """Add rows given as one sequence or Arrow array of texts per column, and their lines in the source."""
        arrays = [column if isinstance(column, pa.Array) else pa.array(column, pa.string()) for column in columns]
        batch = pa.record_batch([pa.array(lines, pa.int64()), *arrays], schema=self.schema)
        self._writer.write_batch(batch)
        self.rows += batch.num_rows

    def add_rows(self, rows: Sequence[Sequence[str | None]], lines: Iterable[int]) -> None:
        """Add rows given as one sequence of texts per row; all as long as there are columns."""
        if rows:
            self.add(list(zip(*rows, strict=True)), lines)


def write_nested(out: Path, records: Iterable[Any]) -> int:
    """Write records as JSON Lines; returns how many."""
    count = 0
    with out.open("w", encoding="utf-8", newline="\n") as file:
        for count, record in enumerate(records, 1):  # noqa: B007  (the count is what is returned)
            file.write(encode(record) + "\n")
    return count
