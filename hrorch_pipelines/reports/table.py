"""A report before it has a form: columns, rows, and what must stand beside them. How it looks is in `render`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

Kind = Literal["text", "integer", "money", "share", "date", "moment"]


@dataclass(frozen=True)
class Column:
    """One column: its name in files, its label for people, what its values are."""

    name: str
    label: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Rows under columns, with the notes that make them readable alone: as-of day, tolerances, definitions, counts."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    as_of: date | None = None
    notes: tuple[str, ...] = ()
