"""What an action says: SQL that evaluates it for everybody at once, and the JSON that is sealed. Rendering is `making`'s.

The pieces are evaluated as texts in a fixed order; their JSON list is what the mark is made of, so that equal is equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from hrorch_pipelines.audit.canonical import canonical
from hrorch_pipelines.corrections.kinds import kind_of
from hrorch_pipelines.handoffs.asking import label_of
from hrorch_pipelines.handoffs.expressions import Expression
from hrorch_pipelines.stack.acting import ChangeKind
from hrorch_pipelines.stack.handing import Ask, Change, Create, Invite, Mail, Then
from hrorch_pipelines.stack.handing import kind_of as verb_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import bare
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.columns import column_type
from hrorch_pipelines.storage.sql import ident, literal

_GRAVEST: tuple[ChangeKind, ...] = ("termination", "bank", "pay", "manager", "status", "name", "email", "other")


@dataclass(frozen=True)
class Content:
    """What one form says. `pieces`: place (`with.start_date`) → SQL of a text; `lacking`: (SQL that is true where it lacks, words).

    `own_id`: SQL of the person's own record there, for a change and for a record under a parent. What lacks keeps a step
    parked as a requirement does.
    """

    then: Create | Change | Mail | Invite
    target: str
    verb: str
    record: str | None
    pieces: Mapping[str, str]
    own_id: str
    effective_from: str
    starts_on: str
    lacking: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """SQL of everything that is said, as one JSON list."""
        parts = [literal(self.verb), literal(self.target), literal(self.record or "")]
        for place, sql in self.pieces.items():
            parts += [literal(place), sql]
        return f"CAST(to_json([{', '.join([*parts, f'CAST({self.effective_from} AS VARCHAR)'])}]) AS VARCHAR)"


def content_of(stack: Stack, then: Then | None, said: Mapping[str, Expression]) -> Content | None:
    """What a form says, given its parsed SQL (`ParsedHandoff.content`); None where a person is asked."""
    if then is None or isinstance(then, Ask):
        return None
    if isinstance(then, Create | Change):
        return _of_record(stack, then, said)
    pieces = {place: f"CAST({expression.sql} AS VARCHAR)" for place, expression in sorted(said.items())}
    if isinstance(then, Mail):
        lacking = ((f"nullif(trim({pieces['to']}), '') IS NULL", "an address to write to"),)
        return Content(then, then.mail, "mail", None, pieces, _NO_TEXT, _NO_DAY, _NO_DAY, lacking)
    starts = said["starts"].sql
    lacking = ((f"{starts} IS NULL", "the day or moment it begins"),)
    return Content(then, then.invite, "invite", None, pieces, _NO_TEXT, _NO_DAY, f"CAST({starts} AS DATE)", lacking)


def sealed_text(content: Content, text: str) -> str:
    """The canonical JSON (RFC 8785) that is sealed, of what `Content.text` evaluated to."""
    said: list[str | None] = json.loads(text)[3:-1]
    found = dict(zip(said[::2], said[1::2], strict=True))
    return canonical(_json(content.then, {str(place): value for place, value in found.items()}))


def values_of(text: str) -> dict[str, str | None]:
    """Attribute → text, of a create's or change's evaluated text."""
    said: list[str | None] = json.loads(text)[3:-1]
    return {str(place).removeprefix("with."): value for place, value in zip(said[::2], said[1::2], strict=True)}


def change_kind(stack: Stack, content: Content, text: str) -> ChangeKind:
    """The budget an action counts in: `hire` for a record made, `message` for what is said to people, else the gravest of
    what it changes."""
    if content.verb == "create":
        return "hire"
    if content.verb != "change":
        return "message"
    kinds = {kind_of(stack, attribute, value) for attribute, value in values_of(text).items()}
    return next((kind for kind in _GRAVEST if kind in kinds), "other")


_NO_TEXT, _NO_DAY = "NULL::VARCHAR", "NULL::DATE"


def _of_record(stack: Stack, then: Create | Change, said: Mapping[str, Expression]) -> Content:
    target, _, record = (then.create if isinstance(then, Create) else then.change).partition(".")
    own = ident(f"{bare(target)}_id")
    pieces: dict[str, str] = {}
    lacking: list[tuple[str, str]] = []
    for attribute in sorted(then.with_):
        sql = said[f"with.{attribute}"].sql
        if stack.attributes[attribute].type is AttributeType.PERSON:
            # A person is written as the target's own id of theirs.
            # Names of the inner table that no attribute can have: the user's SQL must not bind to it.
            theirs = f"""(SELECT max("_other"."_id") FROM (SELECT person_id AS "_person", {own} AS "_id" FROM handoff_state) "_other"
                WHERE "_other"."_person" = CAST({sql} AS VARCHAR))"""
            pieces[f"with.{attribute}"] = theirs
            lacking.append(
                (f"{sql} IS NOT NULL AND {theirs} IS NULL", f"the record of `{attribute}` in {label_of(stack, target)}")
            )
        else:
            pieces[f"with.{attribute}"] = f"CAST(CAST({sql} AS {column_type(stack, attribute)}) AS VARCHAR)"
    under = isinstance(then, Change) or stack.systems[target].records[record].parent is not None
    if under:
        lacking.insert(0, (f"{own} IS NULL", f"the person's own record in {label_of(stack, target)}"))
    day = f"CAST({said['from'].sql} AS DATE)" if "from" in said else _NO_DAY
    if "from" in said:
        lacking.append((f"{day} IS NULL", "the day from which it counts"))
    return Content(
        then, target, verb_of(then), record, pieces, own if under else _NO_TEXT, day, _NO_DAY, tuple(lacking)
    )


def _json(then: Create | Change | Mail | Invite, said: Mapping[str, str | None]) -> dict[str, Any]:
    if isinstance(then, Create | Change):
        return {"values": {place.removeprefix("with."): value for place, value in said.items()}}
    fields = {name: said.get(f"fields.{name}") for name in then.fields}
    if isinstance(then, Mail):
        return {"to": (said["to"] or "").strip(), "fields": fields}
    attendees = [said.get(f"attendees.{number}") for number in range(len(then.attendees))]
    return {
        "starts": _iso(said["starts"] or ""),
        "location": said.get("location"),
        "attendees": [one.strip() for one in attendees if one and one.strip()],
        "fields": fields,
    }


def _iso(text: str) -> str:
    """A day or a moment as the engine writes it, in ISO 8601; moments in UTC, as the engine's session is."""
    if len(text) == len("2026-03-02"):
        return date.fromisoformat(text).isoformat()
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
