"""Take one snapshot of one system: read, map, measure, judge, and put it in its place in one step. Complete or nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.errors import SnapshotDamaged
from hrorch_pipelines.snapshots.facts import mapped_columns, measure
from hrorch_pipelines.snapshots.fingerprint import field_hashes, mapping_hash, shape_hash
from hrorch_pipelines.snapshots.manifest import Manifest, Note, RecordFacts, TrustFault, snapshot_id, write_manifest
from hrorch_pipelines.snapshots.scratch import alone_with
from hrorch_pipelines.snapshots.trust import judge
from hrorch_pipelines.snapshots.window import complete, window_start
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import tombstones
from hrorch_pipelines.storage.durable import move_folder
from hrorch_pipelines.storage.engine import connect, engine_errors
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.systems.raw import Connector, Problem, RawRecords, SystemUnavailable


def observe(stack: Stack, system: str, home: Home, clock: Clock, *, connector: Connector | None = None) -> Manifest:
    """Take a snapshot; returns its manifest, trusted or not, so that the caller goes on with other systems.

    `connector` is for tests and replays; by default the stack file decides. Whatever stops the read in a way the
    system's owner can mend becomes a fault of an untrusted snapshot, kept under `untrusted/`. A crash at any point leaves
    nothing behind but scratch. Raises ObservationRunning when another process is observing the same system.
    """
    with alone_with(home, system) as scratch:
        previous, latest = catalogue.baseline(home, system), catalogue.latest(home, system)
        snapshot = _Snapshot(stack, system, home, clock.now(), previous, scratch)
        with connect(None, temporary=home.scratch / "duckdb", memory_limit="40%", keep_order=True) as con:
            snapshot.read_all(con, connector, clock)
        moment = _moment(home, system, clock.now())
        faults = [*_clock_went_back(latest, moment), *snapshot.judge()]
        manifest = Manifest(
            snapshot_id=snapshot_id(system, moment),
            system=system,
            owner=stack.systems[system].owner,
            started_at=snapshot.started_at,
            observed_at=moment,
            trusted=not faults,
            faults=tuple(faults),
            records=snapshot.records,
            previous=previous.snapshot_id if previous else None,
            stack_hash=stack.content_hash,
        )
        write_manifest(snapshot.folder, manifest)
        move_folder(snapshot.folder, catalogue.folder_of(home, manifest))
    return manifest


@dataclass
class _Snapshot:
    """A snapshot being made: what was read so far, and what went wrong."""

    stack: Stack
    system: str
    home: Home
    started_at: datetime
    previous: Manifest | None
    scratch: Path
    records: dict[str, RecordFacts] = field(default_factory=dict)
    faults: list[TrustFault] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.scratch / "snapshot"

    def judge(self) -> list[TrustFault]:
        declared = self.stack.systems[self.system]
        return judge(declared.trust, self.previous, self.records, declared.base_record, self.faults)

    def read_all(self, con: duckdb.DuckDBPyConnection, connector: Connector | None, clock: Clock) -> None:
        """Read record type by record type. A system that is away is not asked again; a faulty record type is told."""
        self.folder.mkdir(parents=True)
        record = None
        try:
            if connector is None:
                from hrorch_pipelines.systems.connect import connector_for

                connector = connector_for(self.stack, self.system, clock)
            for record in self.stack.systems[self.system].records:
                self._read(con, connector, record)
        except SystemUnavailable as away:
            self.faults.append(_fault(away.code, record, away.what, away.remedy))
        except HrorchError as error:
            self.faults.append(_fault(_code(error), record, error.what, error.remedy))

    def _read(self, con: duckdb.DuckDBPyConnection, connector: Connector, record: str) -> None:
        declared = self.stack.systems[self.system].records[record]
        mapping = mapping_hash(self.stack, self.system, record)
        since = window_start(record, declared, mapping, self.previous, self.started_at)
        into = self.scratch / "raw" / record
        into.mkdir(parents=True)
        raw = connector.read(record, into=into, until=self.started_at, since=since)
        self.faults += [_told(problem, record) for problem in raw.report.problems if problem.fatal]
        try:
            with engine_errors(f"{self.system}.{record}"):
                self.records[record] = self._map(con, record, raw, mapping)
        except HrorchError as error:
            if raw.report.complete:
                self.faults.append(_fault(_code(error), record, error.what, error.remedy))
        shutil.rmtree(into)

    def _map(self, con: duckdb.DuckDBPyConnection, record: str, raw: RawRecords, mapping: str) -> RecordFacts:
        """Turn raw records into the snapshot's file and measure it."""
        from hrorch_pipelines.systems.mapping import map_records

        declared = self.stack.systems[self.system].records[record]
        before = self.previous.records.get(record) if self.previous else None
        last = catalogue.folder_of(self.home, self.previous) / before.file if self.previous and before else None
        file = self.folder / f"{record}.parquet"
        if last and self.previous and not last.is_file():
            raise SnapshotDamaged(self.previous.snapshot_id, record, f"{last.name} is missing")
        windowed = raw.report.mode == "window" and last is not None
        mapped = self.scratch / f"{record}.window.parquet" if windowed else file
        counts = map_records(con, self.stack, self.system, record, raw, mapped, self.home.key())
        if windowed and last is not None:
            complete(con, last, mapped, raw.report.removed_ids, file)
        erased = tombstones.leave_out(con, self.home, self.system, file)
        measured = measure(con, file, list(declared.fields), last)
        return RecordFacts(
            file=file.name,
            rows=measured.rows,
            read_rows=raw.rows,
            left_out=counts.left_out + erased,
            childless=counts.childless,
            mode="window" if windowed else "full",
            complete_at=before.complete_at if windowed and before else self.started_at,
            pages=raw.report.pages,
            requests=raw.report.requests,
            claimed_rows=raw.report.claimed_rows,
            removed=len(raw.report.removed_ids),
            content_hash=measured.content_hash,
            columns=measured.columns,
            source_columns=mapped_columns(declared, raw.columns),
            mapping_hash=mapping,
            shape_hash=shape_hash(declared),
            field_hashes=field_hashes(self.stack, self.system, record),
            answered=measured.answered,
            fault_cells=measured.fault_cells,
            keyless=measured.keyless,
            repeated=measured.repeated,
            keys_before=measured.keys_before,
            keys_kept=measured.keys_kept,
            encoding=raw.report.encoding,
            delimiter=raw.report.delimiter,
            notes=(
                *(Note(code=note.code, detail=note.detail) for note in raw.report.problems if not note.fatal),
                *([Note(code="erased", detail=f"{erased} rows of persons who were erased here")] if erased else []),
            ),
        )


def _moment(home: Home, system: str, now: datetime) -> datetime:
    """When the read ended; a microsecond later if a snapshot of that very moment exists."""
    while any((root / system / snapshot_id(system, now)).exists() for root in (home.snapshots, home.untrusted)):
        now += timedelta(microseconds=1)
    return now


def _clock_went_back(previous: Manifest | None, moment: datetime) -> list[TrustFault]:
    if previous is None or moment > previous.observed_at:
        return []
    what = f"the clock says {moment:%Y-%m-%d %H:%M:%S}Z, before the last good snapshot of {previous.observed_at:%Y-%m-%d %H:%M:%S}Z"
    return [
        _fault(
            "clock_went_back", None, what, "set this machine's clock; if the last snapshot was ahead, wait until then"
        )
    ]


def _told(problem: Problem, record: str) -> TrustFault:
    from hrorch_pipelines.systems.errors import remedy_for

    return _fault(problem.code, record, problem.detail, remedy_for(problem.code))


def _fault(code: str, record: str | None, what: str, remedy: str) -> TrustFault:
    return TrustFault(code=code, record=record, what=what, remedy=remedy)


def _code(error: HrorchError) -> str:
    """An error's own code, or the name of its class in the same spelling."""
    code = getattr(error, "code", None)
    return (
        code
        if isinstance(code, str)
        else "".join(f"_{c.lower()}" if c.isupper() else c for c in type(error).__name__)[1:]
    )
