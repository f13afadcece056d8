"""What docs/stack-file.md says around the tables of what is done: cases, corrections, alerts, writing, webhooks. Words only."""

from __future__ import annotations

from hrorch_pipelines.stack import acting, file_writing, handing, outlets, webhooks, writing
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
        "handoffs",
        "What must happen in one system because of the state in another ([handoffs.md](handoffs.md)). Every pass asks: given all that "
        "is known, what should exist and does not? Conditions are SQL over the person's state: each attribute's decided value, "
        "`<system>_<attribute>` as one system holds it, `in_<system>`, `<system>_id`, `stage`, `today`, `identity_resolved`, "
        "`done_<handoff>`.",
        (
            handing.Handoff,
            handing.Requirement,
            handing.Undo,
            handing.Create,
            handing.Change,
            handing.Mail,
            handing.Invite,
            handing.Ask,
        ),
        """\
handoffs:
  onboarding-tasks:
    when: "offer_status = 'countersigned'"
    requires:
      - {that: in_hris, missing: the HRIS record, owner: hris-analyst}
    then:
      create: onboarding.newhire
      with: {employee_number: employee_number, legal_last_name: legal_last_name, start_date: start_date}
    within: 1d
    owner: hris-analyst
    compensate: {when: "offer_status = 'rescinded'"}""",
        "handoffs",
    ),
    Section(
        "lifecycle",
        "What one hire is, and whose midnight a date turns at.",
        (handing.Lifecycle, handing.TimeZones),
        """\
lifecycle:
  spell: "coalesce('application ' || application_id, 'employment ' || hris_id)"
  time_zones: {attribute: location, values: {Denver: America/Denver}}""",
        "lifecycle",
    ),
    Section(
        "outlets",
        "A mail server for letters, a calendar for invitations.",
        (outlets.MailOutlet, outlets.CalendarOutlet),
        """\
outlets:
  letters:
    connector: smtp
    host: smtp.example
    user: people
    password: ${SMTP_PASSWORD}
    sender: People Team <people@lakeside.example>
    owner: hris-analyst
  calendar:
    connector: caldav
    base_url: https://dav.example/people/first-days/
    user: people
    password: ${DAV_PASSWORD}
    organizer: people@lakeside.example
    owner: hris-analyst""",
        "outlets",
    ),
    Section(
        "screening",
        "Dated rules per jurisdiction: what has to happen, and how long one waits, before a person may be turned down. "
        "HRORCH turns nobody down; it opens a case and keeps the time.",
        (handing.Screening, handing.StatutoryRule, handing.StatutoryStep),
        """\
screening:
  jurisdiction: location
  rules:
    - jurisdiction: "*"
      since: 1997-09-30
      source: 15 USC 1681b(b)(3)
      steps:
        - {step: pre-adverse-notice, action: Send the report and the summary of rights, wait: 5d}
        - {step: final-notice, action: Decide; send the notice of adverse action if it is adverse}""",
        "screening",
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
        "How a record is changed and made, per connector; the presets bring it along. A system's `writes` says which attributes may be "
        "changed there at all.",
        (
            writing.Writes,
            writing.RestWrite,
            writing.RestAdd,
            writing.ScimWrite,
            writing.SqlWrite,
            writing.RestCreate,
            writing.RestLook,
            writing.ScimCreate,
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
