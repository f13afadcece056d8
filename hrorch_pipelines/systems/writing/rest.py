"""A REST system as a target: one record read again, changed under its version, read by the snapshots' own mapping.

Bodies are built in `rest_body`, requests sent in `rest_requests`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hrorch_pipelines.clock import Clock, local_date
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.writing import RestWrite
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.expected import compare, refuse_unknown
from hrorch_pipelines.systems.writing.in_force import row_in_force, rows_of, starts
from hrorch_pipelines.systems.writing.places import put, steps_of, text_of, value_at
from hrorch_pipelines.systems.writing.proof import neighbours, prove
from hrorch_pipelines.systems.writing.protocol import Held, Preview, Receipt, Write
from hrorch_pipelines.systems.writing.remap import Remap
from hrorch_pipelines.systems.writing.rest_body import (
    RestHeld,
    absent_attributes,
    changed_fields,
    elements_of,
    filled,
    new_row,
    records_in,
    shown,
    with_element,
)
from hrorch_pipelines.systems.writing.rest_requests import Exchange, Reply
from hrorch_pipelines.systems.writing.unmap import Rewritten, rewrite, written_paths

_IF_MATCH = "header:If-Match"


@dataclass(frozen=True)
class _Request:
    """One change, ready to be sent."""

    method: str
    path: str
    body: dict[str, Any] = field(repr=False)
    headers: dict[str, str]
    condition: str


@dataclass
class RestTarget:
    """One REST system. Nothing is reached before `read` or `send`; reads and writes share the system's rate.

    `reveal`: previews show values in clear. `sleep` is given in tests.
    """

    stack: Stack
    system: str
    clock: Clock
    key: bytes = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    reveal: bool = False
    _exchange: Exchange | None = None
    _remap: Remap | None = None

    def __post_init__(self) -> None:
        """`rate` is kept outside the connection: it outlives one, and pushes tell each other of it."""
        self.rate = RateLimit(self.stack.systems[self.system].connection.rate, self.sleep)

    def preview(self, write: Write, held: Held | None = None) -> tuple[Preview, ...]:
        """The request a write would send. Without `held` only its fields are known, not what stands around them."""
        declared, form = self._form(write)
        if held is None:
            return (self._outline(write, declared, form),)
        request = self._request(write, held)
        clear = {path for one in (declared.key, declared.version) if one for path in one.paths if path[:1] != "^"}
        clear |= set(declared.effective.from_.paths) if declared.effective else set()
        clear |= {form.version.removeprefix("body:")} if form.version and form.version != _IF_MATCH else set()
        body = shown(self.stack, declared, request.body, clear, reveal=self.reveal)
        return (Preview(request.method, request.path, body, request.condition),)

    def read(self, write: Write) -> Held:
        """Read the record, or the row of its table that counts on `effective_from` (else today)."""
        declared, form = self._form(write)
        params = {name: filled(value, write.source_id) for name, value in form.params.items()}
        answer = self._connected().read(filled(form.read, write.source_id), params, form.headers)
        if answer is None:
            return Held(found=False)
        documents = records_in(form, answer.content)
        wanted = {change.attribute for change in write.changes}
        wanted |= neighbours(self.stack, self.system, write.record, dict.fromkeys(wanted))
        if declared.effective is not None and write.effective_from is not None:
            wanted |= set(declared.fields)  # a new row must keep what the old one says
        try:
            rows = self._mapping().rows(write.record, documents, wanted)
        except MappingFault as wrong:
            raise fault("bad_path", wrong.what, "refused") from None
        own = rows_of(rows, write.source_id)
        if rows and not own and not any(row.deleted for row in rows):
            raise fault("not_the_record", f"{write.record}: the answer holds another record", "refused")
        effective, child = declared.effective is not None, declared.parent is not None
        row = row_in_force(own, effective=effective, child=child, day=write.effective_from or self._today())
        if row is None:
            return Held(found=False)
        element = elements_of(documents, declared.explode)[row.row]
        raw = RestHeld(documents, tuple(own), row, element or {}, answer.etag)
        told = {change.attribute for change in write.changes} & row.values.keys()
        told -= absent_attributes(declared, form, raw.element)
        return Held(
            found=True,
            values={attribute: row.values[attribute] for attribute in told},
            version=_version(form, raw) or row.version,
            changed_by=row.updated_by,
            changed_at=row.updated_at,
            raw=raw,
        )

    def send(self, write: Write, held: Held) -> Receipt:
        """Send the change, once, if `held` shows `before`. Raises WriteFault; see `protocol`."""
        _, form = self._form(write)
        compare(self.stack, write, held)
        request = self._request(write, held)
        answer = self._connected().write(
            request.method, request.path, request.body, request.headers, changed=_changed_statuses(form)
        )
        return Receipt(version=_answered_version(form, answer))

    def close(self) -> None:
        """Give connections and memory back; the target can be used again."""
        if self._exchange is not None:
            self._exchange.close()
        if self._remap is not None:
            self._remap.close()
        self._exchange = self._remap = None

    def _request(self, write: Write, held: Held) -> _Request:
        declared, form = self._form(write)
        if not isinstance(held.raw, RestHeld):
            raise unwritable("missing_row", f"{write.record}: there is no record to change")
        refuse_unknown(write, held)
        if write.effective_from is not None:
            if declared.effective is not None and starts(held.raw.row) != write.effective_from:
                return self._addition(write, write.effective_from, held.raw)
            if declared.effective is None and write.effective_from > self._today():
                raise unwritable(
                    "not_representable", f"{write.record}: a value that counts later cannot be entered now"
                )
        return self._change(write, held.raw, declared, form)

    def _change(self, write: Write, held: RestHeld, declared: Record, form: RestWrite) -> _Request:
        made = self._rewritten(write, dict(held.element))
        after = with_element(held.documents, declared.explode, held.row.row, made.record)
        prove(
            self._mapping(),
            write.record,
            _wishes(write),
            before=held.documents,
            after=after,
            row=held.row.row,
            known=held.row,
        )
        body = {**made.record, **changed_fields(made)} if form.body == "whole" else changed_fields(made)
        headers, condition = dict(form.headers), "none: the record is read again just before"
        if form.version is not None:
            version = _version(form, held)
            if version is None:
                raise fault("no_version", f"{write.record}: the record came without its version", "refused")
            if form.version == _IF_MATCH:
                headers["If-Match"] = version
                condition = "If-Match: the ETag read"
            else:
                name = form.version.removeprefix("body:")
                put(body, steps_of(name, "nested", name), value_at(held.element, steps_of(name, "nested", name)))
                condition = f"`{name}` as read"
        path = filled(form.path, write.source_id, held.row, held.element)
        return _Request(form.method, path, body, headers, condition)

    def _addition(self, write: Write, first_day: date, held: RestHeld) -> _Request:
        declared, form = self._form(write)
        if form.add is None:
            raise unwritable("no_add", f"{write.record}: no new row can be added")
        if any(first_day < starts(row) <= self._today() for row in held.rows):
            raise unwritable("later_row", f"{write.record}: a later row counts by now, a new one before it would not")
        made = self._rewritten(write, dict(held.element))
        zone = self.stack.systems[self.system].time_zone or self.stack.organization.time_zone
        row = new_row(declared, form.add, held, first_day, zone, changed_fields(made))
        after = with_element(held.documents, declared.explode, held.row.row, row)
        proven = prove(
            self._mapping(),
            write.record,
            _wishes(write),
            before=held.documents,
            after=after,
            row=held.row.row,
            known=held.row,
            others=frozenset(declared.fields) - _wishes(write).keys(),
        )
        if proven.effective_from != first_day:
            raise unwritable(
                "not_representable", f"{write.record}: its first day cannot be said as the field is mapped"
            )
        path = filled(form.add.path, write.source_id, held.row, held.element)
        return _Request(form.add.method, path, row, dict(form.headers), "none: rows are read again just before")

    def _rewritten(self, write: Write, element: dict[str, Any]) -> Rewritten:
        return rewrite(self.stack, self.system, write.record, _wishes(write), element)

    def _outline(self, write: Write, declared: Record, form: RestWrite) -> Preview:
        adds = form.add if write.effective_from is not None and declared.effective is not None else None
        body: dict[str, Any] = {}
        for change in write.changes:
            value = (
                change.after if self.reveal else mask(change.after, self.stack.attributes[change.attribute].sensitivity)
            )
            body |= dict.fromkeys(written_paths(declared, change.attribute), value)
        where = (adds.path if adds else form.path).replace("{parent}", write.source_id)
        return Preview(adds.method if adds else form.method, where, body, form.version)

    def _form(self, write: Write) -> tuple[Record, RestWrite]:
        declared = self.stack.systems[self.system].records[write.record]
        if not isinstance(declared.write, RestWrite):
            raise unwritable("no_write", f"{self.system}.{write.record}: nothing says how it is changed")
        for change in write.changes:
            written_paths(declared, change.attribute)
            if declared.write.only and change.attribute not in declared.write.only:
                raise unwritable("read_only", f"{change.attribute}: {self.system} does not take it in {write.record}")
        return declared, declared.write

    def _today(self) -> date:
        return local_date(self.clock.now(), self.stack.organization.time_zone)

    def _connected(self) -> Exchange:
        if self._exchange is None:
            system = self.stack.systems[self.system]
            self._exchange = Exchange(system, self.clock, self.rate)
        return self._exchange

    def _mapping(self) -> Remap:
        if self._remap is None:
            self._remap = Remap(self.stack, self.system, self.key, "nested")
        return self._remap


def _wishes(write: Write) -> Mapping[str, str | None]:
    return {change.attribute: change.after for change in write.changes}


def _changed_statuses(form: RestWrite) -> frozenset[int]:
    if form.version is None:
        return frozenset()
    return frozenset({412}) if form.version == _IF_MATCH else frozenset({409, 412})


def _version(form: RestWrite, held: RestHeld) -> str | None:
    if form.version is None:
        return None
    if form.version == _IF_MATCH:
        return held.etag
    name = form.version.removeprefix("body:")
    return text_of(value_at(held.element, steps_of(name, "nested", name)))


def _answered_version(form: RestWrite, answer: Reply) -> str | None:
    if form.version is None or form.version == _IF_MATCH:
        return answer.etag
    name = form.version.removeprefix("body:")
    return text_of(value_at(answer.content, steps_of(name, "nested", name)))
