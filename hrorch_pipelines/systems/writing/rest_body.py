"""What is asked of and sent to a REST system for one write: paths filled in, bodies built from the record held, masks.

Sending is `rest_requests`, source values are `unmap`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.writing import RestAdd, RestWrite
from hrorch_pipelines.systems.json_paths import values_at
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.places import put, steps_of, text_of, value_at
from hrorch_pipelines.systems.writing.remap import Mapped
from hrorch_pipelines.systems.writing.unmap import Rewritten
from hrorch_pipelines.systems.writing.unmap_values import day

_SLOT = re.compile(r"\{(id|parent|row\.[^}]+)\}")


@dataclass(frozen=True)
class RestHeld:
    """What a read found, as `Held.raw`: the answer's records, all rows of the owner, and the one in force."""

    documents: Sequence[dict[str, Any]] = field(repr=False)
    rows: tuple[Mapped, ...]
    row: Mapped
    element: Mapping[str, Any] = field(repr=False)
    etag: str | None = None


class _Shown(str):
    """A leaf already fit to be seen."""

    __slots__ = ()


def records_in(form: RestWrite, content: Any) -> list[dict[str, Any]]:
    """The source records of an answer: the record at `data`, or the list there. Raises WriteFault `refused`."""
    hits = values_at(form.data, content)
    found = hits[0] if len(hits) == 1 and isinstance(hits[0], list) else hits
    if not hits or not all(isinstance(item, dict) for item in found):
        raise fault("missing_data", "the answer has no record at `write.data`", "refused")
    return list(found)


def absent_attributes(declared: Record, form: RestWrite, element: Mapping[str, Any]) -> set[str]:
    """Attributes whose fields the answer does not name at all, where that means they are withheld."""
    if form.absent == "empty":
        return set()
    heads = {
        name: [steps_of(path, "nested", name)[0] for path in field_map.paths if not path.startswith("^")]
        for name, field_map in declared.fields.items()
    }
    return {name for name, fields in heads.items() if any(head not in element for head in fields)}


def elements_of(documents: Sequence[dict[str, Any]], explode: str | None) -> list[dict[str, Any] | None]:
    """The records the mapping numbers: the documents themselves, or the elements of the list in each. Not copies."""
    if explode is None:
        return list(documents)
    elements: list[dict[str, Any] | None] = []
    for document in documents:
        found = value_at(document, steps_of(explode, "nested", "explode"))
        elements += found if isinstance(found, list) else [] if found is None else [None]
    return elements


def with_element(
    documents: Sequence[dict[str, Any]], explode: str | None, row: int, element: dict[str, Any]
) -> list[dict[str, Any]]:
    """The documents with the element at `row` replaced."""
    changed = copy.deepcopy(list(documents))
    old = elements_of(changed, explode)[row]
    if old is None:
        raise unwritable("bad_path", "what is changed is no record")
    old.clear()
    old.update(element)
    return changed


def filled(template: str, owner: str, row: Mapped | None = None, element: Mapping[str, Any] | None = None) -> str:
    """`{parent}`, `{id}` and `{row.NAME}` filled in. Raises WriteFault `unwritable` where the record has no such value."""

    def value(slot: re.Match[str]) -> str:
        if slot[1] == "parent" or (slot[1] == "id" and row is None):
            found: str | None = owner
        elif slot[1] == "id":
            found = row.source_id if row is not None else None
        else:
            name = slot[1].removeprefix("row.")
            found = text_of(value_at(element or {}, steps_of(name, "nested", "path")))
        if not found:
            raise unwritable("bad_path", f"the record has nothing for `{slot[0]}` in `{template}`")
        return quote(found, safe="")

    return _SLOT.sub(value, template)


def new_row(
    declared: Record, add: RestAdd, held: RestHeld, first_day: date, zone: str, rewritten: Mapping[str, Any]
) -> dict[str, Any]:
    """A new row of an effective-dated table: the kept fields of the row in force, its first day, the changes."""
    if declared.effective is None:
        raise unwritable("no_add", "this record type is not effective-dated")
    made: dict[str, Any] = {}
    for name in add.keep:
        steps = steps_of(name, "nested", "keep")
        value = value_at(held.element, steps)
        if value is not None:
            put(made, steps, copy.deepcopy(value))
    starting = declared.effective.from_
    for path in starting.paths:
        steps = steps_of(path, "nested", "effective_from")
        now = text_of(value_at(held.element, steps))
        put(made, steps, day(starting, now, first_day.isoformat(), starting.time_zone or zone, "effective_from"))
    return made | dict(rewritten)


def changed_fields(made: Rewritten) -> dict[str, Any]:
    """What is named in a body that names only what changes: whole top-level fields, so that no part of one is lost."""
    body: dict[str, Any] = {}
    for path, value in made.values.items():
        steps = steps_of(path, "nested", path)
        head = steps[0]
        if not isinstance(head, str):
            raise unwritable("bad_path", f"`{path}` does not start at a field")
        if len(steps) > 1 and isinstance(made.record.get(head), dict | list):
            body[head] = copy.deepcopy(made.record[head])
        else:
            put(body, steps, value)
    return body


def shown(
    stack: Stack, declared: Record, body: Mapping[str, Any], clear: set[str], *, reveal: bool
) -> Mapping[str, Any]:
    """A body fit for a preview: each mapped value as its attribute's sensitivity allows, `clear` paths open, all else masked."""
    if reveal:
        return body
    seen: dict[str, Any] = copy.deepcopy(dict(body))
    for name, field_map in declared.fields.items():
        for path in [*field_map.paths, *([field_map.write_to] if field_map.write_to else [])]:
            if not path.startswith("^"):
                _show(seen, path, stack.attributes[name].sensitivity)
    for path in clear:
        _show(seen, path, "normal")
    return {name: _masked(value) for name, value in seen.items()}


def _show(seen: dict[str, Any], path: str, sensitivity: str) -> None:
    steps = steps_of(path, "nested", path)
    value = value_at(seen, steps)
    if value is not None and not isinstance(value, _Shown | dict | list):
        put(seen, steps, _Shown(mask(text_of(value), sensitivity)))


def _masked(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, _Shown):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _masked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return mask(text_of(value), "personal")
