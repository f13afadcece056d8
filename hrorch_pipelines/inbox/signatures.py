"""Is a message from whom it says, and recent? Over the bytes as they came, in constant time. Nothing is parsed here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from hrorch_pipelines.inbox.doors import Door
from hrorch_pipelines.inbox.terms import Refusal
from hrorch_pipelines.stack.webhooks import Signing

_PLACE = re.compile(r"\{(id|timestamp|body)\}")
_SECONDS = re.compile(r"\d{9,10}")
_MILLISECONDS = re.compile(r"\d{12,13}")


def refused(door: Door, headers: Mapping[str, str], body: bytes, now: datetime) -> Refusal | None:
    """Why the message is not believed; None when it is. `headers` are asked without regard to case, as Starlette's are.

    The signature comes first: nobody learns from the answer whether a made-up time would have been good.
    """
    if door.secret is None:
        return Refusal.NO_SECRET
    signing = door.signing
    content = signed_content(signing, headers, body)
    given = headers.get(signing.header)
    if given is None or content is None:
        return Refusal.UNSIGNED
    claimed = _claimed(signing, given)
    expected = hmac.digest(door.secret, content, hashlib.sha256)
    if claimed is None or not hmac.compare_digest(claimed, expected):
        return Refusal.WRONG_SIGNATURE
    if signing.timestamp is None:
        return None
    sent = moment(headers[signing.timestamp])
    if sent is None or now - sent > door.window or sent - now > door.tolerance:
        return Refusal.STALE
    return None


def signed_content(signing: Signing, headers: Mapping[str, str], body: bytes) -> bytes | None:
    """The bytes that the sender signed; None when a header that belongs to them is missing."""
    parts: dict[str, bytes] = {"body": body}
    for name, header in (("timestamp", signing.timestamp), ("id", signing.id_header)):
        if header is None:
            continue
        value = headers.get(header)
        if value is None:
            return None
        parts[name] = value.encode("latin-1", "replace")
    made, at = [], 0
    for found in _PLACE.finditer(signing.signed):
        made += [signing.signed[at : found.start()].encode(), parts[found[1]]]
        at = found.end()
    return b"".join([*made, signing.signed[at:].encode()])


def moment(text: str) -> datetime | None:
    """ISO 8601 with an offset, or seconds or milliseconds since 1970; None for anything else."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _claimed(signing: Signing, given: str) -> bytes | None:
    """The signature's bytes, or None when it is not written as this sender writes it."""
    if not given.startswith(signing.prefix):
        return None
    text = given.removeprefix(signing.prefix).strip()
    try:
        return bytes.fromhex(text) if signing.encoding == "hex" else base64.b64decode(text, validate=True)
    except ValueError:
        return None
