"""Makes records in a REST system: looked for by identity first, sent once, looked for again.

Bodies are `new_record`, what is there already `known` and `rest_look`, who is the same `same`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.writing import RestCreate, RestWrite
from hrorch_pipelines.systems.json_paths import first_at
from hrorch_pipelines.systems.making.known import KnownPeople, KnownRows
from hrorch_pipelines.systems.making.new_record import asked, blank, new_record
from hrorch_pipelines.systems.making.protocol import Making, NewRecord, Seen
from hrorch_pipelines.systems.making.reading import Found, read_all
from hrorch_pipelines.systems.making.rest_look import Around, around, can_be_asked, create_path, laid_out, needs_holder
from hrorch_pipelines.systems.making.same import Likeness, Namesakes, rows_say
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.rest_auth import fill
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.places import put, steps_of, text_of, value_at
from hrorch_pipelines.systems.writing.protocol import Preview, Receipt, WriteFault
from hrorch_pipelines.systems.writing.remap import Mapped, Remap
from hrorch_pipelines.systems.writing.rest_body import filled, shown
from hrorch_pipelines.systems.writing.rest_requests import Exchange, Reply

_IF_MATCH = "header:If-Match"


@dataclass(frozen=True)
class _Request:
    """One request, ready to be sent. `row`: what a snapshot would read of the record."""

    method: str
    path: str
    body: dict[str, Any] = field(repr=False)
    headers: dict[str, str]
    row: Mapped = field(repr=False)
    condition: str | None = None
    known_id: str | None = None
    versioned: bool = False


@dataclass
class RestMaker:
    """One REST system in which records are made. Nothing is reached before `look`; the system's rate is kept.

    `reveal`: previews show values in clear. `scratch`: where what is read may lie for a moment. `sleep` is given in tests.
    """

    stack: Stack
    system: str
    clock: Clock
    key: bytes = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    reveal: bool = False
    scratch: Path | None = None
    _exchange: Exchange | None = None
    _remap: Remap | None = None
    _people: dict[str, KnownPeople] = field(default_factory=dict)
    _rows: dict[str, KnownRows] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """`rate` is kept outside the connection: it outlives one, and pushes tell each other of it."""
        self.rate = RateLimit(self.stack.systems[self.system].connection.rate, self.sleep)

    def preview(self, making: Making) -> Preview:
        """The request it would send. Raises WriteFault `unwritable`."""
        new, declared = asked(self.stack, making)
        request = self._request(making, new, declared, None)
        clear = {*self._form(declared).constant, *(declared.effective.from_.paths if declared.effective else ())}
        body = shown(self.stack, declared, request.body, clear, reveal=self.reveal)
        return Preview(request.method, request.path, body, request.condition)

    def look(self, making: Making) -> Seen:
        """Whether it is there already. Raises WriteFault `not_done` when that cannot be told."""
        new, declared = asked(self.stack, making)
        if declared.parent is not None and new.parent_id is not None:
            return self._look_among_rows(new, declared, new.parent_id)
        known, reference = self._known(new.record), self._made.get(making.idempotency_key)
        if reference is not None and isinstance(declared.write, RestWrite):
            found = around(self.stack, self.system, new.record, reference, self._connected(), self._mapping())
            if found is not None and found.rows:
                known.put(found.rows)
                return _as_made(self.stack, self.system, new, reference, found)
            known.forget()
        people = known.people()
        if not people.usable(new.values) and self._form(declared).idempotency_header:
            return Seen("absent")  # the system itself never makes the same twice
        return people.look(new.values)

    def make(self, making: Making, seen: Seen) -> Receipt:
        """Make it, once. Raises WriteFault; ValueError for what is not `absent`: nobody may act on that."""
        if seen.state != "absent":
            raise ValueError(f"only what is absent is made, and this is {seen.state}")
        new, declared = asked(self.stack, making)
        found = None
        if needs_holder(self._form(declared)):
            found = self._around(new)
            if found is None:
                raise fault("changed", f"{new.record}: the person's {declared.parent} is not there", "changed")
        request = self._request(making, new, declared, found)
        try:
            answer = self._connected().write(
                request.method,
                request.path,
                request.body,
                request.headers,
                changed=frozenset({409, 412}) if request.versioned else frozenset(),
            )
        except WriteFault as wrong:
            if wrong.outcome != "not_done":
                self._forget(new.record)  # somebody, maybe we, made it meanwhile
            raise
        reference = request.known_id or _new_key(self._form(declared), answer)
        self._remember(making, new, request.row, reference)
        return Receipt(reference=reference, version=answer.etag)

    def close(self) -> None:
        """Give connections and memory back; the maker can be used again."""
        if self._exchange is not None:
            self._exchange.close()
        if self._remap is not None:
            self._remap.close()
        self._exchange = self._remap = None
        self._people.clear()
        self._rows.clear()
        self._made.clear()

    def _look_among_rows(self, new: NewRecord, declared: Record, parent: str) -> Seen:
        if can_be_asked(declared):
            found = self._around(new)
            if found is None:
                return Seen("unclear", why=f"the person's {declared.parent} is not there")
            empty = laid_out(declared, found)
            rows = [row for row in found.rows if row not in empty]
        else:
            rows = self._known_rows(new.record).of(parent)
        dated = declared.effective is not None
        if dated:
            rows = [row for row in rows if row.effective_from == new.effective_from]
        return rows_say(self.stack, new.record, new.values, rows, dated=dated)

    def _around(self, new: NewRecord) -> Around | None:
        """The rows of the person's own record, as they are now."""
        return around(self.stack, self.system, new.record, new.parent_id or "", self._connected(), self._mapping())

    def _request(self, making: Making, new: NewRecord, declared: Record, found: Around | None) -> _Request:
        form = self._form(declared)
        empty = laid_out(declared, found) if found is not None else []
        if empty and found is not None:
            return self._filling(new, declared, found, empty[0])
        start = blank(self.stack, self.system, declared, new)
        made = new_record(self.stack, self.system, self._mapping(), new, start)
        path = create_path(form, new.parent_id, found)
        if form.params:
            credentials = self.stack.systems[self.system].credentials
            path += "?" + urlencode({name: fill(value, credentials) for name, value in form.params.items()})
        headers = dict(form.headers)
        if form.idempotency_header:
            headers[form.idempotency_header] = making.idempotency_key
        condition = f"{form.idempotency_header}: the same for every try" if form.idempotency_header else None
        return _Request(form.method, path, made.body, headers, made.row, condition)

    def _filling(self, new: NewRecord, declared: Record, found: Around, row: Mapped) -> _Request:
        """The row the system has laid out is changed as `write` says, under its version."""
        form = declared.write
        if not isinstance(form, RestWrite):
            raise unwritable("no_write", f"{new.record}: nothing says how the row that is there is changed")
        element = found.elements[row.row]
        start = blank(self.stack, self.system, declared, new, element)
        made = new_record(self.stack, self.system, self._mapping(), new, start, holder=found.holder)
        headers, condition = dict(form.headers), None
        if form.version == _IF_MATCH:
            if found.etag is None:
                raise fault("no_version", f"{new.record}: the record came without its version", "refused")
            headers["If-Match"], condition = found.etag, "If-Match: the ETag read"
        elif form.version is not None:
            name = form.version.removeprefix("body:")
            steps = steps_of(name, "nested", name)
            put(made.body, steps, value_at(element, steps))
            condition = f"`{name}` as read"
        path = filled(form.path, new.parent_id or "", row, element)
        return _Request(
            form.method, path, made.body, headers, made.row, condition, row.source_id, condition is not None
        )

    def _remember(self, making: Making, new: NewRecord, row: Mapped, reference: str | None) -> None:
        """So that the next look sees it, whoever asks."""
        if reference is None or new.record in self._rows:
            self._forget(new.record)
        if reference is not None:
            self._made[making.idempotency_key] = reference
            if new.record in self._people:
                declared = self.stack.systems[self.system].records[new.record]
                if isinstance(declared.write, RestWrite):
                    self._people[new.record].put([replace(row, source_id=reference)])
                else:
                    self._people[new.record].forget()  # nothing but a whole read shows that it is there

    def _forget(self, record: str) -> None:
        if record in self._people:
            self._people[record].forget()
        if record in self._rows:
            self._rows[record].forget()

    def _form(self, declared: Record) -> RestCreate:
        if not isinstance(declared.create, RestCreate):
            raise TypeError(f"{self.system} is not declared for REST")
        return declared.create

    def _known(self, record: str) -> KnownPeople:
        if record not in self._people:
            self._people[record] = KnownPeople(
                self.stack, self.system, record, lambda names, since: self._read(record, names, since), self.clock.now
            )
        return self._people[record]

    def _known_rows(self, record: str) -> KnownRows:
        if record not in self._rows:
            self._rows[record] = KnownRows(
                self.stack, self.system, record, lambda names, since: self._read(record, names, since)
            )
        return self._rows[record]

    def _read(self, record: str, names: frozenset[str], since: datetime | None) -> Iterator[Found]:
        return read_all(
            self.stack,
            self.system,
            record,
            self.clock,
            self._mapping(),
            names,
            rate=self.rate,
            sleep=self.sleep,
            since=since,
            scratch=self.scratch,
        )

    def _connected(self) -> Exchange:
        if self._exchange is None:
            self._exchange = Exchange(self.stack.systems[self.system], self.clock, self.rate)
        return self._exchange

    def _mapping(self) -> Remap:
        if self._remap is None:
            self._remap = Remap(self.stack, self.system, self.key, "nested")
        return self._remap


def _as_made(stack: Stack, system: str, new: NewRecord, reference: str, found: Around) -> Seen:
    """What stands under the id we were given: the person meant, or somebody else."""
    people = Namesakes(stack, system, new.record)
    people.put(found.rows)
    if not people.knows(reference):
        return Seen("unclear", why="what stands under the id given to us is another record")
    if people.usable(new.values) and people.likeness(new.values, reference) is not Likeness.SAME:
        return Seen("unclear", why="what stands under the id given to us is not what was made")
    row = found.rows[0]
    filled = {name: text for name, text in row.values.items() if text is not None and new.values.get(name) is None}
    return Seen("there", source_id=reference, version=row.version, filled=filled)


def _new_key(form: RestCreate, answer: Reply) -> str | None:
    """The key of what was made, as the answer tells it; None where it does not."""
    if form.id.startswith("header:"):
        last = urlsplit(answer.location or "").path.rstrip("/").rpartition("/")[2]
        return unquote(last) or None
    return text_of(first_at(form.id, answer.content)) or None
