"""What docs/stack-file.md says around the tables of what is done: cases, corrections, alerts, writing, webhooks. Words only."""

from __future__ import annotations

from hrorch_pipelines.stack import acting, file_writing, webhooks, writing
from hrorch_pipelines.stack.section import Section

ACTING: tuple[Section, ...] = (
    Section(
        "exceptions",
        "Cases, each with a named reviewer and a time. Routes are tried in their order; the first whose every word fits decides.",
        (acting.Exceptions, acting.Route),
        """\
exceptions:
  routes:
    - {data_type: compensation, reviewer: payroll-lead, due: 4h}
    - {source: identity, reviewer: hris-analyst}
  default_reviewer: hris-analyst
  due: 1d""",
        "exceptions",
    ),
    Section(
        "corrections",
        "What is put right, and how carefully. Nothing is sent until `mode` says `apply`. Budgets are held against the whole plan "
        "before the first write.",
        (acting.Corrections, acting.Budget, acting.NeverTouch, acting.Fights),
        """\
corrections:
  mode: propose
  four_eyes: [pay, bank]
  budgets:
    - {kind: termination, count: 5}
    - {kind: pay, share: 2%, owner: payroll-lead}
  never_touch: {attributes: [national_id], where: "stage = 'candidate'"}""",
        "corrections",
    ),
    Section(
        "alerts",
        "Who is told of what fails ([monitoring.md](monitoring.md)): once per change, with recovery, escalation to the deputy, "
        "quiet hours and a daily digest. Alerts hold counts and names of systems, never a person's value.",
        (acting.Alerts, acting.Watched),
        """\
alerts:
  urls: ["mailto://${SMTP_USER}:${SMTP_PASSWORD}@smtp.example?to={email}", "${TEAMS_URL:-}"]
  default_owner: hris-analyst
  quiet_hours: 20:00-07:00
  digest_at: 08:00
  watch: {queue: 1h, cycle: 3h}""",
        "alerts",
    ),
    Section(
        "write",
        "How a record is changed, per connector; the presets bring it along. A system's `writes` says which attributes may be "
        "changed there at all.",
        (
            writing.Writes,
            writing.RestWrite,
            writing.RestAdd,
            writing.ScimWrite,
            writing.SqlWrite,
            file_writing.FileWrite,
            file_writing.FileAnswer,
        ),
    ),
    Section(
        "webhook",
        "How a system tells us by itself that something changed ([webhooks.md](webhooks.md)). The presets of Greenhouse, BambooHR, "
        "Checkr and Gusto bring it along: give the system the credential that `secret` names. A message is a hint: the system "
        "is then read.",
        (webhooks.Webhook, webhooks.Signing),
        """\
scheme: hmac
secret: webhook_secret
signing:
  header: X-Signature
  prefix: "v1="
  signed: "{id}.{timestamp}.{body}"
  timestamp: X-Timestamp
  id: "header:X-Id"
  kind: [event]
  subject: [employee.id]""",
        "Webhook",
    ),
    Section(
        "legal_hold",
        "People who may not be erased while a charge or an action is open (29 CFR 1602.14).",
        (),
        "legal_hold: [hris:4711]",
        "legal_hold",
    ),
)
