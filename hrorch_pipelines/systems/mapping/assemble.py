"""Puts the whole statement together: faults, hidden, keys, hash, occurrence around the compiled cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hrorch_pipelines.masking import MASK
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.columns import FAULTS_TYPE, record_columns
from hrorch_pipelines.storage.sql import ident, literal
from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.hash import record_hash
from hrorch_pipelines.systems.mapping.statement import Statement

_NOT_HASHED = {
    "row_id",
    "record_key",
    "occurrence",
    "record_hash",
    "source_updated_at",
    "source_updated_by",
    "source_version",
}
_NOT_HASHED |= {"hidden", "faults"}  # they have their own place in it


@dataclass(frozen=True)
class Compiled:
    """`mapped`: the SELECT of the snapshot file's rows, `occurrence` still 1 everywhere.

    `tally`: one row (source rows, childless, records, kept).
    """

    mapped: str
    tally: str
    params: dict[str, Any]


def assemble(
    stack: Stack,
    system: str,
    record: str,
    statement: Statement,
    cells: list[Cell],
    begin: list[str],
    condition: str | None,
    withheld: str | None,
) -> Compiled:
    """`begin`: CTEs up to `fields`. `condition`: `where`, as a struct of its answer. `withheld`: text of `restricted`."""
    declared = stack.systems[system].records[record]
    others = _other_faults(bool(declared.explode), condition, withheld)
    for cell in cells:
        _judge(statement, cell)
    if condition:
        begin = [*begin, f"kept AS (SELECT *, {condition} AS answer FROM fields)"]
        start = [*begin, "filtered AS (SELECT * FROM kept WHERE answer IS NULL OR answer.v)"]
    else:
        start = begin
    layers, last = statement.render("filtered" if condition else "fields")
    attributes = [cell for cell in cells if cell.name in declared.fields]
    columns = record_columns(stack, system, record)
    filled = {cell.name: cell.column_value() for cell in cells}
    filled = _source_columns(
        declared.parent is None, bool(declared.effective and declared.effective.to_inclusive), filled
    )
    values = ",\n    ".join(
        f"CAST({filled.get(name, 'NULL')} AS {kind}) AS {ident(name)}"
        for name, kind in columns.items()
        if name not in {"row_id", "record_key", "occurrence", "record_hash", "hidden", "faults"}
    )
    hashed = {name: (ident(name), kind) for name, kind in columns.items() if name not in _NOT_HASHED}
    key = "source_id || '@' || coalesce(CAST(effective_from AS VARCHAR), '')" if declared.effective else "source_id"
    order = ", ".join("CAST(1 AS INTEGER) AS occurrence" if name == "occurrence" else ident(name) for name in columns)
    digest = record_hash(hashed, "hidden", "faults")
    finished = f"""finished AS (
  SELECT row_id, raw,
    {values},
    {_hidden(attributes)} AS hidden,
    {_faults(cells, others)} AS faults
  FROM {last})"""
    ending = [
        finished,
        f"hashed AS (\n  SELECT *, {key} AS record_key,\n    {digest} AS record_hash\n  FROM finished)",
    ]
    mapped = f"WITH {_list([*start, *layers, *ending])}\nSELECT {order}, raw\nFROM hashed"
    return Compiled(mapped, _tally(begin, bool(declared.explode), bool(condition)), dict(statement.params))


def withheld_list(text: str) -> str:
    """SQL: the JSON list of field names in a text, NULL when it is none."""
    return f"TRY(from_json({text}, '[\"VARCHAR\"]'))"


def _list(steps: list[str]) -> str:
    return ",\n".join(steps)


def _judge(statement: Statement, cell: Cell) -> None:
    rules = [f"WHEN {condition} THEN NULL" for condition in cell.hidden]
    rules += [f"WHEN {condition} THEN {literal(code)}" for condition, code in cell.failures]
    statement.add("judged", cell.column("fault"), f"CASE {' '.join(rules)} END" if cell.failures else "NULL")


def _hidden(cells: list[Cell]) -> str:
    """Names of the withheld attributes; the list is built only for records that have any."""
    hideable = [cell for cell in cells if cell.hidden]
    if not hideable:
        return "CAST([] AS VARCHAR[])"
    conditions = {cell.name: " OR ".join(cell.hidden) for cell in hideable}
    names = ", ".join(f"CASE WHEN {condition} THEN {literal(name)} END" for name, condition in conditions.items())
    some = " OR ".join(conditions.values())
    return f"CASE WHEN {some} THEN list_filter([{names}], lambda name: name IS NOT NULL) ELSE CAST([] AS VARCHAR[]) END"


def _faults(cells: list[Cell], others: list[tuple[str, str, str, str]]) -> str:
    """As `_hidden`, for what could not be converted."""
    listed = list(others)
    for cell in cells:
        if cell.failures:
            code = ident(cell.column("fault"))
            found = literal(MASK * 4) if cell.secret else f"CAST({cell.found} AS VARCHAR)"
            listed.append((f"{code} IS NOT NULL", cell.name, code, found))
    if not listed:
        return f"CAST([] AS {FAULTS_TYPE})"
    entries = ",\n      ".join(
        f"CASE WHEN {some} THEN {{'attribute': {literal(name)}, 'code': {code}, 'found': {found}}} END"
        for some, name, code, found in listed
    )
    some = " OR ".join(condition for condition, *_ in listed)
    kept = f"list_filter([\n      {entries}], lambda fault: fault IS NOT NULL)"
    return f"CASE WHEN {some} THEN CAST({kept} AS {FAULTS_TYPE}) ELSE CAST([] AS {FAULTS_TYPE}) END"


def _other_faults(explode: bool, condition: str | None, withheld: str | None) -> list[tuple[str, str, str, str]]:
    """(condition, name, code, found) of what is wrong with a record rather than with one value."""
    faults = []
    if explode:
        faults.append(("coalesce(not_a_list, false)", "explode", literal(FaultCode.NOT_A_LIST), "NULL::VARCHAR"))
    if condition:
        faults.append(("answer IS NULL", "where", literal(FaultCode.BAD_EXPRESSION), "NULL::VARCHAR"))
    if withheld:
        wrong = f"({withheld} IS NOT NULL AND {withheld_list(withheld)} IS NULL)"
        faults.append((wrong, "restricted", literal(FaultCode.NOT_A_LIST), withheld))
    return faults


def _source_columns(base: bool, to_inclusive: bool, filled: dict[str, str]) -> dict[str, str]:
    """Defaults of the columns every record has."""
    columns = {"deleted": "false", **filled}
    columns["deleted"] = f"coalesce({columns['deleted']}, false)"
    if "parent_id" not in columns and base:
        columns["parent_id"] = columns["source_id"]
    if to_inclusive and "effective_to" in columns:
        columns["effective_to"] += " + 1"  # DATE + 1 is the next day: `to` is exclusive here
    return columns


def _tally(begin: list[str], explode: bool, where: bool) -> str:
    keep, rows = ("answer IS NULL OR answer.v", "kept") if where else ("true", "fields")
    records = f"SELECT count(*) AS records, count(*) FILTER ({keep}) AS kept FROM {rows}"
    if not explode:
        return f"WITH {_list(begin)}\nSELECT records AS sources, 0 AS childless, records, kept FROM ({records})"
    holders = (
        "SELECT count(*) AS sources, count(*) FILTER (coalesce(json_type(list), 'NULL') = 'NULL' "
        "OR (json_type(list) = 'ARRAY' AND json_array_length(list) = 0)) AS childless FROM holders"
    )
    return f"WITH {_list(begin)}\nSELECT sources, childless, records, kept FROM ({holders}), ({records})"
