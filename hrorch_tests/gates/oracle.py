"""A second, slow judge of single records, one cell at a time in plain Python: what the gates must agree with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]


def failing(rule: Mapping[str, Any], rows: Sequence[Row], as_of: date, now: datetime) -> set[int]:
    """Positions of the rows that fail one rule of the stack file."""
    applies = [_when(rule.get("when"), row) for row in rows]
    return {
        position
        for position, row in enumerate(rows)
        if applies[position] and _fails(rule, row, rows, applies, as_of, now)
    }


def _when(text: str | None, row: Row) -> bool:
    if text is None:
        return True
    if text == "active":
        return row.get("active") is True
    assert text == "department = 'Care'"
    return row.get("department") == "Care"


def _fails(
    rule: Mapping[str, Any], row: Row, rows: Sequence[Row], applies: Sequence[bool], as_of: date, now: datetime
) -> bool:
    name = rule.get("attribute")
    value = row.get(name) if name else None
    kind = rule["rule"]
    if kind == "required":
        return _is_empty(row, name)
    if kind == "sql":
        assert rule["sql"] == "level * 2 > 4"
        return row.get("level") is not None and not row["level"] * 2 > 4
    if value is None:
        return False
    if kind == "pattern":
        return re.search(rule["pattern"], str(value)) is None
    if kind == "max_length":
        return len(str(value)) > int(rule["max"])
    if kind == "one_of":
        return value not in {_typed(text, value) for text in rule["values"]}
    if kind == "range":
        low, high = (rule.get(bound) and _typed(rule[bound], value) for bound in ("min", "max"))
        return (low is not None and value < low) or (high is not None and value > high)
    if kind == "unique":
        holders = {
            other["source_id"] for position, other in enumerate(rows) if applies[position] and other.get(name) == value
        }
        return len(holders) > 1
    if kind == "not_future":
        return value > now if isinstance(value, datetime) else value > as_of
    return _out_of_order(kind, value, row.get(rule["other"]))


def _is_empty(row: Row, name: str | None) -> bool:
    value = row.get(str(name))
    present = value is not None and (not isinstance(value, str) or value.strip(" ") != "")
    return not present and name not in row["hidden"] and name not in {fault["attribute"] for fault in row["faults"]}


def _out_of_order(kind: str, value: Any, other: Any) -> bool:
    if other is None:
        return False
    if isinstance(value, datetime) != isinstance(other, datetime):
        value, other = (
            item.astimezone(ZoneInfo("America/Chicago")).date() if isinstance(item, datetime) else item
            for item in (value, other)
        )
    return bool(value < other if kind == "not_before" else value > other)


def _typed(text: str, like: Any) -> Any:
    if isinstance(like, bool):
        return text == "true"
    if isinstance(like, datetime):
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Chicago")).astimezone(UTC)
    if isinstance(like, date):
        return date.fromisoformat(text)
    if isinstance(like, Decimal):
        return Decimal(text)
    return int(text) if isinstance(like, int) else text
