"""The words of this room: what a watch finds, the states of an alert, what is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

Severity = Literal["warning", "error", "critical"]
"""`critical` is sent in quiet hours too."""

RANK: dict[str, int] = {"warning": 0, "error": 1, "critical": 2}


class Watch(StrEnum):
    """Kinds of failure that are watched for."""

    FRESHNESS = "freshness"  # a system has not been read for too long
    UNTRUSTED = "untrusted"  # refused snapshots in a row
    CYCLE = "cycle"  # no cycle finished for too long
    HEARTBEAT = "heartbeat"  # a daemon, sensor or schedule is silent
    TICK = "tick"  # a sensor or schedule fails
    SLOW = "slow"  # reading takes far longer than usual
    HINTS = "hints"  # a system said that something changed, and was not read
    REFUSED = "refused"  # what a system tells is refused
    BREAKER = "breaker"  # a system that cannot be written
    FROZEN = "frozen"  # a mass change waits for somebody
    QUEUE = "queue"  # corrections wait too long
    STARVED = "starved"  # the system's rate limit lets too little through
    OVERDUE = "overdue"  # cases past their time
    GATE = "gate"  # more is held at a gate than usual
    DISK = "disk"
    GROWTH = "growth"
    AUDIT_HEAD = "audit_head"  # the log goes on unsigned
    CHANNEL = "channel"  # alerts cannot be delivered
    STALLED = "stalled"  # a handoff that had to happen and did not
    PARKED = "parked"  # … that waits for what somebody has to bring about
    PASS = "pass"  # noqa: S105  nobody looks what should exist
    LETTERS = "letters"  # letters and invitations that cannot be handed over
    GHOST = "ghost"  # an ended employment that is live somewhere
    WATCH = "watch"  # a watch that cannot look
    PERSON = "person"  # somebody found it before any watch did


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    RECOVERED = "recovered"


class Change(StrEnum):
    """What a message tells."""

    RAISED = "raised"
    WORSENED = "worsened"
    ESCALATED = "escalated"
    RECOVERED = "recovered"
    DIGEST = "digest"
    CASES = "cases"  # new cases, to their reviewer


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong now. `key` says what and where, the same every time it is found; texts hold no values.

    It went wrong at `since`, not before `not_before` when only that much is known; `since` None: somewhere between the
    last look and this one. `affects` says whom or what, as counts.
    """

    key: str
    watch: Watch
    severity: Severity
    owner: str
    what: str
    action: str
    since: datetime | None = None
    not_before: datetime | None = None
    system: str | None = None
    affects: Mapping[str, int] = field(default_factory=dict)
