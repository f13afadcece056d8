"""Reads exports: finds the file, fetches it, gives it to its format, and checks that the columns needed are there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.systems import FileRead, System
from hrorch_pipelines.systems.columns_needed import column_problems
from hrorch_pipelines.systems.errors import ReadFault, unavailable
from hrorch_pipelines.systems.file_places import Place, opened
from hrorch_pipelines.systems.formats.parsed import LINE, Parsed
from hrorch_pipelines.systems.raw import Problem, RawRecords, ReadReport

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".ldif": "ldif",
}


@dataclass
class FilesConnector:
    """One system known by its exports. `folder` is the stack file's: relative paths start there."""

    name: str
    system: System
    clock: Clock
    folder: Path

    def check(self) -> None:
        """Read the newest file of every record type, to see that it can be read and has the columns that are mapped.

        Raises SystemUnavailable with everything that would stop a snapshot.
        """
        try:
            with opened(self.system, self.folder) as place, tempfile.TemporaryDirectory() as scratch:
                wrong = [
                    problem
                    for number, record in enumerate(self.system.records)
                    for problem in self._problems(place, record, _own_folder(Path(scratch), number))
                ]
        except ReadFault as fault:
            raise unavailable(self.name, fault) from fault
        if wrong:
            raise unavailable(self.name, ReadFault(wrong[0].code, "; ".join(problem.detail for problem in wrong)))

    def read(self, record: str, *, into: Path, until: datetime, since: datetime | None = None) -> RawRecords:
        """Read one record type whole; files know no windows. See `raw.Connector`."""
        del until, since
        started = self.clock.now()
        with tempfile.TemporaryDirectory(dir=into) as scratch:
            try:
                with opened(self.system, self.folder) as place:
                    paths = self._chosen(place, record)
                    local = [place.fetch(path, _own_folder(Path(scratch), n)) for n, path in enumerate(paths)]
                parts = [self._parsed(record, path, path.parent / f"parsed.{n}") for n, path in enumerate(local)]
            except ReadFault as fault:
                raise unavailable(self.name, fault) from fault
            whole, path = _joined(parts, into / record)
        problems = list(whole.problems)
        if whole.rows == 0 and not any(problem.fatal for problem in problems):
            problems.append(Problem("empty_answer", f"{record}: the file has no records", fatal=False))
        report = ReadReport(
            started_at=started,
            ended_at=self.clock.now(),
            mode="full",
            pages=len(paths),
            requests=len(paths),
            claimed_rows=None,
            problems=tuple(problems),
            encoding=whole.encoding,
            delimiter=whole.delimiter,
        )
        return RawRecords(path, whole.shape, whole.rows, whole.columns, report)

    def _chosen(self, place: Place, record: str) -> list[str]:
        read = self._read_of(record)
        paths = place.matching(read.path)
        if not paths:
            raise ReadFault("no_file", f"{record}: no file matches `{read.path}`")
        return paths[-1:] if read.newest_only else paths

    def _problems(self, place: Place, record: str, folder: Path) -> list[Problem]:
        newest = place.fetch(self._chosen(place, record)[-1], folder)
        parsed, _ = self._parsed(record, newest, folder / "parsed")
        return [problem for problem in parsed.problems if problem.fatal]

    def _parsed(self, record: str, source: Path, out: Path) -> tuple[Parsed, Path]:
        declared, read = self.system.records[record], self._read_of(record)
        try:
            parsed = parser_of(read, source)(source, read, out)
        except ReadFault as fault:
            raise ReadFault(fault.code, f"{record}: {source.name}: {fault.detail}") from fault
        flat = parsed.shape == "flat"
        columns = column_problems(declared, parsed.columns, parsed.duplicates) if flat else []
        problems = (*parsed.problems, *columns)
        told = tuple(replace(problem, detail=f"{record}: {source.name}: {problem.detail}") for problem in problems)
        return replace(parsed, problems=told), out

    def _read_of(self, record: str) -> FileRead:
        read = self.system.records[record].read
        if not isinstance(read, FileRead):
            raise TypeError(f"{self.name}.{record} is not declared for files")
        return read


def parser_of(read: FileRead, source: Path) -> Callable[[Path, FileRead, Path], Parsed]:
    """The format's reader, by `format` or the file's ending. Raises ReadFault `wrong_format`."""
    kind = read.format or ENDINGS.get(source.suffix.lower())
    match kind:
        case "csv":
            from hrorch_pipelines.systems.formats.delimited import parse
        case "xlsx":
            from hrorch_pipelines.systems.formats.xlsx import parse
        case "json":
            from hrorch_pipelines.systems.formats.jsons import parse
        case "jsonl":
            from hrorch_pipelines.systems.formats.jsons import parse_lines as parse
        case "fixed":
            from hrorch_pipelines.systems.formats.fixed import parse
        case "parquet":
            from hrorch_pipelines.systems.formats.parquets import parse
        case "ldif":
            from hrorch_pipelines.systems.formats.ldif import parse
        case _:
            raise ReadFault("wrong_format", f"the ending `{source.suffix}` tells no format")
    return parse


def _joined(parts: list[tuple[Parsed, Path]], target: Path) -> tuple[Parsed, Path]:
    """Several files as one, in the order of their names. Flat ones must have the same columns."""
    first = parts[0][0]
    target = target.with_suffix(".jsonl" if first.shape == "nested" else ".parquet")
    problems = [problem for part, _ in parts for problem in part.problems]
    if len(parts) == 1:
        parts[0][1].replace(target)
    elif first.shape == "nested":
        with target.open("wb") as whole:
            for _, path in parts:
                with path.open("rb") as lines:
                    shutil.copyfileobj(lines, whole, 1 << 20)
    else:
        same = all(sorted(part.columns) == sorted(first.columns) for part, _ in parts)
        if not same:
            problems.append(Problem("missing_column", "the files do not have the same columns"))
        with duckdb.connect() as con:
            con.execute("SET enable_progress_bar = false")
            listed = ", ".join("'" + str(path).replace("'", "''") + "'" for _, path in parts)
            con.execute(
                f"COPY (SELECT * FROM read_parquet([{listed}], union_by_name = true)) "
                f"TO '{str(target).replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd)"
            )
    columns = tuple(dict.fromkeys(name for part, _ in parts for name in part.columns if name != LINE))
    return replace(first, rows=sum(part.rows for part, _ in parts), columns=columns, problems=tuple(problems)), target


def _own_folder(scratch: Path, number: int) -> Path:
    folder = scratch / str(number)
    folder.mkdir()
    return folder
