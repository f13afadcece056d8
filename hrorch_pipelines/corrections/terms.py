"""States of a correction, and which of them are open. How one becomes another is in `outbox`."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a correction stands. The last five are final."""

    PROPOSED = "proposed"  # planned; nothing is sent in mode `propose`
    AWAITING_APPROVAL = "awaiting_approval"  # four eyes: a second person has to agree
    FROZEN = "frozen"  # its segment is over budget
    READY = "ready"  # may be sent when `due_at` has come
    SENDING = "sending"  # written before the request leaves: after a crash the outcome is unknown
    SENT = "sent"  # the target said yes, or will say (files); not seen yet
    CONFIRMED = "confirmed"  # the target, read again, shows the value
    CONFLICTED = "conflicted"  # the target holds something that is neither before nor after: somebody else's hand
    DIVERGED = "diverged"  # acknowledged, and yet the target does not show it
    FAILED = "failed"  # refused for good, cannot be expressed there, or tries used up
    REJECTED = "rejected"  # an approver said no
    WITHDRAWN = "withdrawn"  # no longer needed: the discrepancy is gone or has moved on


OPEN = frozenset(
    {State.PROPOSED, State.AWAITING_APPROVAL, State.FROZEN, State.READY, State.SENDING, State.SENT}
)
"""At most one open correction per (target, source_id, attribute)."""
