"""SQL of the stack file (`sql`, `where`): parsed by DuckDB, checked node by node, its names bound to columns of ours.

An expression sees `value` and `field('path')`, nothing else: no tables, no subqueries, no windows, no time, no chance.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb

from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.systems.mapping.errors import FieldFault

_REMEDY = "write one DuckDB expression over `value` and `field('path')`"
_CLOCKS = frozenset(
    {"now", "today", "current_date", "current_timestamp", "transaction_timestamp", "get_current_timestamp"}
)
_REFUSED = {"SUBQUERY": "a subquery", "WINDOW": "a window function", "PARAMETER": "a parameter", "STAR": "`*`"}


@dataclass(frozen=True)
class Expression:
    """A checked expression, the source paths it reads, and whether it reads `value`."""

    attribute: str
    tree: dict[str, Any]
    paths: tuple[str, ...]
    reads_value: bool


@dataclass
class _Seen:
    """What a walk over the tree met."""

    attribute: str
    paths: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    value: bool = False


def parse_expression(con: duckdb.DuckDBPyConnection, sql: str, attribute: str) -> Expression:
    """Parse and check. Raises FieldFault."""
    answer = _scalar(con, "SELECT json_serialize_sql($sql)", {"sql": f"SELECT ({sql}\n)"})
    parsed = json.loads(answer)
    if parsed["error"]:
        raise FieldFault(attribute, f"the SQL cannot be read: {parsed['error_message']}", remedy=_REMEDY)
    statements = parsed["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    plain = node.get("type") == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY" and not node["where_clause"]
    if (
        not plain
        or len(node["select_list"]) != 1
        or node["group_expressions"]
        or node["modifiers"]
        or node["cte_map"]["map"]
    ):
        raise FieldFault(attribute, "the SQL is more than one expression", remedy=_REMEDY)
    seen = _Seen(attribute)
    _check(node["select_list"][0], frozenset(), seen)
    _refuse_chance(con, seen.functions, attribute)
    return Expression(attribute, parsed, tuple(dict.fromkeys(seen.paths)), seen.value)


def render_expression(
    con: duckdb.DuckDBPyConnection, expression: Expression, column_of: Callable[[str], str], value: str | None
) -> tuple[str, str]:
    """The expression over columns (`column_of(path)`, `value`; unquoted names), and its SQL type. Raises FieldFault.

    `value` is None where there is none (`where`).
    """
    tree = json.loads(json.dumps(expression.tree))
    _rename(tree["statements"][0]["node"]["select_list"][0], column_of, value, frozenset())
    text = _scalar(con, "SELECT json_deserialize_sql($tree)", {"tree": json.dumps(tree)}).removeprefix("SELECT ")
    columns = ", ".join(
        f"NULL::VARCHAR AS {ident(name)}" for name in {*map(column_of, expression.paths), *([value] if value else [])}
    )
    probe = f"SELECT TRY({{'v': {text}}}).v AS v, typeof({text}) AS kind FROM (SELECT 1 AS one{', ' + columns if columns else ''})"
    try:
        kind = str(con.execute(f"DESCRIBE {probe}").fetchall()[0][1])
    except duckdb.Error as problem:
        first = str(problem).splitlines()[0]
        raise FieldFault(expression.attribute, f"the SQL does not fit: {first}", remedy=_REMEDY) from None
    return text, kind


def _check(node: Any, names: frozenset[str], seen: _Seen) -> None:
    """Walk the tree; `names` are parameters of the lambdas around this node."""
    if isinstance(node, list):
        for item in node:
            _check(item, names, seen)
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind in _REFUSED:
        raise FieldFault(seen.attribute, f"the SQL has {_REFUSED[kind]}", remedy=_REMEDY)
    if kind == "LAMBDA":
        _check(node["expr"], names | _lambda_names(node), seen)
    elif kind == "COLUMN_REF" and node["column_names"][0] not in names:
        if node["column_names"] != ["value"]:
            name = ".".join(node["column_names"])
            raise FieldFault(seen.attribute, f"the SQL names `{name}`, which is not there", remedy=_REMEDY)
        seen.value = True
    elif kind == "FUNCTION" and node["function_name"] == "field":
        seen.paths.append(_path_of(node, seen.attribute))
    else:
        if kind == "FUNCTION":
            seen.functions.add(node["function_name"])
        for child in node.values():
            _check(child, names, seen)


def _path_of(node: dict[str, Any], attribute: str) -> str:
    arguments = [argument["expression"] for argument in node["arguments"]]
    if len(arguments) != 1 or arguments[0].get("literal", {}).get("kind") != "STRING":
        raise FieldFault(attribute, "field() takes one path in quotes", remedy="write field('path')")
    return str(arguments[0]["literal"]["text"])


def _lambda_names(node: dict[str, Any]) -> frozenset[str]:
    left = node["lhs"]
    parameters = [left] if left["class"] == "COLUMN_REF" else [argument["expression"] for argument in left["arguments"]]
    return frozenset(parameter["column_names"][0] for parameter in parameters)


def _rename(node: Any, column_of: Callable[[str], str], value: str | None, names: frozenset[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _rename(item, column_of, value, names)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind == "LAMBDA":
        _rename(node["expr"], column_of, value, names | _lambda_names(node))
        return
    if kind == "FUNCTION" and node["function_name"] == "field":
        column = column_of(str(node["arguments"][0]["expression"]["literal"]["text"]))
        place = {key: node[key] for key in ("alias", "query_location", "query_location_length") if key in node}
        node.clear()
        node.update({"class": "COLUMN_REF", "type": "COLUMN_REF", **place, "column_names": [column]})
        return
    if kind == "COLUMN_REF" and node["column_names"] == ["value"] and "value" not in names and value is not None:
        node["column_names"] = [value]
        return
    for child in list(node.values()):
        _rename(child, column_of, value, names)


def _refuse_chance(con: duckdb.DuckDBPyConnection, functions: set[str], attribute: str) -> None:
    """The same record must map to the same values today and tomorrow."""
    rows = con.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE list_contains($names, function_name) AND (stability = 'VOLATILE' OR function_type = 'aggregate')",
        {"names": sorted(functions)},
    ).fetchall()
    unsteady = sorted({str(row[0]) for row in rows} | (functions & _CLOCKS))
    if unsteady:
        raise FieldFault(
            attribute,
            f"the SQL calls {', '.join(unsteady)}(), whose answer does not hang on the record alone",
            remedy=_REMEDY,
        )


def _scalar(con: duckdb.DuckDBPyConnection, sql: str, params: dict[str, Any]) -> str:
    return str(con.execute(sql, params).fetchall()[0][0])
