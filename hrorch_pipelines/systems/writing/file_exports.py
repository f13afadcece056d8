"""The newest export of a system known by its files, mapped whole as a snapshot would, to look up single records in.

It is read again only when another file, or other bytes, lie there. Nothing of it stays on disk.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from hrorch_pipelines.clock import Clock, local_date
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import FileRead, Record
from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.systems.files import ENDINGS, FilesConnector
from hrorch_pipelines.systems.mapping import MappingFault, map_records
from hrorch_pipelines.systems.raw import SystemUnavailable
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.file_drops import Drops
from hrorch_pipelines.systems.writing.in_force import row_in_force, rows_of
from hrorch_pipelines.systems.writing.places import Shape, steps_of, text_of, value_at
from hrorch_pipelines.systems.writing.protocol import Held, Write, WriteFault
from hrorch_pipelines.systems.writing.remap import ABOUT, Mapped, Remap, mapped


@dataclass(frozen=True)
class ExportRow:
    """A record of the export as it stands there."""

    source: Mapping[str, Any] = field(repr=False)
    effective_from: Any = None


class Exports:
    """Newest export per record type of one system."""

    def __init__(self, stack: Stack, system: str, clock: Clock, key: bytes, drops: Drops) -> None:
        self.stack, self.name, self.clock, self.key = stack, system, clock, key
        self.system = stack.systems[system]
        self._drops = drops
        self._con = duckdb.connect()
        self._con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        self._states: dict[str, Any] = {}
        self._remaps: dict[Shape, Remap] = {}

    def held(self, write: Write) -> Held:
        """The record a write is about, as of the newest export. Raises WriteFault `not_done` without a whole one."""
        record = self.system.records[write.record]
        if record.explode:
            raise unwritable("no_write", f"{write.record}: a piece of a record cannot be sent in a change file")
        self._refresh(write.record, record)
        mapped, sources = self._rows(write, record)
        zone = self.system.time_zone or self.stack.organization.time_zone
        chosen = row_in_force(
            rows_of(mapped, write.source_id),
            effective=record.effective is not None,
            child=record.parent is not None,
            day=write.effective_from or local_date(self.clock.now(), zone),
        )
        if chosen is None:
            return Held(found=False)
        raw = ExportRow(sources[chosen.row], chosen.effective_from)
        return Held(True, chosen.values, chosen.version, chosen.updated_by, chosen.updated_at, raw)

    def blank(self, write: Write) -> ExportRow:
        """A record of which nothing is known; for previews."""
        record = self.system.records[write.record]
        if self.shape(write.record) == "nested":
            return ExportRow({})
        return ExportRow(dict.fromkeys(path for one in record.maps() for path in one.read_from))

    def remap(self, record: str) -> Remap:
        """What turns values of this record type round."""
        shape = self.shape(record)
        if shape not in self._remaps:
            self._remaps[shape] = Remap(self.stack, self.name, self.key, shape)
        return self._remaps[shape]

    def shape(self, record: str) -> Shape:
        """Whether a record is a line or a document."""
        read = self.system.records[record].read
        if not isinstance(read, FileRead):
            raise TypeError(f"{self.name}.{record} is not declared for files")
        kind = read.format or ENDINGS.get(Path(read.path).suffix.lower())
        return "nested" if kind in {"json", "jsonl"} else "flat"

    def texts(self, record: str, row: ExportRow, paths: Iterable[str]) -> dict[str, str | None]:
        """What stands at these paths, as text."""
        shape = self.shape(record)
        return {path: text_of(value_at(row.source, steps_of(path, shape, path))) for path in dict.fromkeys(paths)}

    def close(self) -> None:
        """Give the memory back."""
        self._con.close()
        for remap in self._remaps.values():
            remap.close()

    def _refresh(self, name: str, record: Record) -> None:
        read = record.read
        state = self._drops.find(read.path) if isinstance(read, FileRead) else None
        if name in self._states and self._states[name] == state:
            return
        connector = FilesConnector(self.name, self.system, self.clock, self.stack.folder)
        try:
            with tempfile.TemporaryDirectory() as scratch:
                raw = connector.read(name, into=Path(scratch), until=self.clock.now())
                if not raw.report.complete:
                    codes = ", ".join(sorted({problem.code for problem in raw.report.problems if problem.fatal}))
                    raise fault("export_not_whole", f"{name}: the newest export is not whole ({codes})", "not_done")
                out = Path(scratch) / "mapped.parquet"
                map_records(self._con, self.stack, self.name, name, raw, out, self.key)
                self._con.execute(
                    f"CREATE OR REPLACE TABLE {ident(name)} AS SELECT * FROM read_parquet($out)", {"out": str(out)}
                )
        except SystemUnavailable as away:
            raise WriteFault(away.code, away.what, outcome="not_done", remedy=away.remedy) from None
        except MappingFault as wrong:
            raise WriteFault("mapping", wrong.what, outcome="not_done", remedy=wrong.remedy) from None
        self._states[name] = state

    def _rows(self, write: Write, record: Record) -> tuple[list[Mapped], dict[int, Mapping[str, Any]]]:
        wanted = [change.attribute for change in write.changes]
        cells = ", ".join([ident("raw"), *map(ident, ABOUT), *(f"CAST({ident(name)} AS VARCHAR)" for name in wanted)])
        owner = "source_id" if record.parent is None else "parent_id"
        found = self._con.execute(
            f"SELECT {cells} FROM {ident(write.record)} WHERE {owner} = $source_id ORDER BY row_id",
            {"source_id": write.source_id},
        ).fetchall()
        rows = [mapped(row, wanted) for _, *row in found]
        return rows, {row.row: json.loads(raw) for row, (raw, *_) in zip(rows, found, strict=True)}
