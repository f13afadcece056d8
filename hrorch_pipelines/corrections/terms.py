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


OPEN = frozenset({State.PROPOSED, State.AWAITING_APPROVAL, State.FROZEN, State.READY, State.SENDING, State.SENT})
"""At most one open correction per (target, source_id, attribute)."""


UNSENT = frozenset({State.PROPOSED, State.AWAITING_APPROVAL, State.FROZEN, State.READY})
"""Open, and nothing has left yet: these can still be held back, frozen, rejected or withdrawn."""


class Refusal(StrEnum):
    """Why a discrepancy does not become a correction. The first that applies counts, in the order written here."""

    HANDOFF = "handoff"  # a record has to be made, which is no correction
    NOT_A_TARGET = "not_a_target"  # corrections are kept out of this system
    NOT_DECLARED = "not_declared"  # the system's `writes` do not name the attribute, or its record type has no `write`
    SECRET = "secret"  # noqa: S105  only a keyed hash is known
    NEVER_TOUCH = "never_touch"
    AUTHORITY_STALE = "authority_stale"
    TARGET_STALE = "target_stale"
    AUTHORITY_UNTRUSTED = "authority_untrusted"  # a newer snapshot was refused
    TARGET_UNTRUSTED = "target_untrusted"
    HELD = "held"  # the newest version of either side waits in quarantine
    HIDDEN = "hidden"
    UNRESOLVED = "unresolved"  # refers to a record no person is known for
    AUTHORITY_EMPTY = "authority_empty"  # nothing is never written over something
    NOT_AN_END = "not_an_end"  # a ghost whose authority does not say that the employment ended
    OVERRIDDEN = "overridden"  # somebody decided that this value may differ
    IDENTITY_REVIEW = "identity_review"  # it is open who the records belong to
    NO_SUCH_REFERENCE = "no_such_reference"  # the person referred to has no record in the target
    REFERENCE_UNCLEAR = "reference_unclear"  # what the target refers to now cannot be told as one record
    NO_ROW = "no_row"  # the target has no row that could be changed
    ERASED = "erased"
    IN_PROGRESS = "in_progress"  # another correction of this value is open and cannot be taken back
    AWAITING_SNAPSHOT = "awaiting_snapshot"  # corrected since the target was last read
    REJECTED = "rejected"  # an approver said no to exactly this
    FAILED = "failed"  # tried, and refused for good by the target
    DIVERGED = "diverged"  # acknowledged once, and not shown
    FOUGHT_OVER = "fought_over"  # corrected too often: somebody else writes it too


WAITING = frozenset(
    {Refusal.AUTHORITY_STALE, Refusal.AUTHORITY_UNTRUSTED, Refusal.HELD, Refusal.HIDDEN, Refusal.UNRESOLVED, Refusal.IDENTITY_REVIEW}
)  # fmt: skip
"""Doubts that pass: a correction already open is held back, its approval kept, until they have passed."""

QUEUED = frozenset({Refusal.TARGET_STALE, Refusal.TARGET_UNTRUSTED})
"""The target cannot be read as a whole: what is open stays in the queue, since each record is read again before its write."""

QUIET = frozenset(
    {Refusal.HANDOFF, Refusal.AUTHORITY_STALE, Refusal.TARGET_STALE, Refusal.AUTHORITY_UNTRUSTED, Refusal.TARGET_UNTRUSTED,
     Refusal.HELD, Refusal.HIDDEN, Refusal.OVERRIDDEN, Refusal.IDENTITY_REVIEW, Refusal.ERASED, Refusal.IN_PROGRESS,
     Refusal.AWAITING_SNAPSHOT, Refusal.FAILED, Refusal.DIVERGED, Refusal.FOUGHT_OVER}
)  # fmt: skip
"""Nobody is asked for these by the discrepancy: it settles by itself, or a case of another source asks already."""

WORDS: dict[Refusal, str] = {
    Refusal.HANDOFF: "the person has no record there; making one is a handoff, not a correction",
    Refusal.NOT_A_TARGET: "corrections do not write this system (`corrections.targets`)",
    Refusal.NOT_DECLARED: "the system's `writes` do not allow this attribute",
    Refusal.SECRET: "the value is kept as a keyed hash only",
    Refusal.NEVER_TOUCH: "it is on the never-touch list",
    Refusal.AUTHORITY_STALE: "the authority's data is too old",
    Refusal.TARGET_STALE: "the target's data is too old",
    Refusal.AUTHORITY_UNTRUSTED: "the authority's latest snapshot was refused",
    Refusal.TARGET_UNTRUSTED: "the target's latest snapshot was refused",
    Refusal.HELD: "a newer version waits in quarantine",
    Refusal.HIDDEN: "a value is withheld from us",
    Refusal.UNRESOLVED: "it refers to a record no person is known for",
    Refusal.AUTHORITY_EMPTY: "the authority has no value; nothing is never written over something",
    Refusal.NOT_AN_END: "the authority does not say that the employment ended",
    Refusal.OVERRIDDEN: "an override is in force",
    Refusal.IDENTITY_REVIEW: "it is open whose record this is",
    Refusal.NO_SUCH_REFERENCE: "the person it refers to has no record in the target",
    Refusal.REFERENCE_UNCLEAR: "what the target refers to now is not one record",
    Refusal.NO_ROW: "the target has no row that could be changed",
    Refusal.ERASED: "the person's values were erased",
    Refusal.IN_PROGRESS: "another correction of this value is under way",
    Refusal.AWAITING_SNAPSHOT: "it was corrected since the target was last read",
    Refusal.REJECTED: "an approver rejected exactly this change",
    Refusal.FAILED: "the target refused exactly this change",
    Refusal.DIVERGED: "the target acknowledged exactly this change and did not show it",
    Refusal.FOUGHT_OVER: "it was corrected too often; somebody else writes it too",
}
