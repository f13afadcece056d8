"""The columns of record tables, as docs/tables.md lists them: one list for every room that creates or reads one."""

from __future__ import annotations

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.sql import ident

SQL_TYPES: dict[AttributeType, str] = {
    AttributeType.DATE: "DATE",
    AttributeType.TIMESTAMP: "TIMESTAMPTZ",
    AttributeType.INTEGER: "BIGINT",
    AttributeType.DECIMAL: "DECIMAL(18,4)",
    AttributeType.MONEY: "DECIMAL(18,4)",
    AttributeType.PAY: "DECIMAL(18,4)",
    AttributeType.BOOLEAN: "BOOLEAN",
}
"""Column type per attribute type; everything else is VARCHAR."""

FAULTS_TYPE = "STRUCT(attribute VARCHAR, code VARCHAR, found VARCHAR)[]"

SOURCE_COLUMNS: dict[str, str] = {
    "row_id": "BIGINT",
    "record_key": "VARCHAR",
    "occurrence": "INTEGER",
    "source_id": "VARCHAR",
    "parent_id": "VARCHAR",
    "effective_from": "DATE",
    "effective_to": "DATE",
    "sequence": "BIGINT",
    "source_updated_at": "TIMESTAMPTZ",
    "source_updated_by": "VARCHAR",
    "source_version": "VARCHAR",
    "deleted": "BOOLEAN",
    "record_hash": "VARCHAR",
}
"""Columns every record has, before its attributes."""

STATE_COLUMNS: dict[str, str] = {"hidden": "VARCHAR[]", "faults": FAULTS_TYPE}
"""Columns every record has, after its attributes."""


def column_type(stack: Stack, attribute: str) -> str:
    """The SQL type of an attribute's column."""
    return SQL_TYPES.get(stack.attributes[attribute].type, "VARCHAR")


def attribute_columns(stack: Stack, system: str, record: str) -> dict[str, str]:
    """Attribute → SQL type, in the order of the mapping."""
    return {name: column_type(stack, name) for name in stack.systems[system].records[record].fields}


def record_columns(stack: Stack, system: str, record: str) -> dict[str, str]:
    """All columns of a record without `raw`: what `history` and `accepted` share."""
    return {**SOURCE_COLUMNS, **attribute_columns(stack, system, record), **STATE_COLUMNS}


def ddl(columns: dict[str, str]) -> str:
    """`"a" VARCHAR, "b" DATE`: the inside of a CREATE TABLE."""
    return ", ".join(f"{ident(name)} {kind}" for name, kind in columns.items())
