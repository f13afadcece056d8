"""Tables of the ledger: cases, corrections, keys of persons, the audit log, events, alerts. How they are reached is in `ledger`.

Values of persons lie here only sealed (`sealed`): columns `*_sealed`. `*_mark` are keyed commitments, comparable, unreadable.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class Moment(sa.TypeDecorator[datetime]):
    """An aware moment in UTC: `timestamptz` in PostgreSQL, ISO text in SQLite, so that it sorts as it passes."""

    impl = sa.String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.DateTime(timezone=True) if dialect.name == "postgresql" else sa.String(32))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None or isinstance(value, datetime):
            return value.astimezone(UTC) if value is not None else None
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

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

inbox = sa.Table(
    "inbox",
    metadata,
    # The system, and its own id of the event (or a keyed digest of what it sent): what arrives again is known by it.
    sa.Column("message_id", sa.String(200), primary_key=True),
    sa.Column("system", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(64)),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("subject", sa.String(256)),  # the key of the record it hints at; nothing else of what was sent
    sa.Column("state", sa.String(16), nullable=False),  # inbox.terms.State: new, done, ignored
    sa.Column("done_at", Moment),
    sa.Column("digest", sa.String(64), nullable=False),  # keyed, of the whole body
    # Only what is new is ever asked for by system; every other row costs this index nothing.
    sa.Index(
        "ix_inbox_new",
        "system",
        "received_at",
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    ),
)

inbox_refused = sa.Table(
    "inbox_refused",
    metadata,
    sa.Column("system", sa.String(64), primary_key=True),  # '-': an address that names no system of ours
    sa.Column("reason", sa.String(32), primary_key=True),  # inbox.terms.Refusal
    sa.Column("hour", Moment, primary_key=True),  # its beginning
    sa.Column("count", sa.Integer, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", sa.String(64), primary_key=True),  # of the key and when it was detected: one per episode
    sa.Column("key", sa.String(256), nullable=False),  # what is wrong and where; the same each time it goes wrong
    sa.Column("watch", sa.String(32), nullable=False),  # monitoring.terms.Watch: which kind of failure
    sa.Column("system", sa.String(64)),
    sa.Column("state", sa.String(24), nullable=False),  # open, recovered
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("what", sa.Text, nullable=False),  # one sentence, no values
    sa.Column("action", sa.Text, nullable=False),
    # It happened between these two; the same moment where that is known (M3).
    sa.Column("not_before", Moment, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("detected_at", Moment, nullable=False),  # when it was written here, for its owner
    sa.Column("last_at", Moment, nullable=False),  # seen to be wrong last
    sa.Column("notified_at", Moment),
    sa.Column("recovered_at", Moment),
    sa.Column("escalated_at", Moment),
    sa.Column("detail", sa.Text),  # JSON without values: whom it affects, as counts
    sa.Index("ix_alerts_key", "key", "since"),
    sa.Index("ix_alerts_open", "state", "detected_at"),
)

notices = sa.Table(
    "notices",
    metadata,
    # Of the alert, the change and where it goes: what was written once is not written again.
    sa.Column("notice_id", sa.String(64), primary_key=True),
    sa.Column("alert_id", sa.String(64), index=True),  # NULL: a daily digest
    sa.Column("change", sa.String(16), nullable=False),  # monitoring.terms.Change
    sa.Column("recipient", sa.String(64), nullable=False),
    sa.Column(
        "channel", sa.String(128), nullable=False
    ),  # which address of the stack file: `alerts/0`, never the address
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("title", sa.Text, nullable=False),  # no values
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),  # not before: quiet hours, the next try, the end of somebody's lease
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", Moment),
    sa.Column("gave_up_at", Moment),
    sa.Column("fault", sa.String(64)),  # code of the last failure to deliver it
    sa.Index(
        "ix_notices_due",
        "due_at",
        sqlite_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL"),
    ),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),  # of a sensor, a service, the daemon
    sa.Column("at", Moment, nullable=False),
    sa.Column("detail", sa.Text),  # what it said, no values
)
