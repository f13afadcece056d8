"""What an audit entry says. How it is chained is in `log`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True)
class Actor:
    """Who did it: a person of the stack file, a service (this program), or a system and its own user."""

    kind: Literal["person", "service", "system"]
    name: str
    on_behalf_of: str | None = None


SERVICE = Actor("service", "hrorch")


class Action(StrEnum):
    """What was done. Add to it; never rename: the log keeps the words."""

    OBSERVED = "observed"  # one per snapshot: a digest of its change rows
    STACK_LOADED = "stack_loaded"
    SNAPSHOT_ACCEPTED = "snapshot_accepted"
    IDENTITY_DECIDED = "identity_decided"
    IDENTITY_UNDONE = "identity_undone"
    LINKED = "linked"
    CASE_OPENED = "case_opened"
    CASE_STATE = "case_state"
    CASE_REASSIGNED = "case_reassigned"
    CASE_NOTIFIED = "case_notified"
    CASE_ESCALATED = "case_escalated"
    SCREENING_BEGUN = "screening_begun"  # the statutory steps of a case about an adverse result
    SCREENING_STEP = "screening_step"  # somebody did one of them
    OVERRIDE_SET = "override_set"
    OVERRIDE_ENDED = "override_ended"
    CORRECTION_PROPOSED = "correction_proposed"
    CORRECTION_STATE = "correction_state"
    CORRECTION_APPROVED = "correction_approved"
    CORRECTION_REJECTED = "correction_rejected"
    BUDGET_FROZEN = "budget_frozen"
    BUDGET_RELEASED = "budget_released"
    SENDING = "sending"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REVEALED = "revealed"
    EXPORTED = "exported"
    ERASED = "erased"
    READMITTED = "readmitted"  # a record of an erased person may be read again
    RETENTION_APPLIED = "retention_applied"
    ALERT_RAISED = "alert_raised"
    ALERT_WORSENED = "alert_worsened"
    ALERT_ESCALATED = "alert_escalated"
    ALERT_RECOVERED = "alert_recovered"
    ALERT_TOLD = "alert_told"  # a message about it was delivered
    HANDOFF_STEP = "handoff_step"  # a step of somebody's handoff went from one state to another
    ACTION_PROPOSED = "action_proposed"
    ACTION_STATE = "action_state"


@dataclass(frozen=True, kw_only=True)
class About:
    """Whose value it is about and where that stands, what it was and is, and what brought it about."""

    person_id: str | None = None
    system: str | None = None
    record: str | None = None
    source_id: str | None = None
    attribute: str | None = None
    before: str | None = None
    after: str | None = None
    rule: str | None = None
    snapshot_id: str | None = None
    run_id: str | None = None
    case_id: str | None = None
    correction_id: str | None = None


@dataclass(frozen=True)
class Entry(About):
    """One state change. `before` and `after` are values: they are sealed under the person's key and committed to, never
    stored in clear; an entry with values needs a `person_id`. `detail` holds counts, codes and ids, never a value."""

    action: Action
    actor: Actor = SERVICE
    detail: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
