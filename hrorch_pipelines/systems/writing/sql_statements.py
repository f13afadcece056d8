"""The statements a SQL target sends: find a person's rows, change one while it is as read, add the row of a later day.

Values are bound without a type: the driver hands back what it gave, and the database makes a text the column's own type.
Connections and outcomes are in `sql`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.writing import SqlWrite
from hrorch_pipelines.systems.sql import as_texts
from hrorch_pipelines.systems.writing import unmap_values
from hrorch_pipelines.systems.writing.errors import unwritable

Cells = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """Where a record type lies. `owner`: the column with the person's key; `key`: the one with the row's own."""

    table: str
    key: str
    owner: str
    from_: str | None
    to: str | None
    sequence: str | None

    @property
    def identity(self) -> list[str]:
        """The columns that tell one row from the person's others."""
        return list(dict.fromkeys(name for name in (self.key, self.owner, self.from_, self.sequence) if name))


def layout_of(record: Record, write: SqlWrite) -> Layout:
    """Raises WriteFault `unwritable` where a key is not simply a column's value."""
    effective = record.effective
    key = write.key or _column(record.key, "key")
    owner = key if record.parent_key is None else _column(record.parent_key, "parent_key")
    return Layout(
        table=write.table,
        key=key,
        owner=owner,
        from_=_column(effective.from_, "effective.from", rewritten=True) if effective else None,
        to=_column(effective.to, "effective.to", rewritten=True) if effective and effective.to else None,
        sequence=_column(effective.sequence, "effective.sequence", rewritten=True)
        if effective and effective.sequence
        else None,
    )


def relation(name: str) -> sa.TableClause:
    """A table by its dotted name, every part quoted as written."""
    *schema, table = name.split(".")
    return sa.table(_quoted(table), schema=_quoted(".".join(schema)) if schema else None)


def find(source: sa.FromClause, where: Cells, *, lock: bool = False) -> sa.Select[Any]:
    """All columns of the rows with these values; `lock` keeps others from changing them until the end."""
    select = sa.select(sa.text("*")).select_from(source).where(*_same(where))
    return select.with_for_update() if lock else select


def find_by_text(source: sa.FromClause, name: str, text: str) -> sa.Select[Any]:
    """As `find`, for a column that is an expression: SQLite compares those with a text by type, not by value."""
    column: sa.ColumnClause[Any] = sa.column(_quoted(name))
    return sa.select(sa.text("*")).select_from(source).where(sa.cast(column, sa.Text) == _bound("old_0", text))


def change(layout: Layout, row: Cells, new: Cells, watched: Sequence[str]) -> sa.Update:
    """Set `new` in the one row that still is as `row`: its identity, and every column set or `watched`."""
    expected = {name: row[name] for name in dict.fromkeys([*layout.identity, *new, *watched])}
    values = {_quoted(name): _bound(f"new_{place}", value) for place, (name, value) in enumerate(new.items())}
    return sa.update(_with(relation(layout.table), new)).values(values).where(*_same(expected))


def add(layout: Layout, row: Cells, new: Cells, day: date, record: Record, omit: Sequence[str], zone: str) -> sa.Insert:
    """A copy of `row` that counts from `day`, with `new` in it. `omit`: columns the database fills by itself."""
    if record.effective is None or layout.from_ is None:
        raise unwritable("not_effective", "only an effective-dated table takes a row of a later day")
    own = [layout.key] if layout.key != layout.owner else []
    copied = {name: value for name, value in row.items() if name not in {*own, *omit}}
    copied |= {**new, layout.from_: as_stored(day, row[layout.from_], record.effective.from_, zone)}
    values = {_quoted(name): _bound(f"new_{place}", value) for place, (name, value) in enumerate(copied.items())}
    return sa.insert(_with(relation(layout.table), copied)).values(values)


def end_of(day: date, row: Cells, layout: Layout, record: Record, zone: str) -> Cells:
    """What closes `row` when another begins on `day`; nothing where the table keeps no last day."""
    effective = record.effective
    if effective is None or effective.to is None or layout.to is None or layout.from_ is None:
        return {}
    last = day - timedelta(days=1) if effective.to_inclusive else day
    return {layout.to: as_stored(last, row[layout.to] or row[layout.from_], effective.to, zone)}


def as_stored(day: date, like: Any, field: FieldMap, zone: str) -> Any:
    """A day in the form the column holds its days in. Raises WriteFault `unwritable` where that form is not known."""
    if isinstance(like, datetime):
        return datetime.combine(day, datetime.min.time(), like.tzinfo)
    if isinstance(like, date):
        return day
    return unmap_values.day(field, as_texts([like])[0], day.isoformat(), zone, "effective")


def _column(field: FieldMap, what: str, *, rewritten: bool = False) -> str:
    """The one column a key is read from. A key that is computed cannot be searched for."""
    computed = field.sql or field.split or field.map or field.catalogue or field.case
    if len(field.paths) != 1 or (computed and not rewritten):
        raise unwritable("key_not_plain", f"`{what}` is computed; a row is searched for by a column as it stands")
    return field.paths[0]


def _same(expected: Cells) -> list[sa.ColumnElement[bool]]:
    """One condition per column, NULL equal to NULL. Not `IS NOT DISTINCT FROM`: PostgreSQL uses no index for it."""
    return [
        sa.column(_quoted(name)).is_(None)
        if value is None
        else sa.column(_quoted(name)) == _bound(f"old_{place}", value)
        for place, (name, value) in enumerate(expected.items())
    ]


def _with(table: sa.TableClause, cells: Cells) -> sa.TableClause:
    for name in cells:
        if name not in table.c:
            table.append_column(sa.column(_quoted(name)))
    return table


def _bound(name: str, value: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, value, type_=sa.types.NullType())


def _quoted(name: str) -> quoted_name:
    return quoted_name(name, quote=True)
