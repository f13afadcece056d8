"""A database table as a target: one transaction per write, which changes the row only while it still is as it was read.

The statements are in `sql_statements`, connections and their errors in `sql_session`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock, local_date
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record, SqlRead
from hrorch_pipelines.stack.terms import Sensitivity
from hrorch_pipelines.stack.writing import SqlWrite
from hrorch_pipelines.systems.formats.parsed import column_names
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.sql import as_texts
from hrorch_pipelines.systems.writing import sql_statements as statements
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.in_force import row_in_force, rows_of
from hrorch_pipelines.systems.writing.proof import same
from hrorch_pipelines.systems.writing.protocol import Held, Preview, Receipt, Write, WriteFault
from hrorch_pipelines.systems.writing.remap import Mapped, Remap
from hrorch_pipelines.systems.writing.sql_session import SqlSession
from hrorch_pipelines.systems.writing.sql_statements import Layout


@dataclass(frozen=True)
class SqlRow:
    """The row to change, as the driver gave it; `texts` as the mapping reads it."""

    cells: Mapping[str, Any] = field(repr=False)
    texts: Mapping[str, str | None] = field(repr=False)
    starts: date | None


class SqlTarget:
    """One database. Nothing is opened before the first `read`; `close` gives the connections back."""

    def __init__(self, stack: Stack, system: str, clock: Clock, key: bytes) -> None:
        self.stack, self.name, self.clock = stack, system, clock
        self.system = stack.systems[system]
        self.rate = RateLimit(self.system.connection.rate)
        self._remap = Remap(stack, system, key, "flat")
        self._zone = self.system.time_zone or stack.organization.time_zone
        self._session = SqlSession(self.system, stack.folder)

    def preview(self, write: Write, held: Held | None = None) -> tuple[Preview, ...]:
        """The statements, values as placeholders; `body` says what goes into which column, masked."""
        row = held.raw if held and isinstance(held.raw, SqlRow) else None
        new, record, layout = self._new(write, row), *self._declared(write)
        cells = {**dict.fromkeys([*layout.identity, layout.to or layout.key, *new]), **(row.cells if row else {})}
        # A condition on an unknown value reads `= :old`, not `IS NULL`.
        shown = {name: "" if value is None and row is None else value for name, value in cells.items()}
        adds = write.effective_from is not None and not (row and row.starts == write.effective_from)
        sensitivity = self._sensitivity(write)
        body = {name: mask(value, sensitivity) for name, value in new.items()}
        if not adds:
            sql = statements.change(layout, shown, new, self._watched(write, shown))
            return (Preview("UPDATE", self._compiled(sql), body, "only while the row is as it was read"),)
        added = f"a row from {write.effective_from}, the others of its columns as in the row in force"
        table = self._dialect().identifier_preparer.format_table(statements.relation(layout.table))
        first = Preview("INSERT", f"INSERT INTO {table}", {**body, str(layout.from_): str(write.effective_from)}, added)
        if record.effective is None or record.effective.to is None:
            return (first,)
        return Preview(
            "UPDATE", f"UPDATE {table}", {str(layout.to): "the day before"}, "closes the row in force"
        ), first

    def read(self, write: Write) -> Held:
        """The row that counts now (on `effective_from`, where that is set), mapped as in a snapshot."""
        record, layout = self._declared(write)
        self.rate.wait()
        with self._session.transaction() as con:
            row, mapped = self._row(con, write, record, layout)
        if row is None or mapped is None:
            return Held(found=False)
        return Held(True, mapped.values, mapped.version, mapped.updated_by, mapped.updated_at, row)

    def send(self, write: Write, held: Held) -> Receipt:
        """Change the row in one transaction. `changed` when it is no longer as `held` has it; then nothing is written."""
        record, layout = self._declared(write)
        row = held.raw
        if not isinstance(row, SqlRow):
            raise fault("changed", f"{write.record}: the row is not there", "changed")
        for change in write.changes:
            if change.attribute not in held.values:
                raise unwritable("unknown_value", f"{change.attribute}: what the row holds now cannot be told")
            if not same(self.stack, change.attribute, held.values[change.attribute], change.before):
                raise fault(
                    "changed", f"{change.attribute}: the row holds another value than the one to replace", "changed"
                )
        new = self._new(write, row)
        self.rate.wait()
        with self._session.transaction(writing=True) as con:
            watched = self._watched(write, row.cells)
            if write.effective_from is None or row.starts == write.effective_from:
                self._change(con, write, layout, row, new, watched)
            else:
                self._add(con, write, record, layout, row, new)
        return Receipt()

    def close(self) -> None:
        """Give the connections back."""
        self._remap.close()
        self._session.close()

    def _change(
        self, con: sa.Connection, write: Write, layout: Layout, row: SqlRow, new: Mapping[str, Any], watched: list[str]
    ) -> None:
        count = con.execute(statements.change(layout, row.cells, new, watched)).rowcount
        if count > 1:
            raise WriteFault(
                "key_not_unique",
                f"{write.record}: {count} rows answer to one key; none was changed",
                outcome="refused",
                remedy="name the column that tells the rows apart as `write.key`, or remove the surplus row",
            )
        if count < 1:
            raise fault("changed", f"{write.record}: the row changed after it was read", "changed")

    def _add(
        self, con: sa.Connection, write: Write, record: Record, layout: Layout, row: SqlRow, new: Mapping[str, Any]
    ) -> None:
        """Close the row in force and add its copy. All the person's rows are looked at again under a lock first."""
        again, _ = self._row(con, write, record, layout, lock=True)
        if again is None or again.cells != row.cells or write.effective_from is None:
            raise fault("changed", f"{write.record}: the row in force changed after it was read", "changed")
        day, declared = write.effective_from, self._write_of(record)
        if closing := statements.end_of(day, row.cells, layout, record, self._zone):
            self._change(con, write, layout, row, closing, [])
        con.execute(statements.add(layout, row.cells, new, day, record, declared.omit, self._zone))

    def _row(
        self, con: sa.Connection, write: Write, record: Record, layout: Layout, *, lock: bool = False
    ) -> tuple[SqlRow | None, Mapped | None]:
        read, same_table = self._source(record)
        owner = layout.owner if same_table else (record.parent_key or record.key).paths[0]
        rows = _rows(con.execute(statements.find(read, {owner: write.source_id}, lock=lock and same_table)))
        rows = rows or _rows(con.execute(statements.find_by_text(read, owner, write.source_id)))
        if not rows:
            return None, None
        documents = [_texts(row) for row in rows]
        try:
            mapped = self._remap.rows(write.record, documents, [change.attribute for change in write.changes])
        except MappingFault as wrong:
            raise WriteFault("mapping", wrong.what, outcome="not_done", remedy=wrong.remedy) from None
        day = write.effective_from or local_date(self.clock.now(), self._zone)
        own = rows_of(mapped, write.source_id)
        effective, child = record.effective is not None, record.parent is not None
        chosen = row_in_force(own, effective=effective, child=child, day=day)
        if chosen is None:
            return None, None
        cells: Mapping[str, Any] = rows[chosen.row]
        if not same_table:
            cells = self._in_table(con, write, record, layout, cells, lock=lock)
        return SqlRow(cells, {**documents[chosen.row], **_texts(cells)}, chosen.effective_from), chosen

    def _in_table(
        self, con: sa.Connection, write: Write, record: Record, layout: Layout, cells: Mapping[str, Any], *, lock: bool
    ) -> Mapping[str, Any]:
        """The row of the table to change that belongs to a row of the query read."""
        read_key = record.key.paths[0]
        wanted = {layout.key: cells[read_key], **{name: cells[name] for name in layout.identity if name in cells}}
        found = _rows(con.execute(statements.find(statements.relation(layout.table), wanted, lock=lock)))
        if len(found) != 1:
            raise WriteFault(
                "key_not_unique" if found else "not_in_table",
                f"{write.record}: {len(found)} rows of `{layout.table}` belong to the row read",
                outcome="refused",
                remedy="check `write.table` and `write.key` against the query of `read`",
            )
        return found[0]

    def _new(self, write: Write, row: SqlRow | None) -> dict[str, Any]:
        from hrorch_pipelines.systems.writing.unmap import source_values

        after = {change.attribute: change.after for change in write.changes}
        texts = row.texts if row else dict.fromkeys(self._paths(write))
        new = source_values(self.stack, self.name, write.record, after, texts, self.stack.folder, remap=self._remap)
        missing = next((name for name in new if row and name not in row.cells), None)
        if missing is not None:
            raise unwritable("no_column", f"{write.record}: `{missing}` is not a column of the table written")
        return dict(new)

    def _watched(self, write: Write, cells: Mapping[str, Any]) -> list[str]:
        """Every column the changed attributes are read from: an amount counts only with its unit."""
        fields = self.system.records[write.record].fields
        read = [name for change in write.changes for name in fields[change.attribute].read_from]
        return [name for name in read if name in cells]

    def _paths(self, write: Write) -> list[str]:
        """Every column the mapping of this record type names."""
        maps = self.system.records[write.record].maps()
        found = [path for one in maps for path in (*one.read_from, one.write_to) if path]
        return list(dict.fromkeys(found))

    def _declared(self, write: Write) -> tuple[Record, Layout]:
        record = self.system.records[write.record]
        return record, statements.layout_of(record, self._write_of(record))

    def _write_of(self, record: Record) -> SqlWrite:
        if not isinstance(record.write, SqlWrite):
            raise unwritable("no_write", "this record type has no `write`")
        return record.write

    def _source(self, record: Record) -> tuple[sa.FromClause, bool]:
        """What is read, and whether it is the very table that is written."""
        read, write = record.read, self._write_of(record)
        if not isinstance(read, SqlRead):
            raise TypeError(f"{self.name} is not declared for SQL")
        if read.query is None:
            return statements.relation(str(read.table)), read.table == write.table
        query = read.query.strip().rstrip(";").replace(":", "\\:")  # a colon is the user's own, never a parameter
        return sa.text(f"({query}) AS read_again"), False  # type: ignore[return-value]  # select_from takes a text

    def _sensitivity(self, write: Write) -> str:
        """The strictest of what is written, for all columns: one column may carry several attributes."""
        order = list(Sensitivity)
        found = [self.stack.attributes[change.attribute].sensitivity for change in write.changes]
        return max(found, key=order.index)

    def _dialect(self) -> sa.Dialect:
        dialect: type[sa.Dialect] = sa.make_url(self.system.base_url).get_dialect()
        return dialect()

    def _compiled(self, statement: sa.Update) -> str:
        return " ".join(str(statement.compile(dialect=self._dialect())).split())


def _rows(result: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    names, _ = column_names(list(result.keys()))
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def _texts(row: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: as_texts([value])[0] for name, value in row.items()}
