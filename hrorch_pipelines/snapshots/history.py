"""History: every version of every record and when we knew it. What differs is found in `delta`, what changed in `changes`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from hrorch_pipelines.snapshots.catalogue import folder_of
from hrorch_pipelines.snapshots.changes import collect_pairs, write_changes
from hrorch_pipelines.snapshots.delta import find_delta, forget_delta
from hrorch_pipelines.snapshots.errors import SnapshotDamaged, SnapshotOutOfOrder
from hrorch_pipelines.snapshots.manifest import Manifest, RecordFacts
from hrorch_pipelines.snapshots.tables import SCHEMA, attributes_of, comparable, make_room, remember_mapping
from hrorch_pipelines.snapshots.trust import require_trusted
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.columns import attribute_columns, record_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import engine_errors, transaction
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import ident, literal, record_table


@dataclass(frozen=True)
class IngestResult:
    """What a snapshot brought, in records. new + changed + unchanged + deleted = the snapshot's rows.

    `gone` were held before and are absent now or marked deleted; `deleted` are rows that carry such a mark.
    """

    new: int = 0
    changed: int = 0
    gone: int = 0
    unchanged: int = 0
    deleted: int = 0

    def __add__(self, other: IngestResult) -> IngestResult:
        return IngestResult(
            self.new + other.new,
            self.changed + other.changed,
            self.gone + other.gone,
            self.unchanged + other.unchanged,
            self.deleted + other.deleted,
        )

    @property
    def rows(self) -> int:
        return self.new + self.changed + self.unchanged + self.deleted


def ingest(con: duckdb.DuckDBPyConnection, stack: Stack, home: Home, manifest: Manifest, cycle: Cycle) -> IngestResult:
    """Bring one trusted snapshot into history, in a transaction of its own (do not call it inside one).

    The first snapshot of a system is the baseline and writes no change rows; neither does an attribute whose mapping
    changed since the last snapshot, because then it is we who read it otherwise. A snapshot ingested before changes
    nothing. A record type the snapshot does not have is left as it is: not asked for is not gone.
    Raises SnapshotRefused, SnapshotOutOfOrder, SnapshotDamaged, WarehouseError.
    """
    require_trusted(manifest)
    with transaction(con, f"history of {manifest.system}"):
        con.execute(cycles.SCHEMA)
        con.execute(SCHEMA)
        previous = _last_ingested(con, manifest.system)
        if manifest.snapshot_id in ingested(con, manifest.system):
            return IngestResult(unchanged=sum(facts.rows for facts in manifest.records.values()))
        if previous and previous[1] >= manifest.observed_at:
            raise SnapshotOutOfOrder(manifest.snapshot_id, previous[0])
        result = IngestResult()
        for record, facts in manifest.records.items():
            result += _Ingest(con, stack, manifest, cycle, previous, record, facts).run(
                folder_of(home, manifest) / facts.file
            )
        con.execute(
            "INSERT INTO history.snapshots VALUES (?, ?, ?, ?, ?, ?)",
            [
                manifest.snapshot_id,
                manifest.system,
                manifest.observed_at,
                previous and previous[0],
                result.rows,
                cycle.now,
            ],
        )
    return result


def ingested(con: duckdb.DuckDBPyConnection, system: str | None = None) -> set[str]:
    """Ids of the snapshots in history, of one system or of all."""
    if not has_table(con, "history", "snapshots"):
        return set()
    rows = con.execute(
        "SELECT snapshot_id FROM history.snapshots WHERE $system IS NULL OR system = $system", {"system": system}
    ).fetchall()
    return {row[0] for row in rows}


def as_of_sql(stack: Stack, system: str, record: str, known_at: datetime) -> str:
    """A SELECT of a record type's rows as they were known at a moment: the columns of `record_columns`, `snapshot_id`."""
    moment = f"TIMESTAMPTZ {literal(known_at.astimezone(UTC).isoformat())}"
    columns = ", ".join(ident(name) for name in [*record_columns(stack, system, record), "snapshot_id"])
    return (
        f"SELECT {columns} FROM {record_table('history', system, record)} "
        f"WHERE valid_from <= {moment} AND (valid_to IS NULL OR valid_to > {moment})"
    )


def as_of(
    con: duckdb.DuckDBPyConnection, stack: Stack, system: str, record: str, known_at: datetime
) -> duckdb.DuckDBPyRelation:
    """The rows of a record type known at a moment, as a relation that is read when used.

    Raises WarehouseError (`catalog`) for a record type that no snapshot has brought yet.
    """
    with engine_errors(f"history of {system}.{record}"):
        return con.sql(as_of_sql(stack, system, record, known_at))


def _last_ingested(con: duckdb.DuckDBPyConnection, system: str) -> tuple[str, datetime] | None:
    row = con.execute(
        "SELECT snapshot_id, observed_at FROM history.snapshots WHERE system = ? ORDER BY observed_at DESC LIMIT 1",
        [system],
    ).fetchone()
    return (row[0], row[1]) if row else None


@dataclass(frozen=True)
class _Ingest:
    """One record type of one snapshot on its way into history."""

    con: duckdb.DuckDBPyConnection
    stack: Stack
    manifest: Manifest
    cycle: Cycle
    previous: tuple[str, datetime] | None
    record: str
    facts: RecordFacts

    @property
    def table(self) -> str:
        return record_table("history", self.manifest.system, self.record)

    def run(self, file: Path) -> IngestResult:
        if not file.is_file():
            raise SnapshotDamaged(self.manifest.snapshot_id, self.record, f"{file.name} is missing")
        system = self.manifest.system
        make_room(self.con, system, self.record, self._attributes())
        allowed = comparable(self.con, system, self.record, self.facts)
        find_delta(self.con, self.table, file)
        result = self._count(file)
        if result.new or result.changed or result.gone:
            if not allowed.baseline:
                collect_pairs(self.con, allowed.attributes)
                write_changes(self.con, self.table, allowed.attributes, self._heading())
            self._replace_versions()
            self._touch()
        remember_mapping(self.con, system, self.record, self.facts, self.manifest.snapshot_id)
        forget_delta(self.con)
        for name in ("pairs", "last_known"):
            self.con.execute(f"DROP TABLE IF EXISTS temp.{name}")
        return result

    def _attributes(self) -> dict[str, str]:
        """What the stack file maps now and what this snapshot has; where they differ in type, the file is right."""
        declared = self.stack.systems.get(self.manifest.system)
        mapped = (
            attribute_columns(self.stack, self.manifest.system, self.record)
            if declared and self.record in declared.records
            else {}
        )
        return {**mapped, **attributes_of(self.facts)}

    def _heading(self) -> dict[str, object]:
        return {
            "system": self.manifest.system,
            "record": self.record,
            "observed_at": self.manifest.observed_at,
            "previous_observed_at": self.previous and self.previous[1],
            "snapshot_id": self.manifest.snapshot_id,
        }

    def _count(self, file: Path) -> IngestResult:
        """Count each fate, and make sure that the file is the one the manifest speaks of."""
        rows, deleted, held = self._one(
            f"SELECT count(*), count(*) FILTER (WHERE deleted), (SELECT count(*) FROM {self.table} WHERE valid_to IS NULL) "
            f"FROM read_parquet({literal(str(file))})"
        )
        new, changed, gone = self._one(
            "SELECT count(*) FILTER (WHERE kind = 'created'), count(*) FILTER (WHERE kind = 'updated'), "
            "count(*) FILTER (WHERE kind = 'removed') FROM delta"
        )
        result = IngestResult(new=new, changed=changed, gone=gone, unchanged=held - changed - gone, deleted=deleted)
        if rows != self.facts.rows or result.rows != rows:
            raise SnapshotDamaged(
                self.manifest.snapshot_id,
                self.record,
                f"the manifest says {self.facts.rows} rows, the file has {rows}, of which {result.rows} are accounted for",
            )
        return result

    def _replace_versions(self) -> None:
        moment = {"observed_at": self.manifest.observed_at}
        self.con.execute(
            f"UPDATE {self.table} SET valid_to = $observed_at WHERE rowid IN (SELECT version FROM delta)", moment
        )
        columns = [name for name in self.facts.columns if name != "raw"]
        listed = ", ".join(ident(name) for name in columns)
        self.con.execute(
            f"INSERT INTO {self.table} BY NAME SELECT {listed}, $snapshot_id AS snapshot_id, $observed_at AS valid_from "
            "FROM after WHERE kind <> 'removed'",
            {**moment, "snapshot_id": self.manifest.snapshot_id},
        )

    def _touch(self) -> None:
        """Name the records later stages must look at again; a child by its parents, the old one and the new."""
        self.con.execute(
            """
            INSERT INTO cycles.touched_records
            SELECT DISTINCT $cycle_id, $system, $record, parent_id
            FROM (SELECT parent_id, source_id FROM before UNION ALL SELECT parent_id, source_id FROM after)
            """,
            {"cycle_id": self.cycle.cycle_id, "system": self.manifest.system, "record": self.record},
        )

    def _one(self, query: str) -> tuple[int, int, int]:
        row = self.con.execute(query).fetchone()
        assert row is not None, "an aggregate always answers with one row"  # noqa: S101
        return row[0], row[1], row[2]
