"""From an action to what is handed over: a record, a change, a letter, an event. What it says was evaluated by the pass.

Templates are filled here, at the last moment, by `systems.making.render`; a letter that was kept already is sent as it was.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from hrorch_pipelines.corrections.queue import Row
from hrorch_pipelines.handoffs.changing import Changing
from hrorch_pipelines.handoffs.terms import Purpose
from hrorch_pipelines.stack.handing import Ask, Change, Create, Invite, Mail, kind_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making import render
from hrorch_pipelines.systems.making.protocol import Letter, Making, NewRecord
from hrorch_pipelines.systems.writing.errors import unwritable

Wanted = Making | Changing
"""What one action hands over."""


def making_of(stack: Stack, row: Row, said: Mapping[str, Any], kept: Letter | None = None) -> Wanted:
    """What an action hands over. `said`: its opened content; `kept`: the letter as it was kept at the first try.

    Raises WriteFault `unwritable`: a template that does not fit its fields, an address that is none.
    """
    form, key = form_of(stack, row), row.action_id
    match row.verb:
        case "create":
            new = NewRecord(row.record, said["values"], row.parent_id, row.effective_from)
            return Making(row.target, new, key)
        case "change":
            return Changing(row.target, row.record, row.source_id, said["values"], key, row.effective_from)
        case "mail" if kept is not None:
            return Making(row.target, kept, key)
        case "mail" if isinstance(form, Mail):
            return Making(row.target, render.letter(stack, form, said["to"], said.get("fields") or {}), key)
    if not isinstance(form, Invite):
        raise unwritable("undeclared", f"{row.handoff}: the stack file no longer says what this looks like")
    cancelled = row.verb == "cancel"
    # Taking out comes after making of the same revision and before the next one's: the sequence only ever grows (RFC 5545).
    sequence = 2 * int(row.revision) + cancelled
    event = render.event(stack, form, render.event_uid(row.step_id), sequence, said, cancelled=cancelled)
    return Making(row.target, event, key)


def form_of(stack: Stack, row: Row) -> Create | Change | Mail | Invite | Ask | None:
    """What the stack file says of an action now; None where it no longer says that."""
    handoff = stack.handoffs.get(row.handoff)
    if handoff is None:
        return None
    undone = row.purpose == Purpose.UNDO.value and row.verb != "cancel"
    form = (handoff.compensate.then if handoff.compensate else None) if undone else handoff.then
    verb = "invite" if row.verb == "cancel" else row.verb
    return form if form is not None and kind_of(form) == verb else None


def parts_of(letter: Letter) -> list[tuple[str, str]]:
    """A letter as it is kept: media type and text of each part; a PDF in base64."""
    message = {"to": letter.to, "subject": letter.subject, "text": letter.text, "attach_as": letter.attach_as}
    parts = [("application/json", json.dumps(message, ensure_ascii=False, sort_keys=True))]
    if letter.attachment is not None:
        parts.append(("application/pdf", base64.b64encode(letter.attachment).decode()))
    return parts


def letter_of(parts: list[str]) -> Letter:
    """The letter that was kept in `parts`."""
    message = json.loads(parts[0])
    attachment = base64.b64decode(parts[1]) if len(parts) > 1 else None
    return Letter(message["to"], message["subject"], message["text"], attachment, message["attach_as"])
