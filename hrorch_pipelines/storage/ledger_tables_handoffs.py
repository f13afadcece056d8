"""Tables of handoffs: the steps of each person, the actions that carry them out, the letters sent, statutory steps.

Values of persons lie here only sealed. An action's columns of sending are those of a correction: one way out for both.
"""

from __future__ import annotations

import sqlalchemy as sa

from hrorch_pipelines.storage.ledger_base import Moment, metadata

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("step_id", sa.String(64), primary_key=True),  # keyed hash of handoff, person, once_per
    sa.Column("handoff", sa.String(64), nullable=False),
    sa.Column("person_id", sa.String(64), nullable=False, index=True),
    sa.Column("once_per", sa.String(64), nullable=False),  # keyed mark of what it is done once for
    sa.Column("state", sa.String(24), nullable=False),  # handoffs.terms.StepState
    sa.Column("state_at", Moment, nullable=False),
    sa.Column("why", sa.Text),  # of the state, in words, no values
    sa.Column("missing", sa.Text),  # parked: what is missing, in the stack file's words
    sa.Column("missing_owner", sa.String(64)),  # … and who can bring it about
    # Two times: from when it had to happen in the world, and since when we know.
    sa.Column("true_from", Moment, nullable=False),
    sa.Column("known_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),  # later than this it is stalled
    sa.Column("released_at", Moment),  # when nothing was missing any more
    sa.Column("stalled_at", Moment),  # when its owner was told
    sa.Column("done_at", Moment),
    sa.Column("done_how", sa.String(16)),  # handoffs.terms.DoneHow
    sa.Column("revision", sa.Integer, nullable=False, server_default="0"),  # of what it says: a moved day is a new one
    sa.Column("content_mark", sa.String(64)),  # keyed mark of what the newest action says
    sa.Column("action_id", sa.String(64)),  # the newest action
    sa.Column("case_id", sa.String(64)),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("last_seen_at", Moment, nullable=False),
    sa.Column("stack_hash", sa.String(64)),
    sa.Index("ix_steps_state", "state", "due_at"),
    sa.Index("ix_steps_handoff", "handoff", "state"),
)

actions = sa.Table(
    "actions",
    metadata,
    # The idempotency key: keyed hash of step, purpose, revision.
    sa.Column("action_id", sa.String(64), primary_key=True),
    sa.Column("step_id", sa.String(64), nullable=False, index=True),
    sa.Column("handoff", sa.String(64), nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),  # handoffs.terms.Purpose: do, again, undo
    sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
    sa.Column("person_id", sa.String(64), nullable=False, index=True),
    sa.Column("target", sa.String(64), nullable=False),  # a system or an outlet
    sa.Column("verb", sa.String(16), nullable=False),  # stack.handing.Kind but `ask`, and `cancel`
    sa.Column("record", sa.String(64)),  # create, change
    sa.Column("parent_id", sa.String(256)),  # create under a parent: the person's own record there
    sa.Column(
        "source_id", sa.String(256)
    ),  # change: the record; create: the record once it is known; invite: the event
    sa.Column("effective_from", sa.Date),
    sa.Column("kind", sa.String(16), nullable=False),  # stack.acting.ChangeKind: its budget
    sa.Column("content_sealed", sa.LargeBinary),  # canonical JSON: what is said
    sa.Column("content_mark", sa.String(64)),
    sa.Column("rule", sa.String(256)),  # in words: the handoff and its condition
    sa.Column("snapshots", sa.Text),  # JSON system → snapshot id: what it rests on
    sa.Column("cycle_id", sa.String(64)),
    sa.Column("case_id", sa.String(64)),
    sa.Column("stack_hash", sa.String(64)),
    sa.Column("state", sa.String(24), nullable=False),  # corrections.terms.State
    sa.Column("state_at", Moment, nullable=False),
    sa.Column("why", sa.Text),
    sa.Column("proposed_by", sa.String(64), nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
    sa.Column("approved_by", sa.String(64)),
    sa.Column("approved_at", Moment),
    sa.Column("released_by", sa.String(64)),
    sa.Column("released_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", Moment),
    sa.Column("lease", sa.String(64)),
    sa.Column("lease_until", Moment),
    sa.Column("sent_at", Moment),
    sa.Column("acknowledged_at", Moment),
    sa.Column("seen_at", Moment),
    sa.Column("confirmed_at", Moment),
    sa.Column("receipt", sa.String(256)),
    sa.Column("fault", sa.String(64)),
    sa.Index("ix_actions_due", "target", "state", "due_at"),
)

letters = sa.Table(
    "letters",
    metadata,
    # Written before the letter leaves: what was sent can be shown, until erasure or retention empties it.
    sa.Column("action_id", sa.String(64), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),  # 0: to, subject and text (JSON); 1: its attachment (base64)
    sa.Column("person_id", sa.String(64), nullable=False, index=True),
    sa.Column("media_type", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # keyed, of the plain content
    sa.Column("content_sealed", sa.LargeBinary),
    sa.Column("made_at", Moment, nullable=False),
)

screenings = sa.Table(
    "screenings",
    metadata,
    # One row per statutory step of a case about an adverse result, written when it begins: a rule that changes afterwards
    # changes nothing under way. `round` tells a second adverse result from the first.
    sa.Column("case_id", sa.String(64), primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),  # from 1, in their order
    sa.Column("step", sa.String(64), nullable=False),
    sa.Column("action", sa.Text, nullable=False),  # what is done, in the stack file's words
    sa.Column("wait_seconds", sa.Integer),  # that must pass after it before the next; 86,400 are a day
    sa.Column("working", sa.Boolean, nullable=False),  # only working days count in the wait
    sa.Column("source", sa.Text, nullable=False),  # where the rule is written
    sa.Column("rule_since", sa.Date, nullable=False),
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("done_on", sa.Date),  # the day it was done, as told
    sa.Column("done_by", sa.String(64)),  # one of `people`
    sa.Column("done_at", Moment),  # when it was told
    sa.Column("not_before", sa.Date),  # once it is done: the first day on which what comes after it may be done
    sa.Column("waits_from", Moment),  # … and the moments between which nobody may act (M4 leaves them out)
    sa.Column("waits_until", Moment),
    sa.Column("ended_at", Moment),  # the round is over: the result is clear
)
