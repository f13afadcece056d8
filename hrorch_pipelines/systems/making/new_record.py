"""A new record in the source's own terms: an empty one with the system's constants, rewritten, and proven by mapping it.

Sending it is `rest` and `scim`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.writing import RestCreate, ScimCreate
from hrorch_pipelines.systems.making.protocol import Making, NewRecord
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.rest_auth import fill
from hrorch_pipelines.systems.writing.errors import unwritable
from hrorch_pipelines.systems.writing.places import put, steps_of
from hrorch_pipelines.systems.writing.proof import near, neighbours
from hrorch_pipelines.systems.writing.remap import Mapped, Remap
from hrorch_pipelines.systems.writing.rest_body import changed_fields
from hrorch_pipelines.systems.writing.unmap import rewrite, written_paths
from hrorch_pipelines.systems.writing.unmap_values import day


@dataclass(frozen=True)
class Made:
    """A new record. `body`: what is sent. `row`: what a snapshot would read of it, without its key."""

    body: dict[str, Any] = field(repr=False)
    row: Mapped = field(repr=False)


@dataclass(frozen=True)
class Blank:
    """What a new record starts from: `element` as it stands in the source, `constants` that are sent with it."""

    element: dict[str, Any] = field(repr=False)
    constants: dict[str, Any] = field(repr=False)


def asked(stack: Stack, making: Making) -> tuple[NewRecord, Record]:
    """What is to be made, and how its type is declared. Raises WriteFault `unwritable` where that is nothing here."""
    new = making.content
    if not isinstance(new, NewRecord):
        raise unwritable("no_create", f"{making.place}: a system takes records, no letters or events")
    declared = stack.systems[making.place].records.get(new.record)
    if declared is None or declared.create is None:
        raise unwritable("no_create", f"{making.place}.{new.record}: nothing says how one is made")
    if declared.parent is not None and new.parent_id is None:
        raise unwritable("no_parent", f"{making.place}.{new.record}: the person has no {declared.parent} there yet")
    return new, declared


def blank(stack: Stack, system: str, declared: Record, new: NewRecord, under: Mapping[str, Any] | None = None) -> Blank:
    """A new record with the constants of its `create`, filled in; laid over `under`, a row that is there."""
    form = declared.create
    element, constants = copy.deepcopy(dict(under or {})), dict[str, Any]()
    if isinstance(form, RestCreate | ScimCreate):
        for path, value in form.constant.items():
            told = _filled(value, stack, system, new.parent_id)
            put(constants, steps_of(path, "nested", path), told)
            put(element, steps_of(path, "nested", path), copy.deepcopy(told))
    return Blank(element, constants)


def new_record(
    stack: Stack, system: str, remap: Remap, new: NewRecord, start: Blank, *, holder: Mapping[str, Any] | None = None
) -> Made:
    """The record as it is sent, from a blank one (or a row the system has laid out, `start.element`).

    `holder`: further fields of the document that holds it, where it is an element of a list (`explode`). Raises WriteFault
    `unwritable`: an attribute that a new record does not take, a value that cannot be said, or one that would say more than
    was asked for.
    """
    declared = stack.systems[system].records[new.record]
    wishes = _wishes(stack, system, declared, new)
    made = rewrite(stack, system, new.record, wishes, start.element)
    body = {**copy.deepcopy(start.constants), **changed_fields(made)}
    first_day = _first_day(declared, new)
    if first_day is not None and declared.effective is not None:
        starting = declared.effective.from_
        zone = starting.time_zone or stack.systems[system].time_zone or stack.organization.time_zone
        for path in starting.paths:
            steps = steps_of(path, "nested", "effective_from")
            text = day(starting, None, first_day.isoformat(), zone, "effective_from")
            put(made.record, steps, text)
            put(body, steps, text)
    row = _proven(stack, system, remap, new.record, wishes, start.element, made.record, holder or {})
    if first_day is not None and row.effective_from != first_day:
        raise unwritable("not_representable", f"{new.record}: its first day cannot be said as the field is mapped")
    return Made(body, row)


def held_by(declared: Record, element: Mapping[str, Any], holder: Mapping[str, Any]) -> dict[str, Any]:
    """The document a reader would find the element in."""
    if declared.explode is None:
        return dict(element)
    document: dict[str, Any] = copy.deepcopy(dict(holder))
    put(document, steps_of(declared.explode, "nested", "explode"), [dict(element)])
    return document


def _wishes(stack: Stack, system: str, declared: Record, new: NewRecord) -> dict[str, str | None]:
    """What is to be said, units and partial words first: a field with `write_map` says a part that a later one completes."""
    only = declared.create.only if isinstance(declared.create, RestCreate | ScimCreate) else []
    wanted = {name: value for name, value in new.values.items() if value is not None}
    for attribute in wanted:
        if attribute not in stack.attributes:
            raise unwritable("no_write", f"{attribute}: there is no such attribute")
        written_paths(declared, attribute)
    refused = [name for name in wanted if only and name not in only]
    if refused:
        named = ", ".join(refused)
        raise unwritable("not_taken", f"{named}: {system} does not take it in a new {new.record}")
    return dict(sorted(wanted.items(), key=lambda item: not declared.fields[item[0]].write_map))


def _first_day(declared: Record, new: NewRecord) -> date | None:
    if declared.effective is None:
        if new.effective_from is not None:
            raise unwritable("not_dated", f"{new.record}: it has no first day of its own")
        return None
    if new.effective_from is None:
        raise unwritable("no_first_day", f"{new.record}: nothing says from which day it counts")
    return new.effective_from


def _proven(
    stack: Stack,
    system: str,
    remap: Remap,
    record: str,
    wishes: Mapping[str, str | None],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    holder: Mapping[str, Any],
) -> Mapped:
    """Mapped as a snapshot would: it says what was wished, and of what shares a field with it nothing more."""
    declared = stack.systems[system].records[record]
    others = neighbours(stack, system, record, wishes)
    try:
        found = remap.rows(record, [held_by(declared, after, holder)], {*wishes, *others})
        standing = remap.rows(record, [held_by(declared, before, holder)], others) if others else []
    except MappingFault as wrong:
        raise unwritable("bad_path", wrong.what) from None
    if len(found) != 1:
        raise unwritable("not_representable", f"{record}: it would not be read back")
    row = found[0]
    for attribute, wish in wishes.items():
        if attribute not in row.values or not near(stack, attribute, wish, row.values[attribute]):
            raise unwritable("not_representable", f"{attribute}: this value cannot be said exactly in {system}'s terms")
    already = standing[0].values if standing else {}
    for attribute in others:
        told = row.values.get(attribute)
        if told is not None and not near(stack, attribute, told, already.get(attribute)):
            raise unwritable("side_effect", f"{attribute}: would be said too, as the two share a field in {system}")
    return row


def _filled(value: Any, stack: Stack, system: str, parent: str | None) -> Any:
    """Credentials, and the parent's key, in the place of their names."""
    if isinstance(value, str):
        told = fill(value, stack.systems[system].credentials)
        return told if parent is None else told.replace("{parent}", parent)
    if isinstance(value, dict):
        return {name: _filled(inner, stack, system, parent) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, stack, system, parent) for inner in value]
    return value
