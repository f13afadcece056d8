"""States of a case, and how it may be resolved. Transitions are in `cases`."""

from __future__ import annotations

from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    AWAITING_CONFIRMATION = "awaiting_confirmation"  # resolved by somebody; not yet seen to hold
    CONFIRMED = "confirmed"  # the gate passes again and the value landed
    WAIVED = "waived"  # until `waived_until`, with a reason


class Resolution(StrEnum):
    """What a reviewer decided."""

    ACCEPT_AUTHORITY = "accept_authority"
    ENTER_VALUE = "enter_value"
    DECIDE_IDENTITY = "decide_identity"
    OVERRIDE = "override"
    WAIVE = "waive"
    EDITED = "edited"  # corrected by hand in the system itself; counts as manual entry (M1, `resolved_by_edit`)
    BY_ITSELF = "by_itself"  # mended at the source, nobody had to act here


LIVE = frozenset({CaseState.OPEN, CaseState.ACKNOWLEDGED, CaseState.IN_PROGRESS, CaseState.AWAITING_CONFIRMATION})
