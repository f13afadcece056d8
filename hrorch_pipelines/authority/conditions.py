"""The user's SQL conditions (stages, presence): parsed, refused where they could not be repeated, bound to empty tables.

Evaluating them is the business of `stages`, `cells` and `reconcile.presence`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from hrorch_pipelines.authority.errors import AuthorityFault
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.columns import column_type
from hrorch_pipelines.storage.sql import ident

_FORBIDDEN = {"SUBQUERY": "a subquery", "WINDOW": "a window function", "STAR": "`*`", "PARAMETER": "a parameter"}


@dataclass(frozen=True)
class Condition:
    """One usable condition: its place in the stack file, its SQL in parentheses, and the last part of every column it names."""

    key: str
    sql: str
    columns: frozenset[str]

    @property
    def depends_on_day(self) -> bool:
        """Whether its answer may change by the calendar alone."""
        return "as_of" in self.columns


def check_conditions(stack: Stack) -> list[str]:
    """Every fault of every condition, as `key: why`; empty when all bind."""
    faults = []
    with duckdb.connect() as con:
        for key, sql, source in _declared(stack):
            try:
                _bind(con, parse(key, sql), source)
            except AuthorityFault as fault:
                faults.append(f"{fault.key}: {fault.why}")
    return faults


def require_conditions(stack: Stack) -> None:
    """Raise AuthorityFault for the first condition that does not bind."""
    _require(tuple(_declared(stack)))


@cache
def _require(declared: tuple[tuple[str, str, str], ...]) -> None:
    with duckdb.connect() as con:
        for key, sql, source in declared:
            _bind(con, parse(key, sql), source)


def conditions(stack: Stack) -> list[Condition]:
    """All conditions of the stack, parsed."""
    return [parse(key, sql) for key, sql, _ in _declared(stack)]


def stage_condition(stack: Stack, stage: str) -> Condition | None:
    """`stages.<stage>.when`, over `<system>.<attribute>`."""
    sql = stack.stages[stage].when
    return parse(f"stages.{stage}.when", sql) if sql else None


def presence_condition(stack: Stack, system: str, part: str) -> Condition | None:
    """`presence.<system>.must | must_not | live`."""
    presence = stack.presence.get(system)
    sql = getattr(presence, part) if presence else None
    return parse(f"presence.{system}.{part}", sql) if sql else None


@cache
def parse(key: str, sql: str, clocks: frozenset[str] = frozenset({"as_of"})) -> Condition:
    """Read a condition with the engine's own parser. Raises AuthorityFault.

    Refused: anything but one expression; subqueries (they would see other persons); functions of the clock or of chance,
    because a result that cannot be computed again cannot be explained. `clocks`: the columns that tell the time instead.
    """
    with _parser().cursor() as con:
        row = con.execute("SELECT json_serialize_sql(?)", [f"SELECT ({sql}\n)"]).fetchone()
    unsteady = _unsteady()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        raise AuthorityFault(key, f"is not SQL: {tree.get('error_message', 'no expression')}".splitlines()[0])
    node = tree["statements"][0]["node"]
    one_expression = (
        len(tree["statements"]) == 1
        and node["type"] == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not node["modifiers"]
        and not any(node.get(part) for part in ("where_clause", "group_expressions", "having", "qualify", "sample"))
    )
    if not one_expression:
        raise AuthorityFault(key, "is not one condition")
    columns = set()
    for part in _walk(node["select_list"][0]):
        if part.get("class") in _FORBIDDEN:
            raise AuthorityFault(key, f"uses {_FORBIDDEN[part['class']]}, which a condition cannot")
        called = part.get("function_name") if part.get("class") == "FUNCTION" else None
        names = part.get("column_names", []) if part.get("class") == "COLUMN_REF" else []
        if len(names) == 1 and names[0].lower() in unsteady - clocks:
            called = names[0]
        if called and called.lower() in unsteady:
            told = " and ".join(f"`{clock}`" for clock in sorted(clocks))
            raise AuthorityFault(key, f"uses {called}, whose answer changes by itself; the time is told by {told}")
        if names:
            columns.add(str(names[-1]).lower())
    return Condition(key, f"({sql}\n)", frozenset(columns))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An engine without tables, kept open: a stack file with handoffs has a hundred conditions, and opening one takes 15 ms."""
    return duckdb.connect()


@cache
def _unsteady() -> frozenset[str]:
    """Functions, and names that stand for one, whose answer depends on when they are asked."""
    with _parser().cursor() as con:
        found = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
        ).fetchall()
    return frozenset(name for (name,) in found) | {
        "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
    }  # fmt: skip


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _declared(stack: Stack) -> Iterator[tuple[str, str, str]]:
    """(key, SQL, the empty FROM clause it is bound against)."""
    day = "(SELECT NULL::DATE AS as_of)"
    systems = ", ".join(
        f"(SELECT {_columns(stack, list(system.mapped()))}) AS {ident(name)}" for name, system in stack.systems.items()
    )
    for name, stage in stack.stages.items():
        if stage.when:
            yield f"stages.{name}.when", stage.when, f"{systems}, {day}"
    everything = (
        f"(SELECT NULL::VARCHAR AS person_id, NULL::VARCHAR AS stage, {_columns(stack, list(stack.attributes))})"
    )
    for name, presence in stack.presence.items():
        if name not in stack.systems:
            continue  # a fault of its own, found by the check of the stack file
        own = f"(SELECT {_columns(stack, list(stack.systems[name].mapped()))})"
        for part, source in (("must", everything), ("must_not", everything), ("live", own)):
            sql = getattr(presence, part)
            if sql:
                yield f"presence.{name}.{part}", sql, f"{source}, {day}"
    if stack.corrections.never_touch.where:
        yield "corrections.never_touch.where", stack.corrections.never_touch.where, f"{everything}, {day}"


def _columns(stack: Stack, attributes: list[str]) -> str:
    known = [name for name in attributes if name in stack.attributes]
    return ", ".join(f"NULL::{column_type(stack, name)} AS {ident(name)}" for name in known) or "NULL AS nothing"


def _bind(con: duckdb.DuckDBPyConnection, condition: Condition, source: str) -> None:
    try:
        con.execute(f"SELECT 1 FROM {source} WHERE {condition.sql}")
        kind = con.execute(f"SELECT typeof({condition.sql}) FROM {source}").fetchone()
    except duckdb.Error as error:
        raise AuthorityFault(condition.key, str(error).splitlines()[0]) from None
    if kind and kind[0] not in {"BOOLEAN", '"NULL"', "NULL"}:
        raise AuthorityFault(condition.key, f"is not a condition: its answer is {kind[0]}, not true or false")


__all__ = [
    "Condition",
    "check_conditions",
    "conditions",
    "parse",
    "presence_condition",
    "require_conditions",
    "stage_condition",
]
