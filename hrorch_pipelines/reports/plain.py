"""Single values as people read them, and what must be taken out of a text before any screen, sheet or page shows it."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hrorch_pipelines.reports.table import Column, Table

_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Direction marks: they make a text read as something else (CVE-2021-42574)."""

_PERSON_ID = re.compile(r"\bp-[0-9a-f]{24,}\b")
_ID = 10
"""Characters of a person id that tell it from the others; the command line takes them for the whole."""

REPLACEMENT = "\ufffd"


def printable(text: str) -> str:
    """The text without what moves a cursor, rings a bell or turns the line around; each such character shows as �."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(REPLACEMENT if _moves(sign) else sign for sign in text)


def plain(value: Any, column: Column) -> str:
    """A value as people read it, on one screen line unless it is prose."""
    if value is None:
        return ""
    if column.kind == "share":
        return f"{100 * float(value):.2f} %"
    if column.kind == "money":
        return f"{Decimal(str(value)):,.2f}"
    if column.kind == "integer":
        return f"{int(value):,}"
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    text = printable(str(value))
    return text.replace("_", " ").replace(":", ": ") if column.kind == "name" else text


def short_id(text: str) -> str:
    """The beginning of one of our ids, for people; files keep it whole."""
    return text[:_ID]


def short_ids(text: str) -> str:
    """The text with person ids cut to their beginning, for people; files keep them whole."""
    return _PERSON_ID.sub(lambda found: found[0][:_ID], text)


def titled(table: Table) -> str:
    """The title with the day it is about."""
    return printable(f"{table.title}, as of {table.as_of.isoformat()}" if table.as_of else table.title)


def noted(table: Table) -> tuple[str, ...]:
    """The notes, with the time zone where moments are shown."""
    moments = any(
        column.kind == "moment" and any(row[place] is not None for row in table.rows)
        for place, column in enumerate(table.columns)
    )
    return (*table.notes, "Times are UTC.") if moments else table.notes


def _moves(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cs"} or sign in _TURNING or sign in "\u2028\u2029"
