"""Tables of the ledger: cases, corrections, keys of persons, the audit log, events, alerts. How they are reached is in `ledger`.

Values of persons lie here only sealed (`sealed`): columns `*_sealed`. `*_mark` are keyed commitments, comparable, unreadable.
"""

from __future__ import annotations

import sqlalchemy as sa

from hrorch_pipelines.storage.ledger_base import Moment, metadata
from hrorch_pipelines.storage.ledger_tables_handoffs import actions, letters, screenings, steps
from hrorch_pipelines.storage.ledger_tables_watch import alerts, heartbeats, inbox, inbox_refused, notices

__all__ = [
    "Moment",
    "actions",
    "alerts",
    "audit_log",
    "audit_values",
    "breakers",
    "cases",
    "corrections",
    "heartbeats",
    "inbox",
    "inbox_refused",
    "letters",
    "metadata",
    "notes",
    "notices",
    "overrides",
    "person_keys",
    "screenings",
    "steps",
]

person_keys = sa.Table(
    "person_keys",
    metadata,
    sa.Column("person_id", sa.String(64), primary_key=True),
    sa.Column("wrapped_key", sa.LargeBinary),  # NULL once erased: nothing sealed under it can be read again
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("destroyed_at", Moment),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    # Never goes back: who asks for a time finds its entries by halving, without an index.
    sa.Column("at", Moment, nullable=False),
    # The envelope is what the chain covers (RFC 8785, canonical JSON). The other columns repeat parts of it, to be asked for.
    sa.Column("envelope", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(256), nullable=False),
    sa.Column("person_id", sa.String(64)),
    sa.Column("system", sa.String(64)),
    sa.Column("attribute", sa.String(64)),
    sa.Column("case_id", sa.String(64)),
    sa.Column("correction_id", sa.String(64)),
    # Every index costs each entry: only what narrows much has one, and only where there is something to find.
    *(
        sa.Index(
            f"ix_audit_log_{name}",
            name,
            sqlite_where=sa.text(f"{name} IS NOT NULL"),
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
        for name in ("person_id", "case_id", "correction_id")
    ),
)

audit_values = sa.Table(
    "audit_values",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.String(64), nullable=False, index=True),
    sa.Column("before_sealed", sa.LargeBinary),
    sa.Column("after_sealed", sa.LargeBinary),
)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("case_id", sa.String(64), primary_key=True),  # the fingerprint: source, subject, attribute, rule
    sa.Column("source", sa.String(16), nullable=False),  # stack.acting.CaseSource
    sa.Column("rule", sa.String(128), nullable=False),
    sa.Column("person_id", sa.String(64), index=True),
    sa.Column("system", sa.String(64), index=True),
    sa.Column("record", sa.String(64)),
    sa.Column("source_id", sa.String(256)),
    sa.Column("attribute", sa.String(64)),
    sa.Column("severity", sa.String(16), nullable=False, server_default="error"),
    sa.Column("what", sa.Text, nullable=False),  # one sentence, no values
    sa.Column("expected", sa.Text),  # masked
    sa.Column("actual", sa.Text),  # masked
    sa.Column("cause", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("reviewer", sa.String(64), nullable=False, index=True),
    sa.Column("deputy", sa.String(64)),
    sa.Column("state", sa.String(24), nullable=False, index=True),
    sa.Column("occurred_at", Moment),
    sa.Column("detected_at", Moment, nullable=False),
    sa.Column("notified_at", Moment),
    sa.Column("acknowledged_at", Moment),
    sa.Column("resolved_at", Moment),
    sa.Column("confirmed_at", Moment),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("escalated_at", Moment),
    sa.Column("waived_until", Moment),
    sa.Column("resolution", sa.String(32)),
    sa.Column("reason", sa.Text),
    sa.Column("reopened", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_seen_at", Moment, nullable=False),
    sa.Column("reference", sa.String(256)),  # the gate case, snapshot, review, discrepancy or correction it stands for
    sa.Column("detail", sa.Text),  # JSON without values: counts, snapshot ids, the other writer
    sa.Column("stack_hash", sa.String(64)),
)

overrides = sa.Table(
    "overrides",
    metadata,
    sa.Column("override_id", sa.String(64), primary_key=True),
    sa.Column("person_id", sa.String(64), nullable=False, index=True),
    sa.Column("attribute", sa.String(64), nullable=False),
    sa.Column("system", sa.String(64)),  # NULL: the golden value itself; else: what this copy may differ in
    sa.Column("value_sealed", sa.LargeBinary),
    sa.Column("value_mark", sa.String(64)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("made_by", sa.String(64), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("ended_why", sa.String(64)),
    sa.Column("case_id", sa.String(64)),
)

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("correction_id", sa.String(64), primary_key=True),  # the idempotency key
    sa.Column("discrepancy_id", sa.String(64), index=True),
    sa.Column("case_id", sa.String(64)),
    sa.Column("person_id", sa.String(64), nullable=False, index=True),
    sa.Column("target", sa.String(64), nullable=False),
    sa.Column("record", sa.String(64), nullable=False),
    sa.Column("source_id", sa.String(256), nullable=False),  # of the base record
    sa.Column("attribute", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # stack.acting.ChangeKind
    sa.Column("data_type", sa.String(64), nullable=False),
    sa.Column("before_sealed", sa.LargeBinary),
    sa.Column("before_mark", sa.String(64)),
    sa.Column("after_sealed", sa.LargeBinary),
    sa.Column("after_mark", sa.String(64)),
    sa.Column("effective_from", sa.Date),
    sa.Column("cause", sa.String(64)),
    sa.Column("rule", sa.String(256)),  # the authority rule, in words
    sa.Column("authority_system", sa.String(64)),
    sa.Column("authority_snapshot_id", sa.String(128)),
    sa.Column("target_snapshot_id", sa.String(128)),
    sa.Column("cycle_id", sa.String(64)),
    sa.Column("stack_hash", sa.String(64)),
    sa.Column("state", sa.String(24), nullable=False),  # corrections.terms.State
    sa.Column("state_at", Moment, nullable=False),
    sa.Column("why", sa.Text),  # of the state, in words, no values
    sa.Column("proposed_by", sa.String(64), nullable=False),  # a person, or the service
    sa.Column("proposed_at", Moment, nullable=False),
    sa.Column("approved_by", sa.String(64)),
    sa.Column("approved_at", Moment),
    sa.Column("approved_mark", sa.String(64)),  # the before-mark the approval saw
    sa.Column("released_by", sa.String(64)),  # who let it pass although its segment was over budget
    sa.Column("released_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", Moment),  # not before
    sa.Column("lease", sa.String(64)),
    sa.Column("lease_until", Moment),
    sa.Column("sent_at", Moment),
    sa.Column("acknowledged_at", Moment),
    sa.Column("seen_at", Moment),  # last re-read
    sa.Column("confirmed_at", Moment),
    sa.Column("receipt", sa.String(256)),  # what the target gave back: a version, a file name
    sa.Column("fault", sa.String(64)),  # code of the last failure
    sa.Index("ix_corrections_due", "target", "state", "due_at"),
    sa.Index("ix_corrections_place", "target", "source_id", "attribute"),
)

breakers = sa.Table(
    "breakers",
    metadata,
    sa.Column("system", sa.String(64), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),  # closed, open, half_open
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("retry_at", Moment),
    sa.Column("fault", sa.String(64)),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),  # audit_head, …: one value each
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
