"""Faults of what is declared about acting: each is found, alone, on its line, with a remedy."""

# ruff: noqa: E501  one case, one line

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.stack.load import load_stack, load_with_notes
from hrorch_tests.stack.conftest import ENV, VALID, Faults

READ = "        read: {path: payroll.csv}\n"
WRITE = '        write: {drop: "out/{date}-{batch}.csv", columns: ["{key}", "{after}"]}\n'
ACTING = (
    (
        VALID.replace(READ, READ + WRITE)
        .replace("    owner: lead\n", "    owner: lead\n    writes: {attributes: [last_name, pay]}\n")
        .replace(
            "          start_date: {from: started",
            "          site: {from: site, map: {C: chicago, CH: chicago, B: boston}, write_map: {chicago: C}}\n          start_date: {from: started",
        )
        .replace("  grade: {data_type", "  site: {data_type: employment, type: code}\n  grade: {data_type")
    )
    + """\
exceptions:
  entity: site
  routes:
    - {source: gate, system: hris, data_type: compensation, entity: chicago, reviewer: lead}
    - {attribute: pay, reviewer: lead}
  default_reviewer: analyst
corrections:
  mode: apply
  targets: [payroll]
  four_eyes: [pay, personal, grade]
  approvers: [analyst, lead]
  budgets:
    - {kind: pay, system: payroll, share: 2%, owner: lead}
    - {kind: name, entity: chicago, count: 3}
  never_touch: {attributes: [grade], systems: [hris], records: ["payroll:17"], where: "status = 'leave'"}
"""
)

CASES = [
    ("attributes: [last_name, pay]", "attributes: [lastname, pay]", "no attribute `lastname`", "did you mean `last_name`"),
    ("attributes: [last_name, pay]", "attributes: [grade, pay]", "`payroll` does not map `grade`", "map it"),
    ("attributes: [last_name, pay]", "attributes: [pay, last_name, pay]", "`pay` is there already", "remove it"),
    ("write_map: {chicago: C}", "write_map: {chicago: B}", "reads back as `boston`", "`chicago`"),
    ("write_map: {chicago: C}", "write_map: {chicago: X}", "`map` does not know", "add `X: chicago`"),
    ("  entity: site", "  entity: sight", "no attribute `sight`", "did you mean `site`"),
    ("system: hris, data_type", "system: hriss, data_type", "no system `hriss`", "did you mean `hris`"),
    ("data_type: compensation, entity", "data_type: compensations, entity", "no data type `compensations`", "did you mean `compensation`"),
    ("{attribute: pay, reviewer", "{attribute: paye, reviewer", "no attribute `paye`", "did you mean `pay`"),
    ("entity: chicago, reviewer: lead", "entity: chicago, reviewer: leed", "no `leed` among `people`", "did you mean `lead`"),
    ("default_reviewer: analyst", "default_reviewer: annalyst", "no `annalyst` among `people`", "did you mean"),
    ("targets: [payroll]", "targets: [payrol]", "no system `payrol`", "did you mean `payroll`"),
    ("targets: [payroll]", "targets: [payroll, hris]", "nothing may be written into `hris`", "add `writes"),
    ("four_eyes: [pay, personal, grade]", "four_eyes: [bnk]", "no kind of change", "did you mean `bank`"),
    ("approvers: [analyst, lead]", "approvers: [lead]", "one approver alone", "at least two"),
    ("approvers: [analyst, lead]", "approvers: [lead, leed]", "no `leed` among `people`", "did you mean `lead`"),
    ("{kind: pay, system: payroll", "{kind: pay, system: hris", "nothing may be written into `hris`", "add `writes"),
    ("{kind: pay, system: payroll", "{kind: pay, system: payrll", "no system `payrll`", "did you mean `payroll`"),
    ("{kind: pay, system", "{kind: pai, system", "`pai` is none of the choices", "did you mean `pay`"),
    ("share: 2%, owner: lead", "share: 2%, owner: leed", "no `leed` among `people`", "did you mean `lead`"),
    ("attributes: [grade], systems", "attributes: [grayd], systems", "no attribute `grayd`", "did you mean `grade`"),
    ("systems: [hris], records", "systems: [hriz], records", "no system `hriz`", "did you mean `hris`"),
    ('records: ["payroll:17"]', 'records: ["17"]', "does not say which record of which system", "payroll:1234"),
    ('records: ["payroll:17"]', 'records: ["payrol:17"]', "no system `payrol`", "did you mean `payroll`"),
]  # fmt: skip


def test_the_file_that_acts_is_valid(faults_of: Faults) -> None:
    assert faults_of(ACTING) == []


@pytest.mark.parametrize(("old", "new", "what", "remedy"), CASES, ids=lambda value: str(value)[:40])
def test_one_fault_is_named_alone_on_its_line(faults_of: Faults, old: str, new: str, what: str, remedy: str) -> None:
    assert ACTING.count(old) == 1, old
    line = ACTING[: ACTING.index(old)].count("\n") + 1
    faults = faults_of(ACTING.replace(old, new))
    assert [fault.line for fault in faults] == [line], faults
    assert what in faults[0].what, faults[0]
    assert remedy in faults[0].remedy, faults[0]


def test_a_way_of_writing_must_be_declared_for_the_record_that_holds_the_value(faults_of: Faults) -> None:
    (fault,) = faults_of(ACTING.replace(WRITE, "").replace("attributes: [last_name, pay]", "attributes: [pay]"))
    assert "nothing says how a worker is changed" in fault.what
    assert "systems.payroll.records.worker" in fault.remedy


def test_entities_need_an_attribute_that_tells_them(faults_of: Faults) -> None:
    faults = faults_of(ACTING.replace("  entity: site\n", ""))
    assert [fault.what for fault in faults] == ["nothing says which attribute is a person's legal entity"] * 2


def test_a_secret_cannot_be_written(faults_of: Faults) -> None:
    text = ACTING.replace(
        "last_name: {data_type: personal, type: name,",
        "last_name: {data_type: personal, type: secret, sensitivity: secret,",
    )
    faults = faults_of(text)
    assert any("only a keyed hash is known" in fault.what for fault in faults)


REST = """\
        write: {read: "/people/{id}", path: "/people/{id}", version: "body:version", only: [status]}
"""


def rest(faults_of: Faults, write: str, attributes: str) -> list[str]:
    key = "        key: id\n"
    text = ACTING.replace(key, key + write).replace(
        "    schedule:", f"    writes: {{attributes: [{attributes}]}}\n    schedule:"
    )
    return [fault.what for fault in faults_of(text)]


def test_what_a_resource_does_not_take_cannot_be_written(faults_of: Faults) -> None:
    assert rest(faults_of, REST, "status") == []
    (what,) = rest(faults_of, REST, "status, last_name")
    assert what == "`last_name` is read only: the `write` of `worker` takes `status`"


@pytest.mark.parametrize("version", ["version", "body:", "etag:x"])
def test_a_version_goes_into_the_body_or_a_header(faults_of: Faults, version: str) -> None:
    (what,) = rest(faults_of, REST.replace("body:version", version), "status")
    assert what == "does not say where the version goes"


def test_rows_without_a_first_day_are_never_added(faults_of: Faults) -> None:
    (what,) = rest(faults_of, REST.replace("only: [status]", "add: {path: /x}"), "status")
    assert "none is ever added" in what


def test_a_form_of_another_connector_is_refused(faults_of: Faults) -> None:
    faults = [fault.what for fault in faults_of(ACTING.replace(WRITE, "        write: {table: t}\n"))]
    assert any("unknown key `table`" in what for what in faults), faults


def test_two_approvers_are_needed_even_where_everybody_may_approve(faults_of: Faults) -> None:
    text = ACTING.replace("  approvers: [analyst, lead]\n", "").replace(
        "  lead: {name: L, email: l@small.example, deputy: analyst}\n", ""
    )
    text = text.replace(": lead", ": analyst").replace(", deputy: analyst", "")
    assert "there is one person only" in " ".join(fault.what for fault in faults_of(text))


def notes_of(folder: Path, text: str) -> list[str]:
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return [note.what for note in load_with_notes(folder / "stack.yaml", ENV).notes]


def test_writing_what_the_system_itself_decides_is_noted(folder: Path) -> None:
    (what,) = notes_of(folder, ACTING.replace("attributes: [last_name, pay]", "attributes: [department]"))
    assert "`payroll` itself decides `department` in every stage" in what


def test_applying_without_anything_to_write_is_noted(folder: Path) -> None:
    text = VALID + "corrections: {mode: apply}\n"
    assert notes_of(folder, text) == ["no system declares `writes`, so there is nothing to apply"]


def test_two_source_values_of_one_meaning_are_noted_where_it_is_written(folder: Path) -> None:
    text = ACTING.replace(", write_map: {chicago: C}", "").replace(
        "        key: id\n", "        key: id\n" + REST.replace("status", "site")
    )
    text = text.replace("    schedule:", "    writes: {attributes: [site]}\n    schedule:")
    assert any("several source values mean `chicago`" in what for what in notes_of(folder, text))


def test_never_touch_where_is_bound_by_the_check(folder: Path) -> None:
    from hrorch_pipelines.check.bindings import binding_faults

    (folder / "stack.yaml").write_text(ACTING.replace("status = 'leave'", "statuss = 'leave'"), encoding="utf-8")
    (finding,) = binding_faults(load_stack(folder / "stack.yaml", ENV))
    assert finding.path == ("corrections", "never_touch", "where")
