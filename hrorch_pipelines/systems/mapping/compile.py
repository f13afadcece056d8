"""Compiles one record type of the stack file into the statement that maps it. Running it is `run`."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.columns import SOURCE_COLUMNS, STATE_COLUMNS
from hrorch_pipelines.systems.mapping.assemble import Compiled, assemble, withheld_list
from hrorch_pipelines.systems.mapping.catalogues import entries_of
from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.columns import cells_of, secret_paths
from hrorch_pipelines.systems.mapping.convert import convert
from hrorch_pipelines.systems.mapping.errors import FieldFault, MappingFault
from hrorch_pipelines.systems.mapping.expressions import Expression, parse_expression, render_expression
from hrorch_pipelines.systems.mapping.sources import Source
from hrorch_pipelines.systems.mapping.statement import Statement
from hrorch_pipelines.systems.mapping.text import letter_case, look_up, read_text, split, tidy
from hrorch_pipelines.systems.raw import RawRecords

_SCALARS: tuple[str, ...] = (
    "VARCHAR",
    "JSON",
    "UUID",
    "BOOLEAN",
    "DATE",
    "TIME",
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "BIGNUM",
    '"NULL"',
)
_SCALARS += tuple(f"{sign}{size}INT" for sign in ("", "U") for size in ("", "TINY", "SMALL", "BIG", "HUGE"))
"""SQL types an expression may give, by how their names begin."""


def compile_record(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    system: str,
    record: str,
    raw: RawRecords,
    key: bytes,
    kind: type[Source] = Source,
) -> Compiled:
    """Compile; nothing is read but the file's column names. Raises MappingFault with every field at fault.

    `kind` says where the records come from when it is not the file (`writing.remap`).
    """
    declared = stack.systems[system].records[record]
    statement = Statement()
    faults: list[FieldFault] = []
    cells: list[Cell] = []
    condition: str | None = None
    try:
        source = kind.open(con, raw, statement, declared.explode)
    except FieldFault as fault:
        raise MappingFault.of(system, record, [fault]) from None
    secrets = secret_paths(stack, system)
    for cell in cells_of(stack, system, record):
        try:
            cell.secret = cell.secret or not secrets.isdisjoint(cell.field.paths)
            _compile_cell(con, stack, declared, statement, source, cell, key)
            cells.append(cell)
        except FieldFault as fault:
            faults.append(fault)
    if declared.parent is not None and declared.parent_key is None:
        faults.append(FieldFault("parent_id", "nothing says whose record it is", remedy="declare `parent_key`"))
    try:
        condition = _condition(con, declared, source)
        withheld = source.text(declared.restricted, "restricted") if declared.restricted else None
        begin = source.steps(sorted(secrets))
    except FieldFault as fault:
        faults.append(fault)
    if faults:
        raise MappingFault.of(system, record, faults)
    return assemble(stack, system, record, statement, cells, begin, condition, withheld)


def _compile_cell(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    record: Record,
    statement: Statement,
    source: Source,
    cell: Cell,
    key: bytes,
) -> None:
    """All steps of one cell, in the order the stack file lists them."""
    field, name = cell.field, cell.name
    if name in record.fields and name in {**SOURCE_COLUMNS, **STATE_COLUMNS, "raw": ""}:
        raise FieldFault(name, "is a column every record has", remedy="give the attribute another name")
    expression = parse_expression(con, field.sql, name) if field.sql else None
    paths = [*field.paths, *([field.unit_from] if field.unit_from else []), *(expression.paths if expression else ())]
    texts = [source.text(path, name) for path in field.paths]
    if len(field.paths) == 1 and not expression:
        cell.number_kind = _number_kind(source, field, name)
    read_text(statement, cell, texts, _withheld(statement, source, record, paths, name))
    split(statement, cell)
    look_up(statement, cell, entries_of(field, stack.folder, name))
    letter_case(statement, cell)
    if expression:
        _express(con, statement, source, cell, expression)
    unit = source.text(field.unit_from, name) if field.unit_from and cell.type is AttributeType.PAY else None
    convert(con, statement, cell, key, unit)
    value = f"CASE WHEN {' OR '.join(cell.hidden)} THEN NULL ELSE {cell.value} END" if cell.hidden else cell.value
    statement.add("values", cell.column("value"), value)
    if name == "effective_from":
        cell.fail(f"{cell.column_value()} IS NULL", FaultCode.MISSING)


def _number_kind(source: Source, field: FieldMap, name: str) -> str | None:
    """Only where declared marks could misread a JSON number is its type worth a look."""
    untouched = not (field.split or field.map or field.catalogue)
    return (
        source.is_number(field.paths[0], name) if untouched and (field.decimal, field.thousands) != (".", "") else None
    )


def _withheld(statement: Statement, source: Source, record: Record, paths: list[str], attribute: str) -> str | None:
    if not record.restricted or not paths or attribute not in record.fields:
        return None
    names = [name for path in paths for name in source.names_of(path, attribute)]
    return f"list_has_any({withheld_list(source.text(record.restricted, 'restricted'))}, {statement.bind(names)})"


def _express(
    con: duckdb.DuckDBPyConnection, statement: Statement, source: Source, cell: Cell, expression: Expression
) -> None:
    """Step `sql`. A row on which it fails is a fault of that cell alone; a typed result is read in its plain form."""
    current = cell.text.strip('"')
    text, kind = render_expression(con, expression, lambda path: source.name(path, cell.name), current)
    if kind.endswith("]") or not kind.startswith(_SCALARS):
        raise FieldFault(cell.name, f"the SQL gives {kind}, not one value", remedy="write an expression of one value")
    result = statement.add("expressed", cell.column("result"), f"TRY({{'v': CAST({text} AS VARCHAR)}})")
    cell.fail(f"{result} IS NULL", FaultCode.BAD_EXPRESSION)
    cell.text = statement.add("written", cell.column("written"), tidy(statement, cell, f"{result}.v"))
    cell.plain = None
    if not cell.field.paths and cell.field.const is None:
        texts = [source.text(path, cell.name) for path in expression.paths]
        cell.found = f"concat_ws(' ', {', '.join(texts)})" if texts else "NULL::VARCHAR"
    if kind != "VARCHAR":
        plain = {"format": None, "decimal": ".", "thousands": "", "true_values": ["true"], "false_values": ["false"]}
        cell.field = cell.field.model_copy(update=plain)


def _condition(con: duckdb.DuckDBPyConnection, record: Record, source: Source) -> str | None:
    """SQL that is TRUE or NULL where `where` keeps a record. One it fails on is kept, with a fault: never lost."""
    if record.where is None:
        return None
    expression = parse_expression(con, record.where, "where")
    if expression.reads_value:
        raise FieldFault("where", "there is no `value` in `where`", remedy="read source fields with field('path')")
    text, kind = render_expression(con, expression, lambda path: source.name(path, "where"), None)
    if kind != "BOOLEAN":
        raise FieldFault("where", f"gives {kind}, not true or false", remedy="write a condition over field('path')")
    return f"TRY({{'v': {text}}})"
