"""A report before it has a form: columns, rows, and what must stand beside them. How it looks is in `render`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

Kind = Literal["text", "name", "person", "id", "integer", "money", "share", "date", "moment"]
"""`name` is one of ours, such as `pay_amount`: as it is in files, in words for people. `person` is a person id and
`id` another of ours that commands take by its beginning: whole in files, the beginning in a terminal. `moment` is shown in UTC."""

NUMBERS = frozenset({"integer", "money", "share"})


@dataclass(frozen=True)
class Column:
    """One column: its name in files, its label for people, what its values are.

    The rest is for the terminal alone; files keep every column. `short` is a label for narrow places; `inside` names the
    column in whose cells this one is told (`low` and `high` inside `value`); of the columns that do not fit, those of the
    highest `rank` stay out first; a `grouped` column is told once for equal rows that follow each other; rows with nothing in
    a `needed` column are counted, not shown.
    """

    name: str
    label: str
    kind: Kind = "text"
    short: str | None = None
    inside: str | None = None
    rank: int = 0
    grouped: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under columns, with the notes that make them readable alone: as-of day, tolerances, definitions, counts."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    as_of: date | None = None
    notes: tuple[str, ...] = ()

    def place(self, name: str) -> int:
        """Where a column stands. Raises KeyError for a name that is none of them."""
        for place, column in enumerate(self.columns):
            if column.name == name:
                return place
        raise KeyError(name)
