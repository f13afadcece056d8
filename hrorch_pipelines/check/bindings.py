"""Binds everything in the stack file that is compiled later (mappings, conditions, rules' SQL) against empty tables.

The rooms that run it compile it again; here it is done once for all of it, so that no fault waits for the first run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from hrorch_pipelines.authority.conditions import check_conditions
from hrorch_pipelines.handoffs.conditions import check_handoffs
from hrorch_pipelines.handoffs.expressions import REMEDY
from hrorch_pipelines.stack.faults import Finding
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.rules import GateRule
from hrorch_pipelines.stack.systems import FileRead, Record, SqlRead
from hrorch_pipelines.storage.columns import attribute_columns, record_columns
from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.systems.columns_needed import needed_columns
from hrorch_pipelines.systems.mapping.compile import compile_record
from hrorch_pipelines.systems.mapping.errors import FieldFault, MappingFault
from hrorch_pipelines.systems.mapping.expressions import parse_expression
from hrorch_pipelines.systems.raw import RawRecords, ReadReport

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_PLACES: dict[str, tuple[str, ...]] = {
    "source_id": ("key",),
    "parent_id": ("parent_key",),
    "effective_from": ("effective", "from"),
    "effective_to": ("effective", "to"),
    "sequence": ("effective", "sequence"),
    "source_updated_at": ("changed_at",),
    "source_updated_by": ("changed_by",),
    "source_version": ("version",),
}
_NESTED = {"json", "jsonl", "ldif"}


def binding_faults(stack: Stack) -> Iterator[Finding]:
    """Every mapping, condition and rule that would not compile."""
    with duckdb.connect() as con, tempfile.TemporaryDirectory() as scratch:
        for system, declared in stack.systems.items():
            for record, item in declared.records.items():
                yield from _mapping(con, stack, (system, record), item, Path(scratch))
        con.execute("SET enable_external_access = false")
        for target, gates in stack.gates.items():
            for number, gate in enumerate(gates):
                if isinstance(gate, GateRule):
                    yield from _rule(con, stack, target, number, gate)
    for told in check_conditions(stack):
        key, _, why = told.partition(": ")
        yield Finding(
            tuple(key.split(".")), why, "write one SQL condition over the columns docs/stack-file.md names for it"
        )

    yield from _handoffs(stack)


def _handoffs(stack: Stack) -> Iterator[Finding]:
    """The SQL of handoffs over an empty state of a person, and their letters filled in with nobody's data."""
    for path, why in check_handoffs(stack):
        yield Finding(path, why, REMEDY)
    if stack.handoffs:
        from hrorch_pipelines.systems.making.template_check import template_faults

        for path, why, remedy in template_faults(stack):
            yield Finding(path, why, remedy)


def _mapping(
    con: duckdb.DuckDBPyConnection, stack: Stack, name: tuple[str, str], item: Record, scratch: Path
) -> Iterator[Finding]:
    system, record = name
    raw = _no_records(con, item, scratch)
    try:
        compile_record(con, stack, system, record, raw, b"\0" * 32)
    except MappingFault as wrong:
        for fault in wrong.faults:
            place = (
                ("fields", fault.attribute)
                if fault.attribute in item.fields
                else _PLACES.get(fault.attribute, (fault.attribute,))
            )
            what = fault.what.removeprefix(f"{fault.attribute}: ")
            yield Finding(("systems", system, "records", record, *place), what, fault.remedy)


def _no_records(con: duckdb.DuckDBPyConnection, item: Record, scratch: Path) -> RawRecords:
    """An empty read of the shape the connector hands over; flat ones have every column asked for."""
    report = ReadReport(_EPOCH, _EPOCH, "full", 0, 0, None)
    if not _is_flat(item):
        path = scratch / "none.jsonl"
        path.write_text("", encoding="utf-8")
        return RawRecords(path, "nested", 0, (), report)
    columns = list(dict.fromkeys([*needed_columns(item), *_read_by_sql(con, item)]))
    kinds = ", ".join(f"NULL::VARCHAR AS {ident(column)}" for column in columns)
    path = scratch / "none.parquet"
    con.execute(
        f"COPY (SELECT {kinds}{', ' if kinds else ''}NULL::BIGINT AS _line LIMIT 0) TO '{path}' (FORMAT parquet)"
    )
    return RawRecords(path, "flat", 0, tuple(columns), report)


def _is_flat(item: Record) -> bool:
    if isinstance(item.read, FileRead):
        kind = item.read.format or item.read.path.removesuffix(".gz").rpartition(".")[2].lower()
        return kind not in _NESTED | {"ndjson"}
    return isinstance(item.read, SqlRead)


def _read_by_sql(con: duckdb.DuckDBPyConnection, item: Record) -> Iterator[str]:
    """Columns that only SQL names. What cannot be parsed is reported by the compiler."""
    expressions = [field.sql for field in item.fields.values() if field.sql] + ([item.where] if item.where else [])
    for sql in expressions:
        try:
            yield from (path.strip('"') for path in parse_expression(con, sql, "").paths)
        except FieldFault:
            continue


def _rule(con: duckdb.DuckDBPyConnection, stack: Stack, target: str, number: int, rule: GateRule) -> Iterator[Finding]:
    """The SQL of a rule over an empty history table of its record, as the gate sees it."""
    system, _, record = target.partition(".")
    columns = {**record_columns(stack, system, record), "as_of": "DATE"}
    empty = ", ".join(f"NULL::{kind} AS {ident(name)}" for name, kind in columns.items())
    for key, sql in (("when", rule.when), ("sql", rule.sql)):
        if sql is None:
            continue
        try:
            con.execute(f"SELECT TRY([(\n{sql}\n)::BOOLEAN]) FROM (SELECT {empty}) LIMIT 0")
        except duckdb.Error as error:
            known = list(attribute_columns(stack, system, record))
            missing = str(error).partition('Referenced column "')[2].partition('"')[0]
            hint = did_you_mean(missing, known) if missing else ""
            why = f"there is no column `{missing}`" if missing else str(error).splitlines()[0].rstrip("!")
            yield Finding(
                ("gates", target, number, key),
                why,
                f"{hint}write one SQL condition over {listed(known, 20)} and `as_of`",
            )
