"""Canonical texts in a source's own terms: the mapping turned round, field by field, and proven by mapping it back.

What is sent where is the targets' business; which JSON place a path names is `places`; dates and numbers are `unmap_values`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.mapping.catalogues import entries_of
from hrorch_pipelines.systems.mapping.text import TRIMMED
from hrorch_pipelines.systems.writing.errors import unwritable
from hrorch_pipelines.systems.writing.places import Shape, put, steps_of, take_out, text_of, value_at
from hrorch_pipelines.systems.writing.proof import meaning, prove
from hrorch_pipelines.systems.writing.remap import Remap
from hrorch_pipelines.systems.writing.unmap_values import boolean, code, day, moment, number, typed

_NO_KEY = b"\0" * 32  # secrets are never written, so nothing is hashed


@dataclass(frozen=True)
class Rewritten:
    """A record with its changes made. `values`: the paths that are written (`write_to` where declared) → JSON value.

    `record` has the value at the path it is read from too, so that mapping it back proves it.
    """

    record: dict[str, Any] = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)


def source_values(
    stack: Stack,
    system: str,
    record: str,
    changes: Mapping[str, str | None],
    raw: Mapping[str, Any],
    folder: Path | None = None,
    *,
    remap: Remap | None = None,
    shape: Shape | None = None,
) -> dict[str, Any]:
    """The source values of `changes` (attribute → canonical text), by path, for the record held as `raw`.

    Proven: mapped back by the snapshots' own statement they give what was wished and change nothing else. `folder`:
    where catalogues lie, if not beside the stack file. Raises WriteFault `unwritable`.
    """
    own = remap or Remap(stack, system, _NO_KEY, shape)
    try:
        made = rewrite(stack, system, record, changes, raw, shape=own.shape, folder=folder)
        prove(own, record, changes, before=[raw], after=[made.record], row=0)
    finally:
        if remap is None:
            own.close()
    return dict(made.values)


def rewrite(
    stack: Stack,
    system: str,
    record: str,
    changes: Mapping[str, str | None],
    raw: Mapping[str, Any],
    *,
    shape: Shape = "nested",
    folder: Path | None = None,
) -> Rewritten:
    """Make the changes in a copy of the record; not yet proven. Raises WriteFault `unwritable`."""
    declared = stack.systems[system].records[record]
    work: dict[str, Any] = copy.deepcopy(dict(raw))
    values: dict[str, Any] = {}
    zone = stack.systems[system].time_zone or stack.organization.time_zone
    for attribute in _in_order(declared, changes):
        field_map = declared.fields[attribute]
        task = _Task(attribute, field_map, stack.attributes[attribute].type, shape, folder or stack.folder, zone)
        values |= _place(task, work, changes[attribute])
    return Rewritten(work, values)


def written_paths(declared: Record, attribute: str) -> list[str]:
    """The paths an attribute is written to. Raises WriteFault where none could ever be: a constant, SQL without
    `write_map`, an attribute this record does not hold."""
    field_map = declared.fields.get(attribute)
    if field_map is None:
        raise unwritable("no_write", f"{attribute}: is not mapped in this record type")
    if field_map.sql is not None and not field_map.write_map:
        raise unwritable("no_inverse", f"{attribute}: its `sql` cannot be turned round")
    paths = [field_map.write_to] if field_map.write_to else field_map.paths
    if not paths:
        raise unwritable("no_inverse", f"{attribute}: it comes from no field of the source")
    return paths


@dataclass(frozen=True)
class _Task:
    """One attribute to be said in the source's terms."""

    attribute: str
    field: FieldMap
    type: AttributeType
    shape: Shape
    folder: Path
    system_zone: str

    @property
    def zone(self) -> str:
        return self.field.time_zone or self.system_zone


def _in_order(declared: Record, changes: Mapping[str, str | None]) -> list[str]:
    """Units before the amounts that are per unit."""
    for attribute in changes:
        written_paths(declared, attribute)
    units = {declared.fields[attribute].unit_from for attribute in changes}
    return sorted(changes, key=lambda attribute: units.isdisjoint(declared.fields[attribute].paths))


def _place(task: _Task, work: dict[str, Any], wish: str | None) -> dict[str, Any]:
    """Put one attribute's value into the working copy; what was put, by the path it is written to."""
    if task.type is AttributeType.SECRET:
        raise unwritable("not_representable", f"{task.attribute}: only its hash is known")
    field_map = task.field
    read_from = field_map.paths or ([field_map.write_to] if field_map.write_to else [])
    steps = [steps_of(path, task.shape, task.attribute) for path in read_from]
    held = [value_at(work, one) for one in steps]
    if wish is None:
        empty = field_map.write_map.get("")
        for one in steps:
            put(work, one, empty) if empty is not None else take_out(work, one)
        return dict.fromkeys(_targets(field_map, read_from), empty)
    texts = _texts(task, work, held, wish)
    sources = [
        typed(text, now, task.type, nested=task.shape == "nested") for text, now in zip(texts, held, strict=True)
    ]
    for one, source in zip(steps, sources, strict=True):
        put(work, one, source)
    return dict(zip(_targets(field_map, read_from), sources, strict=True))


def _targets(field_map: FieldMap, read_from: list[str]) -> list[str]:
    return [field_map.write_to] if field_map.write_to and len(read_from) == 1 else read_from


def _texts(task: _Task, work: dict[str, Any], held: list[Any], wish: str) -> list[str]:
    """The wish as source text, one per path."""
    told = [text_of(value) for value in held]
    if task.field.write_map:
        found = _by_write_map(task, wish)
        if found is not None:
            return [found] if len(told) == 1 else _apart(task, found, len(told))
        if task.field.sql is not None:
            raise unwritable("no_inverse", f"{task.attribute}: `write_map` does not know this value")
    text = _before_lookup(task, work, told, wish)
    if len(told) > 1:
        if task.field.split is not None:
            raise unwritable("no_inverse", f"{task.attribute}: `join` and `split` together cannot be turned round")
        return _apart(task, text, len(told))
    return [_piece(task, told[0], text)]


def _by_write_map(task: _Task, wish: str) -> str | None:
    wanted = meaning(task.type, wish)
    return next((source for known, source in task.field.write_map.items() if meaning(task.type, known) == wanted), None)


def _before_lookup(task: _Task, work: dict[str, Any], told: list[str | None], wish: str) -> str:
    """Undo the type's conversion, then `map` and `catalogue`."""
    entries = entries_of(task.field, task.folder, task.attribute)
    now = _taken(task, told)
    if entries:
        wanted = meaning(task.type, wish)
        known = [source for source, value in entries.items() if meaning(task.type, value) == wanted]
        if known:
            return now if now in known else known[0]  # what stands there and means the same stays as it is
        if task.field.unmapped == "fail":
            raise unwritable("not_representable", f"{task.attribute}: no source value means this")
    return _written(task, work, now, wish)


def _written(task: _Task, work: dict[str, Any], now: str | None, wish: str) -> str:
    """A canonical text as this field writes its type; `now` is what stands there."""
    match task.type:
        case AttributeType.DATE:
            return day(task.field, now, wish, task.zone, task.attribute)
        case AttributeType.TIMESTAMP:
            return moment(task.field, now, wish, task.zone, task.attribute)
        case AttributeType.INTEGER | AttributeType.DECIMAL | AttributeType.MONEY | AttributeType.PAY:
            unit = _unit(task, work)
            return number(task.field, task.type, now, wish, unit, task.attribute)
        case AttributeType.BOOLEAN:
            return boolean(task.field, now, wish, task.attribute)
        case AttributeType.CODE:
            return code(now, wish, task.attribute)
    return wish


def _unit(task: _Task, work: dict[str, Any]) -> str | None:
    if task.type is not AttributeType.PAY or task.field.unit_from is None:
        return None
    word = text_of(value_at(work, steps_of(task.field.unit_from, task.shape, task.attribute)))
    return word.strip(TRIMMED) if word else None


def _taken(task: _Task, told: list[str | None]) -> str | None:
    """The source text as `map` sees it now: joined, trimmed, the right piece of it."""
    parts = [text.strip(TRIMMED) if task.field.trim else text for text in told if text]
    text = task.field.join.join(parts) if parts else None
    if text is not None and task.field.split is not None:
        pieces = text.split(task.field.split.by)
        take = task.field.split.take
        text = pieces[take].strip(TRIMMED) if -len(pieces) <= take < len(pieces) else None
    return text


def _apart(task: _Task, text: str, count: int) -> list[str]:
    """A joined text as its parts, where there is one way only."""
    parts = text.split(task.field.join) if task.field.join else []
    if len(parts) != count or not all(part.strip(TRIMMED) for part in parts):
        raise unwritable(
            "not_representable", f"{task.attribute}: it cannot be told how to divide it over {count} fields"
        )
    return parts


def _piece(task: _Task, held: str | None, text: str) -> str:
    """Undo `split`: the other pieces stay as they are, and so does the white space around this one."""
    wanted = task.field.split
    if wanted is None:
        return text
    pieces = (held or "").split(wanted.by)
    if not -len(pieces) <= wanted.take < len(pieces) or (not held and wanted.by):
        raise unwritable("not_representable", f"{task.attribute}: the field holds no such piece to replace")
    old = pieces[wanted.take]
    bare = old.strip(TRIMMED)
    pieces[wanted.take] = old.replace(bare, text, 1) if bare else text
    return wanted.by.join(pieces)
