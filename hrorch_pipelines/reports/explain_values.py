"""The values of one person: what the golden record says and which rule chose it, and what every system says beside it."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from hrorch_pipelines.authority.flags import Mark, attribute_order
from hrorch_pipelines.reconcile.states import STATE_OF
from hrorch_pipelines.reports.masked import shown
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.words import STATES
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import ident

_DECISIONS = (
    Column("attribute", "Attribute", "name"),
    Column("value", "Value"),
    Column("state", "State"),
    Column("rule", "Rule that chose it", short="Rule"),
    Column("system", "System", rank=1),
    Column("source_id", "Record", rank=2),
    Column("snapshot_id", "Snapshot", rank=4),
    Column("observed_at", "Seen", "moment", rank=3),
    Column("stale", "Stale", rank=1),
)
_CANDIDATES = (
    Column("attribute", "Attribute", "name", grouped=True),
    Column("system", "System"),
    Column("source_id", "Record", rank=3),
    Column("value", "Says"),
    Column("cell", "Cell"),
    Column("role", "Role", rank=2),
    Column("comparison", "Compared"),
    Column("upcoming", "Later", rank=1),
)
_CELLS: dict[str, str] = {
    Mark.ABSENT: "empty: no such record",
    Mark.CHANGED: "present, changed a moment ago",
    Mark.FUTURE: "not effective yet",
    Mark.HELD: "held at a gate: last good value",
    Mark.UNRESOLVED: "refers to nobody known",
    Mark.WITHHELD: "hidden from us",
}
_NO_LETTER = "."


def decisions(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    person: str,
    attributes: tuple[str, ...],
    as_of: date,
    *,
    reveal: bool,
) -> Table:
    """The golden record: per attribute the value, and the rule, record, snapshot and moment it comes from."""
    golden = _row(con, "golden", "persons", person) or {}
    rows = con.execute(
        """SELECT attribute, state, rule, system, source_id, snapshot_id, observed_at, stale FROM golden.decisions
           WHERE person_id = $person AND list_contains($attributes, attribute)""",
        {"person": person, "attributes": list(attributes)},
    ).fetchall()
    known = {row[0]: row for row in rows}
    told = []
    for name in attributes:
        if name not in known:
            told.append((name, "(no rule)", "undecided", "no authority in this stage", *([None] * 4), None))
            continue
        _, state, rule, system, source_id, snapshot_id, observed_at, stale = known[name]
        value = _value(stack, name, golden.get(name), reveal=reveal) if state in {"decided", "held"} else f"({state})"
        told.append((name, value, state, rule, system, source_id, snapshot_id, observed_at, "stale" if stale else ""))
    return Table("Values", _DECISIONS, tuple(told), as_of)


def candidates(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    person: str,
    attributes: tuple[str, ...],
    as_of: date,
    *,
    reveal: bool,
) -> Table:
    """What every system says of each attribute, the state of that cell, and how it compared with the authority."""
    golden = _row(con, "golden", "persons", person) or {}
    cells = {system: row for system in stack.systems if (row := _row(con, "cells", system, person)) is not None}
    compared = _comparisons(con, person)
    rows = []
    for name in attributes:
        authority = stack.authority_of(name, str(golden["stage"])) if golden.get("stage") else None
        for system, row in cells.items():
            if name not in row or name not in attribute_order(stack, system):
                continue
            state = _cell(stack, system, name, row)
            present = state.startswith(("present", "held"))
            rows.append(
                (
                    name,
                    system,
                    row["source_id"],
                    _value(stack, name, row[name], reveal=reveal) if present else "",
                    state,
                    "authority" if system == authority else "copy",
                    "" if system == authority else compared.get((system, name), ""),
                    _upcoming(stack, name, row, reveal=reveal),
                )
            )
    notes = () if reveal else ("Personal values are masked; `--reveal` shows them.",)
    return Table("What every system says", _CANDIDATES, tuple(rows), as_of, notes)


def _row(con: duckdb.DuckDBPyConnection, schema: str, table: str, person: str) -> dict[str, Any] | None:
    if not has_table(con, schema, table):
        return None
    answer = con.execute(f"SELECT * FROM {ident(schema, table)} WHERE person_id = ?", [person])
    names = [column[0] for column in answer.description or []]
    row = answer.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def _value(stack: Stack, attribute: str, value: object, *, reveal: bool) -> str:
    """A person reference is an id of ours, shown as attributes are; everything else as its sensitivity allows."""
    return shown(stack, attribute, value, reveal=reveal)


def _cell(stack: Stack, system: str, attribute: str, row: dict[str, Any]) -> str:
    """The state of one cell in words (METRICS.md, 'Cell states')."""
    place = attribute_order(stack, system).index(attribute)
    mark = (row.get("marks") or "")[place : place + 1].strip()
    if not mark and attribute in (row.get("absent") or []):
        mark = Mark.ABSENT
    if mark in _CELLS:
        return _CELLS[mark]
    if stack.attributes[attribute].type is AttributeType.SECRET:
        return "empty" if row[attribute] is None else "present (keyed hash)"
    return "empty" if row[attribute] is None else "present"


def _upcoming(stack: Stack, attribute: str, row: dict[str, Any], *, reveal: bool) -> str:
    """Values to come, each with its day."""
    return "; ".join(
        f"{_value(stack, attribute, item['value'], reveal=reveal)} from {item['effective_from']}"
        for item in row.get("upcoming") or []
        if item["attribute"] == attribute
    )


def _comparisons(con: duckdb.DuckDBPyConnection, person: str) -> dict[tuple[str, str], str]:
    """(copy system, attribute) → the state of the pair in words, from the person's patterns."""
    if not (has_table(con, "reconcile", "patterns") and has_table(con, "reconcile", "positions")):
        return {}
    rows = con.execute(
        """SELECT p.copy_system, o.attribute, substr(p.pattern, o.position + 1, 1)
           FROM reconcile.patterns p JOIN reconcile.positions o USING (copy_system, stage)
           WHERE p.person_id = ? AND o.position > 0""",
        [person],
    ).fetchall()
    letters = {str(letter): STATES[state] for letter, state in STATE_OF.items()}
    return {(system, attribute): letters.get(letter, "") for system, attribute, letter in rows if letter != _NO_LETTER}
