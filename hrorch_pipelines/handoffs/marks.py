"""Keyed marks made in the engine, a hundred thousand at a time: what a step is once for, what an action says.

HMAC-SHA-256 (RFC 2104) under the home's key, written in SQL, since values that are compared must not pass through Python one by one.
"""

from __future__ import annotations

from hrorch_pipelines.storage.sql import ident, literal

_BLOCK = 64
"""Bytes of a block of SHA-256, to which RFC 2104 pads the key."""


def once_per_mark(handoff: str, text: str) -> str:
    """SQL (VARCHAR, NULL where `text` is) of the mark of what a handoff is once for: `steps.once_per`.

    `text` is SQL over the state. It is made of handoff and text and not of the person, who stands in the step beside it: a
    step stays the same when the person is merged into another. Once per person is the empty text for the same reason.
    """
    said = f"CAST({text} AS VARCHAR)"
    return marked(f"{literal(handoff)} || chr(31) || CASE WHEN {said} = {ident('person_id')} THEN '' ELSE {said} END")


def marked(text: str) -> str:
    """SQL of the mark of a VARCHAR expression. Its statement is given `parameters(key)`."""
    return f"sha256($mark_outer || unhex(sha256($mark_inner || encode({text}))))"


def parameters(key: bytes) -> dict[str, bytes]:
    """What a statement with `marked` binds. `key`: `Home.key()`, or another secret of at most 64 bytes."""
    padded = key.ljust(_BLOCK, b"\0")
    return {
        "mark_inner": bytes(byte ^ 0x36 for byte in padded),
        "mark_outer": bytes(byte ^ 0x5C for byte in padded),
    }
