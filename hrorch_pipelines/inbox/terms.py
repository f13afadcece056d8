"""The words of this room: what is taken in, what is refused and how that is answered. No message's content lives here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

NO_SYSTEM = "-"
"""Stands for the system where an address names none of ours: what strangers write is not kept."""


class State(StrEnum):
    """What became of an event."""

    NEW = "new"
    DONE = "done"  # a trusted snapshot began after it arrived
    IGNORED = "ignored"  # a ping: about no record


class Refusal(StrEnum):
    """Why a message was not taken in. Counted by this word."""

    UNKNOWN_SYSTEM = "unknown_system"
    NO_SECRET = "no_secret"  # noqa: S105  (the word for a missing one)
    UNSIGNED = "unsigned"
    WRONG_SIGNATURE = "wrong_signature"
    STALE = "stale"
    OVERSIZED = "oversized"
    SLOW = "slow"
    TOO_MANY = "too_many"
    MALFORMED = "malformed"
    BUSY = "busy"


STATUS = {
    Refusal.UNKNOWN_SYSTEM: 404,
    Refusal.NO_SECRET: 404,
    Refusal.UNSIGNED: 401,
    Refusal.WRONG_SIGNATURE: 401,
    Refusal.STALE: 401,
    Refusal.OVERSIZED: 413,
    Refusal.SLOW: 408,
    Refusal.TOO_MANY: 429,
    Refusal.MALFORMED: 400,
    Refusal.BUSY: 503,
}
"""HTTP status of each refusal. Whoever sent it learns no more than that."""


@dataclass(frozen=True)
class Event:
    """One message taken in: who sent it, which it is, what it hints at. Nothing else of what was sent."""

    message_id: str
    system: str
    kind: str | None
    received_at: datetime
    subject: str | None
    state: State
    digest: str


@dataclass(frozen=True)
class Hint:
    """New events of one system, by the times they arrived."""

    system: str
    count: int
    oldest: datetime
    newest: datetime
