"""Letters and events from what a handoff says: templates beside the stack file, filled with an action's content.

Whether the templates are right is asked at load, in `template_check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hrorch_pipelines.stack.handing import Invite, Mail
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.addresses import address
from hrorch_pipelines.systems.making.letters_pdf import pdf
from hrorch_pipelines.systems.making.outlet_faults import unwritable
from hrorch_pipelines.systems.making.protocol import Event, Letter
from hrorch_pipelines.systems.making.templates import context, render_file, render_line


def letter(stack: Stack, mail: Mail, to: str | None, fields: Mapping[str, str | None]) -> Letter:
    """The letter of a `mail` handoff. `fields`: as text; None where there is nothing.

    Raises WriteFault `unwritable`: a template that does not fit its fields, an address that is none.
    """
    values = context(stack.organization.name, fields)
    attachment = None
    if mail.attach is not None:
        attachment = pdf(stack.folder / mail.attach, stack.organization.name, fields)
    return Letter(
        to=address(to),
        subject=render_line(stack.folder, mail.subject, "subject", values),
        text=render_file(stack.folder, mail.text, values),
        attachment=attachment,
        attach_as=mail.attach_as if attachment is not None else None,
    )


def event(
    stack: Stack, invite: Invite, uid: str, sequence: int, content: Mapping[str, Any], *, cancelled: bool = False
) -> Event:
    """The event of an `invite` handoff. `content`: `starts` (ISO day or moment), `location`, `attendees`, `fields`.

    Raises WriteFault `unwritable`.
    """
    fields: Mapping[str, str | None] = content.get("fields") or {}
    values = context(stack.organization.name, fields)
    starts = _starts(content.get("starts"))
    attendees = [address(one) for one in content.get("attendees") or () if one and one.strip()]
    return Event(
        uid=uid,
        sequence=sequence,
        starts=starts,
        ends=starts + (invite.lasts if isinstance(starts, datetime) else timedelta(days=1)),
        summary=render_line(stack.folder, invite.summary, "summary", values),
        text=render_file(stack.folder, invite.text, values).strip() if invite.text is not None else "",
        location=_location(content.get("location")),
        attendees=tuple(dict.fromkeys(attendees)),
        cancelled=cancelled,
    )


def event_uid(step_id: str) -> str:
    """The UID of a step's event: the same in every pass, and nothing of the person in it."""
    return f"hrorch-{step_id}"


def _location(text: str | None) -> str | None:
    one_line = " ".join((text or "").split())
    if not one_line.isprintable():
        raise unwritable("control", "`location` holds a control character")
    return one_line or None


def _starts(text: object) -> date | datetime:
    if not isinstance(text, str) or not text.strip():
        raise unwritable("empty_field", "`starts` is empty")
    try:
        if len(text.strip()) == len("2026-07-06"):
            return date.fromisoformat(text.strip())
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise unwritable("bad_moment", "`starts` is neither a day nor a moment") from None
    if moment.tzinfo is None:
        raise unwritable("bad_moment", "`starts` is a moment without its offset")
    return moment.astimezone(UTC).replace(microsecond=0)
