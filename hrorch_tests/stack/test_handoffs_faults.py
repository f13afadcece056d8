"""Faults of handoffs, outlets and screening: each is found, alone, on its line, with a remedy."""

# ruff: noqa: E501  one case, one line

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.check.bindings import binding_faults
from hrorch_pipelines.stack.load import load_stack, load_with_notes
from hrorch_tests.stack.conftest import ENV, VALID, Faults

CREATE = "        create: {path: /people, only: [last_name, start_date, status]}\n"
HANDING = (
    VALID.replace("        key: id\n        fields:\n", "        key: id\n" + CREATE + "        fields:\n")
    .replace(
        "  grade: {data_type",
        "  boss: {data_type: employment, type: person}\n  mail: {data_type: personal, type: email}\n  ssn: {data_type: personal, type: secret}\n  grade: {data_type",
    )
    .replace(
        "          status: status\n",
        "          status: status\n          ssn: ssn\n          boss: boss\n          mail: mail\n",
    )
    + """\
lifecycle:
  spell: "employment_number"
  time_zones: {attribute: department, values: {Radiology: Europe/Berlin}}
outlets:
  letters: {connector: smtp, host: mail.small.example, sender: hr@small.example, owner: lead}
  days: {connector: caldav, base_url: "https://dav.small.example/d/", organizer: hr@small.example, owner: lead}
handoffs:
  hire:
    when: "stage = 'other' AND pay > 0"
    requires: [{that: identity_resolved, missing: who it is, owner: lead}, done_letter]
    then: {create: hris.worker, with: {last_name: payroll_last_name, start_date: today}}
    within: 4h
    since: "2026-03-01"
    owner: analyst
  letter:
    when: "mail IS NOT NULL AND NOT done_hire"
    then:
      mail: letters
      to: mail
      subject: "Hello from {{ organization }}"
      text: hello.txt
      fields: {called: last_name}
    within: 4h
    owner: analyst
  first-day:
    when: done_hire
    then: {invite: days, starts: start_date, summary: "First day of {{ called }}", fields: {called: last_name}, attendees: [boss_email]}
    within: 1d
    owner: analyst
screening:
  jurisdiction: department
  rules:
    - {jurisdiction: "*", since: "2020-01-01", source: A law, steps: [{step: told, action: Tell}, {step: final, action: Decide}]}
    - {jurisdiction: Radiology, since: "2021-01-01", source: A law, steps: [{step: told, action: Tell}]}
"""
).replace("employment_number", "employee_number")

CASES = [
    ("create: hris.worker", "create: worker", "does not say which record", "`system.record`"),
    ("create: hris.worker", "create: hriss.worker", "no system `hriss`", "did you mean `hris`"),
    ("create: hris.worker", "create: hris.workers", "called `workers`", "did you mean `worker`"),
    ("create: hris.worker, with: {last_name: payroll_last_name, start_date: today}", "create: payroll.worker", "nothing says how a worker is made", "add `create` to `systems.payroll.records.worker`"),
    ("{create: hris.worker, with", "{change: hris.worker, with", "nothing says how a worker is changed", "add `write`"),
    ("start_date: today}}", "start_date: today}, from: today}", "have no first day", "remove it"),
    ("with: {last_name: payroll_last_name", "with: {lastname: payroll_last_name", "no attribute `lastname`", "did you mean `last_name`"),
    ("with: {last_name: payroll_last_name", "with: {department: payroll_department", "does not map `department`", "map it there"),
    ("with: {last_name: payroll_last_name", "with: {employee_number: employee_number", "does not take `employee_number`", "add it to `only`"),
    ("with: {last_name: payroll_last_name", "with: {ssn: payroll_last_name", "only a keyed hash", "remove it"),
    ("mail: letters", "mail: leters", "no outlet `leters`", "did you mean `letters`"),
    ("mail: letters", "mail: days", "is a caldav outlet", "`letters`"),
    ("invite: days", "invite: letters", "is a smtp outlet", "`days`"),
    ("  letters: {connector: smtp", "  payroll: {connector: smtp, host: x, sender: a@b.example, owner: lead}\n  letters: {connector: smtp", "is a system's name too", "another name"),
    ("    since: \"2026-03-01\"\n    owner: analyst", "    since: \"2026-03-01\"\n    owner: analist", "no `analist` among `people`", "did you mean"),
    ("who it is, owner: lead", "who it is, owner: leed", "no `leed` among `people`", "did you mean"),
    ("sender: hr@small.example, owner: lead", "sender: hr@small.example, owner: leed", "no `leed` among `people`", "did you mean"),
    ('since: "2026-03-01"', 'since: "2026-02-30"', "no day 2026-02-30", "day of the calendar"),
    ("time_zones: {attribute: department", "time_zones: {attribute: site", "no attribute `site`", "declare it"),
    ("Radiology: Europe/Berlin", "Radiology: Europe/Berln", "is not a time zone", "did you mean `Europe/Berlin`"),
    ("  grade: {data_type", "  hris_id: {data_type: employment}\n  grade: {data_type", "`hris_id` is a column of the person's state", "another name"),
    ("  grade: {data_type", "  today: {data_type: employment}\n  grade: {data_type", "`today` is a column of the person's state", "another name"),
    ("owner: lead}, done_letter]", "owner: lead}, done_lettr]", "no handoff that `done_lettr`", "did you mean `done_letter`"),
    ("owner: lead}, done_letter]", "owner: lead}, done_hire]", "waits on itself", "true before it"),
    ("IS NOT NULL AND NOT done_hire", "IS NOT NULL AND done_first_day", "waits in a circle: `first-day` → `hire` → `letter` → `first-day`", "let one of them"),
    ("text: hello.txt", "text: hullo.txt", "no template `hullo.txt`", "did you mean `hello.txt`"),
    ("text: hello.txt", "text: ../hello.txt", "does not lie beside", "into its folder"),
    ("text: hello.txt", "text: hello.txt\n      attach: hello.txt", "not a Typst template", ".typ"),
    ("Hello from {{ organization }}", "Hello from {{ organisation }}", "names `organisation`", "did you mean `organization`"),
    ("First day of {{ called }}", "First day of {{ called }", "line 1", "correct the template"),
    ("fields: {called: last_name}\n", "fields: {name: last_name}\n", "hello.txt, names `called`", "add it to `fields`"),
    ("  jurisdiction: department\n", "  jurisdiction: site\n", "no attribute `site`", "declare it"),
    ("jurisdiction: Radiology, since: \"2021-01-01\"", "jurisdiction: \"*\", since: \"2020-01-01\"", "a rule for `*` from 2020-01-01 already", "remove one"),
    ("{step: final, action: Decide}", "{step: told, action: Decide}", "`told` is there already", "another name"),
]  # fmt: skip

SQL = [
    ("stage = 'other' AND pay > 0", "stage = 'other' AND payy > 0", "handoffs.hire.when", "no column `payy` (did you mean `pay`?)"),
    ("stage = 'other' AND pay > 0", "pay", "handoffs.hire.when", "is not a condition"),
    ("stage = 'other' AND pay > 0", "start_date < current_date", "handoffs.hire.when", "told by `now` and `today`"),
    ("stage = 'other' AND pay > 0", "now > now()", "handoffs.hire.when", "uses now"),
    ("stage = 'other' AND pay > 0", "random() < 1", "handoffs.hire.when", "random"),
    ("stage = 'other' AND pay > 0", "count(*) > 1", "handoffs.hire.when", "aggregate"),
    ("stage = 'other' AND pay > 0", "pay IN (SELECT 1)", "handoffs.hire.when", "subquery"),
    ("stage = 'other' AND pay > 0", "pay >", "handoffs.hire.when", "is not SQL"),
    ("start_date: today", "start_date: status", "handoffs.hire.then.with.start_date", "`start_date` is a date, and the answer is VARCHAR"),
    ("starts: start_date", "starts: status", "handoffs.first-day.then.starts", "neither a day nor a moment"),
    ('since: "2026-03-01"', "by: pay", "handoffs.hire.by", "is not a day"),
    ('since: "2026-03-01"', "once_per: done_letter", "handoffs.hire.once_per", "made of it"),
    ('spell: "employee_number"', "spell: spell", "lifecycle.spell", "made of it"),
]  # fmt: skip


@pytest.fixture
def letters(folder: Path) -> Path:
    (folder / "hello.txt").write_text("Dear {{ called }},\n", encoding="utf-8")
    return folder


@pytest.mark.usefixtures("letters")
def test_the_unspoilt_file_has_no_fault(faults_of: Faults) -> None:
    assert faults_of(HANDING) == []


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("old", "new", "says", "remedy"), CASES, ids=[f"{case[2]}-{n}" for n, case in enumerate(CASES)]
)
def test_what_is_wrong_is_found_alone_on_its_line(
    faults_of: Faults, old: str, new: str, says: str, remedy: str
) -> None:
    assert HANDING.count(old) == 1
    faults = [fault for fault in faults_of(HANDING.replace(old, new)) if not _of_authority(fault.what)]
    assert len(faults) == 1, faults
    assert says in faults[0].what
    assert remedy in faults[0].remedy
    lines = HANDING.replace(old, new).splitlines()
    changed = {number for number, line in enumerate(lines, 1) if number > len(HANDING.splitlines()) or line != HANDING.splitlines()[number - 1]}  # fmt: skip
    elsewhere = ("in a circle", "hello.txt, names")  # told where the wait or the template stands
    assert faults[0].line in changed or any(word in faults[0].what for word in elsewhere)


@pytest.mark.usefixtures("letters")
def test_all_faults_are_told_at_once(faults_of: Faults) -> None:
    text = HANDING.replace("create: hris.worker", "create: hris.workers").replace("mail: letters", "mail: leters")
    assert len(faults_of(text.replace("text: hello.txt", "text: hullo.txt"))) == 3


def test_sql_of_handoffs_binds(letters: Path) -> None:
    (letters / "stack.yaml").write_text(HANDING, encoding="utf-8")
    assert list(binding_faults(load_stack(letters / "stack.yaml", ENV))) == []


@pytest.mark.parametrize(("old", "new", "where", "says"), SQL, ids=[case[3] for case in SQL])
def test_sql_that_cannot_be_used_is_told_with_its_place(
    letters: Path, old: str, new: str, where: str, says: str
) -> None:
    assert HANDING.count(old) == 1
    (letters / "stack.yaml").write_text(HANDING.replace(old, new), encoding="utf-8")
    loaded = load_with_notes(letters / "stack.yaml", ENV)
    faults = [loaded.fault(finding) for finding in binding_faults(loaded.stack)]
    assert [fault.where for fault in faults] == [where]
    assert says in faults[0].what
    assert "docs/handoffs.md" in faults[0].remedy


def _of_authority(what: str) -> bool:
    """What an attribute that was only added for its name lacks besides."""
    return "no system" in what and "maps" in what
