"""The columns of a person's state with their SQL types, and what each is made of. Rows are made in `state`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import StateColumn, state_columns
from hrorch_pipelines.storage.columns import column_type
from hrorch_pipelines.storage.sql import ident

DOUBTFUL = "doubtful"
"""A column of the relation that no condition may name: which of the person's other columns are held, hidden or unresolved."""

_PERSON = {"now": "TIMESTAMPTZ", "today": "DATE", "identity_resolved": "BOOLEAN"}
_OTHERS = {"there": "BOOLEAN", "stale": "BOOLEAN", "done": "BOOLEAN"}


def columns(stack: Stack) -> dict[str, str]:
    """Column → SQL type, in order: everything a condition may look at."""
    return {column.name: _type(stack, column) for column in state_columns(stack)}


def column_of(stack: Stack) -> dict[str, StateColumn]:
    """Column → what it is made of."""
    return {column.name: column for column in state_columns(stack)}


def empty_relation(stack: Stack) -> str:
    """A SELECT of one row in which every column is NULL, to bind SQL to."""
    return "SELECT " + ", ".join(f"NULL::{kind} AS {ident(name)}" for name, kind in columns(stack).items())


def sources(stack: Stack, names: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...] | None, str, str | None]]:
    """Where columns come from: (column, stages or None for every one, system, attribute or None for the record itself).

    A decided value comes from another system in another stage. What no system says (`today`, `spell`, `done_…`) is left out.
    """
    known = column_of(stack)
    for name in sorted(set(names) & known.keys()):
        column = known[name]
        if column.kind in {"held", "there", "id"} and column.system:
            yield name, None, column.system, column.attribute
        elif column.kind in {"decided", "referred"} and column.attribute:
            for system, stages in _deciding(stack, column.attribute).items():
                yield name, tuple(stages), system, column.attribute


def _deciding(stack: Stack, attribute: str) -> dict[str, list[str]]:
    """System → the stages in which it decides an attribute."""
    deciding: dict[str, list[str]] = {}
    for stage, rule in stack.authority.get(stack.attributes[attribute].data_type, {}).items():
        deciding.setdefault(rule.system, []).append(stage)
    return deciding


def _type(stack: Stack, column: StateColumn) -> str:
    if column.kind in {"decided", "held"} and column.attribute:
        return column_type(stack, column.attribute)
    return _OTHERS.get(column.kind) or _PERSON.get(column.part, "VARCHAR")
