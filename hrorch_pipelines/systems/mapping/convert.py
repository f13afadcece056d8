"""Picks the conversion of an attribute type. Each is in a module of its own."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.dates import convert_date, convert_timestamp
from hrorch_pipelines.systems.mapping.numbers import convert_number
from hrorch_pipelines.systems.mapping.pay import convert_pay
from hrorch_pipelines.systems.mapping.secret import convert_secret
from hrorch_pipelines.systems.mapping.statement import Statement
from hrorch_pipelines.systems.mapping.text import convert_boolean, convert_text


def convert(
    con: duckdb.DuckDBPyConnection, statement: Statement, cell: Cell, key: bytes, unit_source: str | None
) -> None:
    """Set `cell.value` and its failures. Raises FieldFault where the declaration cannot be followed."""
    match cell.type:
        case AttributeType.DATE:
            convert_date(con, statement, cell)
        case AttributeType.TIMESTAMP:
            convert_timestamp(con, statement, cell)
        case AttributeType.INTEGER | AttributeType.DECIMAL | AttributeType.MONEY:
            convert_number(statement, cell)
        case AttributeType.PAY:
            convert_pay(statement, cell, unit_source)
        case AttributeType.BOOLEAN:
            convert_boolean(statement, cell)
        case AttributeType.SECRET:
            convert_secret(statement, cell, key)
        case _:
            convert_text(statement, cell)
