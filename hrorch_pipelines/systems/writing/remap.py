"""A source record, read again for a write, as canonical texts: by the very statement that maps snapshots.

A push maps each record three times, and planning the statement costs ten times what running it does: so it is prepared
once, with the stack file's values written into it, and reads the records from a small table of this module's own.

What a canonical text becomes in the source's own terms is `unmap`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.sql import ident, literal
from hrorch_pipelines.systems.json_paths import encode
from hrorch_pipelines.systems.mapping.compile import compile_record
from hrorch_pipelines.systems.mapping.errors import FieldFault
from hrorch_pipelines.systems.mapping.sources import Source
from hrorch_pipelines.systems.mapping.statement import Statement
from hrorch_pipelines.systems.raw import RawRecords, ReadReport
from hrorch_pipelines.systems.writing.places import Shape, text_of

ABOUT = (
    "row_id", "source_id", "parent_id", "effective_from", "effective_to", "sequence", "source_updated_at",
    "source_updated_by", "source_version", "deleted", "hidden", "faults",
)  # fmt: skip
"""Columns of a mapped row, before its attributes."""
_FILL_RECORDS = """INSERT INTO given SELECT CAST(unnest($records::VARCHAR[]) AS JSON), NULL,
                                 generate_subscripts($records::VARCHAR[], 1) - 1"""
_FILL_CELLS = (
    "INSERT INTO given SELECT NULL, unnest($cells::VARCHAR[][]), generate_subscripts($cells::VARCHAR[][], 1) - 1"
)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Mapped:
    """One mapped row. `row` is its place among the source records (with `explode`: among all their elements).

    `values` holds canonical texts of the attributes asked for; one that is hidden or cannot be converted is absent.
    """

    row: int
    source_id: str | None
    parent_id: str | None
    effective_from: date | None
    effective_to: date | None
    sequence: int | None
    updated_at: datetime | None
    updated_by: str | None = field(repr=False)
    version: str | None
    deleted: bool
    hidden: frozenset[str]
    faulty: frozenset[str]
    values: Mapping[str, str | None] = field(repr=False)


def mapped(row: Sequence[Any], wanted: Sequence[str]) -> Mapped:
    """The row whose cells are those of ABOUT, then the wanted attributes as text."""
    told = dict(zip(ABOUT, row, strict=False))
    hidden, faulty = frozenset(told["hidden"]), frozenset(fault["attribute"] for fault in told["faults"])
    values = dict(zip(wanted, row[len(ABOUT) :], strict=True))
    return Mapped(
        row=int(told["row_id"]),
        source_id=told["source_id"],
        parent_id=told["parent_id"],
        effective_from=told["effective_from"],
        effective_to=told["effective_to"],
        sequence=told["sequence"],
        updated_at=told["source_updated_at"],
        updated_by=told["source_updated_by"],
        version=told["source_version"],
        deleted=bool(told["deleted"]),
        hidden=hidden,
        faulty=faulty,
        values={name: value for name, value in values.items() if name not in hidden | faulty},
    )


class Remap:
    """Maps records of one system, a few at a time, in a DuckDB of its own. Statements are compiled once each."""

    def __init__(self, stack: Stack, system: str, key: bytes, shape: Shape | None = None) -> None:
        connector = stack.systems[system].connector
        self.stack, self.system, self.key = stack, system, key
        self.shape: Shape = shape or ("flat" if connector in {"sql", "files"} else "nested")
        self.con = duckdb.connect(":memory:")
        self.con.execute("SET TimeZone = 'UTC'; SET threads = 1; PRAGMA disable_optimizer")  # rows are few
        self.con.execute("CREATE TABLE given (record JSON, cells VARCHAR[], place BIGINT)")
        self._prepared: dict[tuple[str, tuple[str, ...], tuple[str, ...]], str] = {}

    def rows(
        self, record: str, documents: Sequence[Mapping[str, Any]], attributes: Iterable[str] | None = None
    ) -> list[Mapped]:
        """Map source records; only `attributes` when given, which is quicker. Raises MappingFault as a snapshot would."""
        declared = self.stack.systems[self.system].records[record]
        wanted = tuple(sorted(set(declared.fields if attributes is None else attributes) & set(declared.fields)))
        columns = tuple(documents[0]) if self.shape == "flat" and documents else ()
        name = self._statement(record, wanted, columns)
        self.con.execute("DELETE FROM given")
        if self.shape == "flat":
            cells = [[text_of(document[column]) for column in columns] for document in documents]
            self.con.execute(_FILL_CELLS, {"cells": cells})
        else:
            self.con.execute(_FILL_RECORDS, {"records": [encode(_as_read(document)) for document in documents]})
        return [mapped(row, wanted) for row in self.con.execute(f"EXECUTE {name}").fetchall()]

    def close(self) -> None:
        """Give the memory back."""
        self.con.close()

    def _statement(self, record: str, wanted: tuple[str, ...], columns: tuple[str, ...]) -> str:
        """The name of the prepared statement; made when first asked for."""
        name = self._prepared.get((record, wanted, columns))
        if name is None:
            report = ReadReport(_NEVER, _NEVER, "full", 0, 0, None)
            raw = RawRecords(Path("record"), self.shape, 1, columns, report)
            stack = _narrowed(self.stack, self.system, record, wanted)
            compiled = compile_record(self.con, stack, self.system, record, raw, self.key, _Given)
            steps = compiled.mapped.rpartition("\nSELECT ")[0].rpartition(",\nhashed AS (")[0]
            asked = ", ".join(
                [*map(ident, ABOUT), *(f"CAST({ident(one)} AS VARCHAR) AS {ident(one)}" for one in wanted)]
            )
            sql = f"{steps}\nSELECT {asked}\nFROM finished\nORDER BY row_id"
            name = ident(f"mapping {len(self._prepared)}")
            self.con.execute(f"PREPARE {name} AS {_written_out(sql, compiled.params)}")
            self._prepared[record, wanted, columns] = name
        return name


class _Given(Source):
    """Records handed over as a parameter instead of a file."""

    @classmethod
    def open(cls, con: duckdb.DuckDBPyConnection, raw: RawRecords, statement: Statement, explode: str | None) -> Source:
        del con
        if raw.shape == "flat" and explode:
            raise FieldFault("explode", "a flat row holds no lists", remedy="remove `explode`")
        return cls(raw, statement, explode, raw.columns)

    def documents(self) -> str:
        return "(SELECT record AS json FROM given ORDER BY place)"

    def lines(self) -> str:
        cells = "".join(f"cells[{place}], " for place in range(1, len(self.file_columns) + 1))
        return f"(SELECT {cells}place FROM given)"


def canonical(
    stack: Stack, system: str, record: str, raw: Mapping[str, Any], key: bytes, remap: Remap | None = None
) -> dict[str, str | None]:
    """One record's canonical texts, as a snapshot would read them; absent where they cannot be told.

    Give the target's own `remap` where there are many records. A record that `where` leaves out has no values.
    """
    own = remap or Remap(stack, system, key)
    try:
        return next((dict(row.values) for row in own.rows(record, [raw])), {})
    finally:
        if remap is None:
            own.close()


def _narrowed(stack: Stack, system: str, record: str, wanted: tuple[str, ...]) -> Stack:
    """The stack with only some of a record's fields: each costs milliseconds a record."""
    declared = stack.systems[system]
    fields = {name: field_map for name, field_map in declared.records[record].fields.items() if name in wanted}
    narrowed = declared.records[record].model_copy(update={"fields": fields})
    records = {**declared.records, record: narrowed}
    return stack.model_copy(
        update={"systems": {**stack.systems, system: declared.model_copy(update={"records": records})}}
    )


def _written_out(sql: str, params: Mapping[str, Any]) -> str:
    """The statement with its parameters as literals: they are the stack file's words, never a person's."""
    return re.sub(r"\$(\w+)", lambda found: _literal(params[found[1]]) if found[1] in params else found[0], sql)


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, bytes):
        return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB"
    return literal(value) if isinstance(value, str) else str(value)


def _as_read(value: Any) -> Any:
    """A record as the reader writes it down: numbers with a fraction as text (`json_paths.decode`)."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _as_read(inner) for name, inner in value.items()}
    return [_as_read(inner) for inner in value] if isinstance(value, list) else value
