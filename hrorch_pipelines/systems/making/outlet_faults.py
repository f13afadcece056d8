"""The faults of letters and invitations, each with its remedy. What an outcome means is in `writing.protocol`."""

from __future__ import annotations

from hrorch_pipelines.systems.errors import remedy_for
from hrorch_pipelines.systems.writing.protocol import Outcome, WriteFault

_REMEDIES = {
    "bad_address": "correct the address in the system that decides it",
    "bad_calendar": "repair or remove this event in the calendar; what stands there is left as it is",
    "bad_moment": "let `starts` be a day, or a moment with its offset",
    "changed": "nothing to do: the event is read again and judged anew",
    "control": "correct the value in the system that decides it",
    "empty_field": "let the handoff require this field, or let the template ask whether it is there",
    "greylisted": "nothing to do: it is handed over again in a while",
    "header": "keep `subject` and `summary` to one line without control characters",
    "no_letter": "name a mail outlet in `mail`, a calendar in `invite`",
    "no_event": "name a calendar in `invite`, a mail outlet in `mail`",
    "no_login": "set `user` and `password` of the outlet to what the server knows, or remove them",
    "no_sign": "put a font that has it into the folder `fonts` beside the template",
    "no_version": "use a calendar server that tells ETags (RFC 4791 asks for them)",
    "no_starttls": "set `security: tls` if the server speaks it from the start, or let it offer STARTTLS",
    "not_a_calendar": "set `base_url` to the URL of a calendar's collection",
    "not_supported": "use a server that takes such addresses (SMTPUTF8), or another address",
    "refused": "look into the server's log: it does not take this from us",
    "sender_refused": "let the server take mail from `sender` of this outlet, or sign in as somebody who may send it",
    "refused_recipient": "ask the person for another address: the server does not take this one",
    "template": "correct the template at this place; `hrorch check` tries every template",
    "unknown_outcome": "nothing to do: it is looked at again; a letter is sent again under the same Message-ID",
    "untrusted_server": "let the server show a certificate that this machine trusts for its name",
}


def fault(
    code: str, what: str, outcome: Outcome, *, status: int | None = None, after: float | None = None
) -> WriteFault:
    """A fault with the remedy of its code. `what` names places, files and fields, never a value."""
    return WriteFault(
        code, what, outcome=outcome, remedy=_REMEDIES.get(code) or remedy_for(code), status=status, after=after
    )


def unwritable(code: str, what: str) -> WriteFault:
    """It cannot be said; nothing was sent."""
    return fault(code, what, "unwritable")
