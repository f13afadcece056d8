"""What docs/stack-file.md says around its tables: an introduction, and a text and an example for each section. Words only."""

from __future__ import annotations

from hrorch_pipelines.stack import mapping, models, rules, systems
from hrorch_pipelines.stack.examples_acting import ACTING
from hrorch_pipelines.stack.section import Section

INTRODUCTION = """\
# The stack file

Made from the models by `python -m hrorch_pipelines.stack.docs`; do not edit it here.

One YAML file says everything: which systems there are, what they know about a person, who decides, what a record must
look like, who is who. `hrorch check` reads it and names **every** fault at once, with file, line and remedy, then tries
each connection. The smallest useful one is [examples/two-files/stack.yaml](examples/two-files/stack.yaml); a whole company
is [../data/stack.yaml](../data/stack.yaml). For completion in your editor, begin your file with
`# yaml-language-server: $schema=…/docs/stack.schema.json`.

- **Secrets never live in it.** `${NAME}` reads the environment, `${NAME:-default}` has something to fall back on. What the
  environment gives appears in no message and not in the file's hash.
- **Unknown keys are refused**, with the nearest known one.
- **Text may stand without quotes** even if it looks like a number or a date: `4200`, `00417` and `2026-01-31` stay as written
  where text is asked for. Quote what begins with a sign of YAML (`*`, `&`, `%`, `@`, `{`) or holds `: `.
- **Durations** are a number and a unit: `90s`, `30m`, `2h`, `5d`, `1w`, `3y`. **Shares** are `10%` or `0.1`.
- **Names** (of people, systems, record types, stages) are lower-case letters, digits, `-` and `_`; attributes have no `-`.
- **Paths** of files begin at the stack file.
- **SQL** is DuckDB's, one expression, checked before anything runs.
"""


SECTIONS: tuple[Section, ...] = (
    Section("The whole file", "These are its keys; each has a section below.", (models.Stack,)),
    Section(
        "organization",
        "Whose stack it is. Its time zone decides when a date turns; its calendar, when something is overdue.",
        (models.Organization,),
        "organization: {name: Lakeside Health, time_zone: America/Chicago, currency: USD, work_week: mon-fri, holidays: US}",
        "organization",
    ),
    Section(
        "people",
        "Owners and reviewers. The deputy is asked when the first one is away; nobody is their own.",
        (models.Owner, models.Away),
        """\
people:
  hris-analyst: {name: Dana Whitfield, email: dana.whitfield@lakeside.example, deputy: payroll-lead}
  payroll-lead: {name: Marcus Oyelaran, email: marcus.oyelaran@lakeside.example, deputy: hris-analyst}""",
        "people",
    ),
    Section(
        "systems",
        "How to reach each system, how far to trust it, and which records it holds. A `preset` is a ready description to start "
        "from ([writing-a-preset.md](writing-a-preset.md)): what you write wins over it key by key, and `null` takes a key out. "
        "A field taken out is not compared, but it stays in the copy of the record as it came: keep what is `secret` mapped. "
        "The one record type without a `parent` stands for a person.",
        (systems.System, systems.Trust, systems.Connection, systems.Auth, systems.Rate),
        """\
systems:
  hris:
    preset: bamboohr
    base_url: ${HRIS_URL}
    credentials: {api_key: "${HRIS_KEY}"}
    owner: hris-analyst
    schedule: "*/30 * * * *"
    trust: {max_age: 2h, max_row_drop: 10%}
    records:
      worker: {fields: {phone: null}}     # leave one of the preset's fields out
  payroll:
    connector: files
    base_url: sftp://payroll.example/out
    credentials: {username: "${PAYROLL_USER}", password: "${PAYROLL_PASSWORD}"}
    owner: payroll-lead
    records:
      worker:
        read: {path: "employees_*.csv", encoding: cp1252, delimiter: ";"}
        key: EmpNo
        fields:
          employee_number: EmpNo
          legal_last_name: {from: Name, split: {by: ",", take: 0}}
          pay_amount: {from: Gross, decimal: ",", thousands: ".", currency: EUR, unit: month}""",
        "systems",
    ),
    Section(
        "records",
        "What a system holds. `read` says where the records come from; its keys are those of the system's `connector`. Records "
        "that belong to another name it as `parent` and say by `parent_key` which one. Rows that count from a day on are "
        "`effective`.",
        (systems.Record, mapping.Effective),
        """\
read: {path: /api/v1/employees/all/tables/jobInfo}
key: id
parent: worker
parent_key: employeeId
effective: {from: date, sequence: id}
fields: {job_title: jobTitle, department: department}""",
        "Record",
    ),
    Section(
        "read: rest",
        "One collection of a REST API. Every answer is checked; a page that does not fit makes the whole read untrusted.",
        (systems.RestRead, systems.Paginator, systems.Window),
        """\
path: /v3/candidates
paginator: {type: link_header, cursor_alone: true, size_param: per_page, size: 500}
window: {param: updated_at, format: "gte|{since}|lte|{until}"}""",
        "RestRead",
    ),
    Section(
        "read: files",
        "Exports in a folder, on SFTP, or at any fsspec URL. Every column is read as text first. A file still being written "
        "(`.part`, `.tmp`, …) is never taken.",
        (systems.FileRead,),
        'path: "employees_*.csv"\nencoding: cp1252\ndelimiter: ";"\nfooter_rows: 1',
        "FileRead",
    ),
    Section(
        "read: sql",
        "A table or a SELECT, read in one transaction that cannot write.",
        (systems.SqlRead,),
        "query: SELECT id, last_name, email FROM hr.person",
        "SqlRead",
    ),
    Section(
        "read: scim",
        "A SCIM 2.0 directory (RFC 7643, 7644).",
        (systems.ScimRead,),
        "resource: User\ncount: 100",
        "ScimRead",
    ),
    Section(
        "fields",
        "How a source value becomes a canonical one. A plain path is enough where nothing has to be done; several paths in a "
        "list are joined. What cannot be converted is held back at the gate with its reason, never silently emptied.",
        (mapping.FieldMap, mapping.Split),
        """\
employee_number: employeeNumber
legal_first_name: {from: Name, split: {by: ",", take: 1}}
date_of_birth: {from: DOB, format: "%m/%d/%Y"}
department: {from: CostCentre, map: {4200: Radiology, 4300: Surgery}}
national_id: {from: SSN, hidden_values: ["***", XXX-XX-XXXX]}
pay_amount: {from: Rate, thousands: ",", currency: USD, unit_from: Per, unit_map: {Annual: year, Hourly: hour}}
employment_status: {from: active, sql: "CASE value WHEN 'true' THEN 'active' ELSE 'terminated' END"}""",
        "fields",
    ),
    Section(
        "attributes",
        "What is known about a person. With purpose and retention it is the register of processing (GDPR Art. 30).",
        (rules.Attribute,),
        """\
attributes:
  work_email: {data_type: access, type: email, required_in: [directory], purpose: Communication, retention: 1y}
  pay_amount: {data_type: compensation, type: pay, sensitivity: pay, tolerance: 0.005, purpose: Pay, retention: 7y}""",
        "attributes",
    ),
    Section(
        "stages",
        "Lifecycle stages, tried in the order written: the first that holds is the person's. `when` sees every system's attributes "
        "as `system.attribute`, and `as_of`, the day.",
        (rules.Stage,),
        """\
stages:
  worker: {present_in: [hris], when: "hris.employment_status <> 'prehire'"}
  candidate: {present_in: [ats, hris]}""",
        "stages",
    ),
    Section(
        "authority",
        "For each data type and stage the one system that decides. A system's name alone is enough. Gaps and second authorities "
        "are faults.",
        (rules.AuthorityRule,),
        """\
authority:
  personal: {candidate: ats, worker: hris}
  compensation: {candidate: ats, worker: {system: hris, when_empty: hold}}""",
        "authority",
    ),
    Section(
        "presence",
        "Who must have a record in a system, and who must not. `must` and `must_not` see the golden record, `stage` and `as_of`; "
        "`live` sees the system's own attributes.",
        (rules.Presence,),
        """\
presence:
  payroll:
    must: "stage = 'worker' AND employment_status IN ('active', 'leave')"
    must_not: "stage = 'worker' AND employment_status = 'terminated'"
    live: "employment_status <> 'terminated'"
    grace: 5d""",
        "presence",
    ),
    Section(
        "gates",
        "Rules every record must pass, and expectations on whole snapshots, under `system.record`. A record that fails an `error` "
        "waits in quarantine, whole and unchanged, and its last good version stays in use.",
        (rules.GateRule, rules.Expectation),
        """\
gates:
  hris.worker:
    - {rule: required, attribute: employee_number, action: Enter the employee number in the HRIS}
    - {rule: range, attribute: date_of_birth, min: 1926-01-01, max: 2012-12-31, route: hris-analyst}
    - {rule: not_before, attribute: end_date, other: start_date, when: "end_date IS NOT NULL"}
    - {expect: completeness, attribute: employee_number, at_least: 98%}
    - {expect: refers_to, attribute: manager, refers_to: hris.manager, at_least: 95%, severity: warning}""",
        "gates",
    ),
    Section(
        "matching",
        "Who is who. Keys come first, in their order; the rest is compared by likelihood. Doubt is asked, never guessed.",
        (rules.Matching, rules.MatchKey, rules.Probabilistic),
        """\
matching:
  keys:
    - {attributes: [employee_number], confirm: [legal_last_name, date_of_birth]}
  probabilistic:
    attributes: [legal_first_name, legal_last_name, date_of_birth, postcode]
    block_on: [[date_of_birth], [legal_last_name, postcode]]
  review_between: [0.10, 0.99]
  reviewer: hris-analyst""",
        "matching",
    ),
    Section(
        "comparison",
        "Defaults of the comparison; [metrics.md](metrics.md) says what is counted.",
        (rules.Comparison,),
        "comparison: {grace: 24h, pay_periods_per_year: 26}",
        "comparison",
    ),
    *ACTING,
)
