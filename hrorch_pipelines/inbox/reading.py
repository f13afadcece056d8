"""What of a proved message is kept: which one it is, its kind, the key of the record it hints at. The rest is let go."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hrorch_pipelines.inbox.doors import Door
from hrorch_pipelines.inbox.signatures import signed_content
from hrorch_pipelines.inbox.terms import Event, State
from hrorch_pipelines.systems.json_paths import decode, values_at

_PLAIN_ID = re.compile(r"[A-Za-z0-9_.:-]{1,120}")
_PLAIN_KIND = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
"""An id, a kind or a key is a word. What is none (a name, an address, a sentence) is not kept, whatever its place says."""


def event_of(door: Door, headers: Mapping[str, str], body: bytes, key: bytes, now: datetime) -> Event | None:
    """The event a proved message tells of; None when it holds no JSON object. `key` is the home's, for the digest."""
    try:
        content = decode(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    digest = digest_of(door, headers, body, key)
    kind = _first(door.signing.kind, content, _PLAIN_KIND)
    return Event(
        message_id=f"{door.system}:{_own_id(door, headers, content) or f'~{digest}'}",
        system=door.system,
        kind=kind,
        received_at=now,
        subject=_first(door.signing.subject, content, _PLAIN_KEY),
        state=State.IGNORED if kind in door.signing.ignored else State.NEW,
        digest=digest,
    )


def digest_of(door: Door, headers: Mapping[str, str], body: bytes, key: bytes) -> str:
    """A keyed digest of all that was signed, 64 hexadecimal digits: it tells a message again and gives nothing away."""
    content = signed_content(door.signing, headers, body) or body
    return hmac.new(key, b"inbox\0" + door.system.encode() + b"\0" + content, hashlib.sha256).hexdigest()


def _own_id(door: Door, headers: Mapping[str, str], content: dict[str, Any]) -> str | None:
    """The sender's own id of the event, where it is a word."""
    if door.signing.id is None:
        return None
    header = door.signing.id_header
    return _word(headers.get(header), _PLAIN_ID) if header else _first([door.signing.id], content, _PLAIN_ID)


def _first(paths: Sequence[str], content: dict[str, Any], plain: re.Pattern[str]) -> str | None:
    """The one word at the first path that leads somewhere. A message about several records names none: all are looked at."""
    for path in paths:
        words = {_word(value, plain) for value in values_at(path, content)}
        if words:
            return words.pop() if len(words) == 1 else None
    return None


def _word(value: Any, plain: re.Pattern[str]) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return text if plain.fullmatch(text) else None
