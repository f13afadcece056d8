"""What a person's record holds of one kind, asked of a REST system just now: rows, and the document they lie in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record, RestRead
from hrorch_pipelines.stack.writing import RestCreate, RestWrite
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.rest import PARENT_ID
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.in_force import rows_of
from hrorch_pipelines.systems.writing.places import steps_of, text_of, value_at
from hrorch_pipelines.systems.writing.remap import Mapped, Remap
from hrorch_pipelines.systems.writing.rest_body import absent_attributes, elements_of, filled, records_in
from hrorch_pipelines.systems.writing.rest_requests import Exchange

_SLOT = re.compile(r"\{(parent|\^\.[^}]+)\}")


@dataclass(frozen=True)
class Around:
    """What surrounds a record to be made: its holder's documents, the living rows of the kind, and each row's element."""

    documents: Sequence[dict[str, Any]] = field(repr=False)
    rows: tuple[Mapped, ...] = field(repr=False)
    elements: Mapping[int, dict[str, Any]] = field(repr=False)
    etag: str | None = None

    @property
    def holder(self) -> dict[str, Any]:
        """The document that holds the elements, where there is one."""
        return self.documents[0] if len(self.documents) == 1 else {}


def can_be_asked(declared: Record) -> bool:
    """Whether one person's rows of this kind can be asked for, without reading everybody's."""
    looked = isinstance(declared.create, RestCreate) and declared.create.look is not None
    return looked or isinstance(declared.write, RestWrite) or _each(declared) is not None


def around(stack: Stack, system: str, record: str, source_id: str, exchange: Exchange, remap: Remap) -> Around | None:
    """The record `source_id`, or the rows of that parent; None when the system says that there is no such record.

    Raises WriteFault `not_done` when it cannot be reached.
    """
    declared = stack.systems[system].records[record]
    form = _way(declared)
    params = {name: filled(value, source_id) for name, value in form.params.items()}
    answer = exchange.read(filled(form.read, source_id), params, form.headers)
    if answer is None:
        return None
    documents = [{**document, PARENT_ID: source_id} for document in records_in(form, answer.content)]
    try:
        rows = remap.rows(record, documents, declared.fields)
    except MappingFault as wrong:
        raise fault("bad_path", wrong.what, "refused") from None
    own = rows_of(rows, source_id)
    elements = {row.row: elements_of(documents, declared.explode)[row.row] or {} for row in own}
    told = tuple(_without(row, absent_attributes(declared, form, elements[row.row])) for row in own)
    return Around(documents, told, elements, answer.etag)


def laid_out(declared: Record, found: Around) -> list[Mapped]:
    """Rows that the system made by itself, with nothing in them yet (`create.fills`)."""
    form = declared.create
    if not isinstance(form, RestCreate) or not form.fills:
        return []

    def empty(element: Mapping[str, Any]) -> bool:
        return all(
            text_of(value_at(element, steps_of(path, "nested", path))) == value for path, value in form.fills.items()
        )

    return [row for row in found.rows if empty(found.elements[row.row])]


def create_path(form: RestCreate, parent: str | None, found: Around | None) -> str:
    """The path with `{parent}` and `{^.PATH}` filled in. Raises WriteFault `unwritable` where the holder has no such value.

    Without `found` the latter stay as they are: a preview asks nothing.
    """

    def value(slot: re.Match[str]) -> str:
        if slot[1] == "parent":
            told = parent
        elif found is None:
            return slot[0]
        else:
            path = slot[1].removeprefix("^.")
            told = text_of(value_at(found.holder, steps_of(path, "nested", "path")))
        if not told:
            raise unwritable("no_holder", f"the person's record has nothing for `{slot[0]}` in `{form.path}`")
        return quote(told, safe="")

    return _SLOT.sub(value, form.path)


def needs_holder(form: RestCreate) -> bool:
    """Whether the holder must be read before anything can be made."""
    return "{^." in form.path or bool(form.fills)


def _way(declared: Record) -> RestWrite:
    """How one is asked for: as `create` says, as `write` reads it again, else by the read of one parent's rows."""
    if isinstance(declared.create, RestCreate) and declared.create.look is not None:
        look = declared.create.look
        return RestWrite(read=look.path, params=look.params, data=look.data, path=look.path)
    if isinstance(declared.write, RestWrite):
        return declared.write
    read = _each(declared)
    if read is None:
        raise TypeError("records of this type cannot be asked for one by one")
    return RestWrite(read=read.path, params=read.params, data=read.data, headers=read.headers, path=read.path)


def _each(declared: Record) -> RestRead | None:
    """The read of one parent's rows, where it is one answer."""
    read = declared.read
    if not isinstance(read, RestRead) or read.each is None:
        return None
    return read if read.paginator.type == "none" and read.method == "GET" else None


def _without(row: Mapped, withheld: set[str]) -> Mapped:
    """A row without what the answer does not tell: that is hidden, not empty."""
    if not withheld:
        return row
    values = {name: value for name, value in row.values.items() if name not in withheld}
    return replace(row, values=values, hidden=row.hidden | withheld)
