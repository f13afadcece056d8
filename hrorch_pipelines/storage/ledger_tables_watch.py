"""Tables of what arrives and what is watched: events, alerts, messages about them, heartbeats. No persons' values."""

from __future__ import annotations

import sqlalchemy as sa

from hrorch_pipelines.storage.ledger_base import Moment, metadata

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
