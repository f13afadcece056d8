"""Taking a person's rows, or single values, out of stored snapshots. Whom and why is decided in `audit`."""

from __future__ import annotations

import os
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from hrorch_pipelines.snapshots.facts import measure
from hrorch_pipelines.snapshots.manifest import FILE_NAME, Forgotten, Manifest, RecordFacts, read_manifest
from hrorch_pipelines.snapshots.scratch import alone_with
from hrorch_pipelines.snapshots.tables import attributes_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.durable import sync_file, sync_folder
from hrorch_pipelines.storage.engine import connect, engine_errors
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import ident, literal

Record = tuple[str, str]
"""(system, the system's own id of the base record)."""


@dataclass(frozen=True)
class Count:
    """What was taken out of snapshots: files written anew, rows removed, rows in which values were blanked."""

    files: int = 0
    rows: int = 0
    blanked: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.files + other.files, self.rows + other.rows, self.blanked + other.blanked)


def forget_records(
    home: Home, stack: Stack, records: Collection[Record], texts: Collection[str], now: datetime
) -> Count:
    """Remove every row of these records, child rows included, from all stored snapshots, trusted and refused.

    Rows of others that refer to them (a manager), or whose `raw` holds one of `texts` (their addresses), lose `raw`. Done
    twice is done once; after a crash in the middle the same call finishes. Raises ObservationRunning, WarehouseError.
    """
    return _each_system(home, stack, dict.fromkeys(records, ()), texts, now)


def blank_values(home: Home, stack: Stack, attributes: Mapping[Record, Collection[str]], now: datetime) -> Count:
    """Blank these attributes of these records in all stored snapshots: the cells count as `hidden`, `raw` goes.

    Raises ObservationRunning, WarehouseError.
    """
    return _each_system(home, stack, {record: names for record, names in attributes.items() if names}, (), now)


def _each_system(
    home: Home, stack: Stack, wanted: Mapping[Record, Collection[str]], texts: Collection[str], now: datetime
) -> Count:
    """`wanted`: record → attributes to blank; none means the whole row."""
    grouped: defaultdict[str, list[list[object]]] = defaultdict(list)
    for (system, source_id), attributes in wanted.items():
        grouped[system].append([source_id, not attributes, sorted(attributes)])
    total = Count()
    for system in sorted({*grouped, *(stack.systems if texts else ())}):
        with (
            alone_with(home, system),
            connect(None, temporary=home.scratch / "duckdb", keep_order=True) as con,
            engine_errors(system),
        ):
            con.execute("CREATE TEMP TABLE chosen (id VARCHAR, gone BOOLEAN, blank VARCHAR[])")
            con.execute("CREATE TEMP TABLE texts AS SELECT unnest(?::VARCHAR[]) AS text", [sorted(texts)])
            if grouped[system]:
                con.executemany("INSERT INTO chosen VALUES (?, ?, ?)", grouped[system])
            for folder in _folders(home, system):
                total += _Snapshot(con, stack, folder, now).clean()
    return total


def _folders(home: Home, system: str) -> Iterator[Path]:
    for root in (home.snapshots, home.untrusted):
        folder = root / system
        if folder.is_dir():
            yield from sorted(entry for entry in folder.iterdir() if (entry / FILE_NAME).is_file())


@dataclass(frozen=True)
class _Snapshot:
    """One stored snapshot. Its new files get new names, and the manifest changes over to them in one step."""

    con: duckdb.DuckDBPyConnection
    stack: Stack
    folder: Path
    now: datetime

    def clean(self) -> Count:
        manifest = read_manifest(self.folder)
        total, records = Count(), dict(manifest.records)
        for record, facts in manifest.records.items():
            if not (self.folder / facts.file).is_file():
                continue
            self._mark(self.folder / facts.file, facts)
            found = self._found()
            if found.files:
                made = self.folder / f"{record}.{secrets.token_hex(4)}.parquet"
                self._write(made, facts)
                records[record] = self._measured(made, facts)
                total += found
        if total.files:
            self._change_over(manifest, records, total)
        named = {FILE_NAME, *(facts.file for facts in records.values())}
        for leftover in [entry for entry in self.folder.iterdir() if entry.name not in named]:
            leftover.unlink()
        return total

    def _mark(self, file: Path, facts: RecordFacts) -> None:
        """A view `marked`: the rows, and what is to be done with each."""
        names = attributes_of(facts)
        refers = [
            f"{ident(name)} IN (SELECT id FROM chosen WHERE gone)"
            for name in names
            if name in self.stack.attributes and self.stack.attributes[name].type is AttributeType.PERSON
        ]
        mentions = " OR ".join([*refers, "EXISTS (SELECT 1 FROM texts WHERE contains(lower(raw), lower(text)))"])
        listed = ", ".join(literal(name) for name in names)
        self.con.execute(
            f"""
            CREATE OR REPLACE TEMP VIEW marked AS
            SELECT held.*, coalesce(gone, FALSE) AS "~gone", coalesce({mentions}, FALSE) AS "~mentions",
                   list_intersect(coalesce(blank, []), [{listed}]::VARCHAR[]) AS "~blank"
            FROM read_parquet({literal(str(file))}) AS held
            LEFT JOIN chosen ON chosen.id = coalesce(held.parent_id, held.source_id)"""
        )

    def _found(self) -> Count:
        rows, blanked, mentioned = self.con.execute(
            """
            SELECT count(*) FILTER (WHERE "~gone"),
                   count(*) FILTER (WHERE NOT "~gone" AND len("~blank") > 0
                                    AND (raw IS NOT NULL OR NOT list_has_all(hidden, "~blank"))),
                   count(*) FILTER (WHERE NOT "~gone" AND "~mentions" AND raw IS NOT NULL)
            FROM marked"""
        ).fetchall()[0]
        return Count(int(bool(rows or blanked or mentioned)), rows, blanked)

    def _write(self, made: Path, facts: RecordFacts) -> None:
        cells = "".join(
            f'CASE WHEN NOT list_contains("~blank", {literal(name)}) THEN {ident(name)} END AS {ident(name)}, '
            for name in attributes_of(facts)
        )
        self.con.execute(
            f"""
            COPY (
                SELECT * EXCLUDE ("~gone", "~mentions", "~blank") REPLACE (
                    {cells}
                    list_distinct(list_concat(hidden, "~blank")) AS hidden,
                    list_filter(faults, lambda fault: NOT list_contains("~blank", fault.attribute)) AS faults,
                    CASE WHEN NOT "~mentions" AND len("~blank") = 0 THEN raw END AS raw)
                FROM marked WHERE NOT "~gone" ORDER BY row_id
            ) TO {literal(str(made))} (FORMAT parquet, COMPRESSION zstd)"""
        )
        sync_file(made)

    def _measured(self, made: Path, facts: RecordFacts) -> RecordFacts:
        """The facts that follow from the file, taken anew; how it was read stays as it was."""
        now = measure(self.con, made, list(facts.answered), None)
        taken = ("rows", "content_hash", "answered", "fault_cells", "keyless", "repeated")
        return facts.model_copy(update={"file": made.name, **{name: getattr(now, name) for name in taken}})

    def _change_over(self, manifest: Manifest, records: dict[str, RecordFacts], total: Count) -> None:
        note = Forgotten(at=self.now, rows=total.rows, blanked=total.blanked)
        changed = manifest.model_copy(update={"records": records, "forgotten": (*manifest.forgotten, note)})
        made = self.folder / f"{FILE_NAME}.new"
        made.unlink(missing_ok=True)
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(changed.model_dump_json(indent=1, by_alias=True))
        sync_file(made)
        made.replace(self.folder / FILE_NAME)
        sync_folder(self.folder)
