"""The records of one type that a maker has seen: read whole once, kept until it closes, with what was made since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import RestRead
from hrorch_pipelines.systems.making.reading import Found
from hrorch_pipelines.systems.making.same import Namesakes
from hrorch_pipelines.systems.writing.remap import Mapped

Read = Callable[[frozenset[str], datetime | None], Iterator[Found]]
"""Attributes, and since when → records and their rows; None reads everything."""

_OVERLAP = timedelta(minutes=1)
"""A window begins so much before the last read: clocks differ."""


@dataclass
class KnownPeople:
    """The base records of a system. Read in full at first; later looks ask for what changed, where the system can say it.

    `note` is shown every source record read.
    """

    stack: Stack
    system: str
    record: str
    read: Read
    now: Callable[[], datetime]
    note: Callable[[dict[str, Any]], None] = field(default=lambda _: None)
    _people: Namesakes | None = None
    _read_at: datetime | None = None

    def people(self) -> Namesakes:
        """Everybody who is there. Raises WriteFault `not_done` when that cannot be told."""
        fresh = self._people or Namesakes(self.stack, self.system, self.record)
        if self._people is None or self._has_window():
            started = self.now()
            since = self._read_at - _OVERLAP if self._read_at is not None and self._people is not None else None
            for documents, rows in self.read(fresh.attributes, since):
                fresh.put(rows)
                for document in documents:
                    self.note(document)
            self._people, self._read_at = fresh, started
        return fresh

    def put(self, rows: Iterable[Mapped]) -> None:
        """Take in rows just seen or made; nothing where nobody asked for the people yet."""
        if self._people is not None:
            self._people.put(rows)

    def forget(self) -> None:
        """The next question reads everything again."""
        self._people = self._read_at = None

    def _has_window(self) -> bool:
        read = self.stack.systems[self.system].records[self.record].read
        return isinstance(read, RestRead) and read.window is not None


@dataclass
class KnownRows:
    """The rows of a record type with a parent, by parent; read in full at the first question."""

    stack: Stack
    system: str
    record: str
    read: Read
    _rows: dict[str, list[Mapped]] | None = None

    def of(self, parent: str) -> list[Mapped]:
        """The living rows of one parent. Raises WriteFault `not_done` when they cannot be told."""
        if self._rows is None:
            rows: dict[str, list[Mapped]] = defaultdict(list)
            fields = frozenset(self.stack.systems[self.system].records[self.record].fields)
            for _, found in self.read(fields, None):
                for row in found:
                    if row.parent_id is not None and not row.deleted:
                        rows[row.parent_id].append(row)
            self._rows = dict(rows)
        return self._rows.get(parent, [])

    def forget(self) -> None:
        """The next question reads everything again."""
        self._rows = None
