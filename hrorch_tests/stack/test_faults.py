"""Each fault of a stack file is found, alone, on its line, with a remedy: the valid file and one thing wrong in it."""

# ruff: noqa: E501  one case, one line

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.stack.load import load_stack
from hrorch_tests.stack.conftest import ENV, SECRET, VALID, Faults, spoilt


def test_the_valid_file_is_valid(faults_of: Faults) -> None:
    assert faults_of(VALID) == []


PAY = """\
      pay:
        read: {path: "/people/{id}/pay", each: worker}
        key: row
        parent: worker
"""

CASES = [
    # unknown keys and wrong kinds of value
    ("schedule:", "schedul:", "unknown key `schedul`", "did you mean `schedule`"),
    ("trust: {max_age: 2h, ", "trust: {max_age: 2 hours, ", "`2 hours` is not a duration", "30m, 2h"),
    ("max_row_drop: 10%", "max_row_drop: 10 percent", "is not a share", "10% or 0.1"),
    ("tolerance: 0.5%", "tolerance: some", "is not a tolerance", "0.005"),
    ("connector: files", "connector: file", "`file` is none of the choices", "did you mean `files`"),
    ("type: integer", "type: int", "`int` is none of the choices", "did you mean `integer`"),
    ("key: EmpNo", "kee: EmpNo", "unknown key `kee`", "`key`"),
    ("{attributes: [employee_number], ", "{attributes: employee_number, ", "is text where a list belongs", "write a list"),
    ("stages:\n  worker: {present_in: [hris]", "stages:\n@@  worker: {present_in: []", "is empty", "a list"),
    ("currency: USD", "currency: Dollar", "is not a currency", "USD"),
    ("email: l@small.example", "email: nowhere", "is not an e-mail address", "name@company"),
    ("{name: Small, ", "{", "`name` is missing", "add `name`"),
    ("review_between: [0.1, 0.99]", "review_between: [0.99, 0.1]", "is not [low, high]", "lower probability first"),
    ("review_between: [0.1, 0.99]", "review_between: [0.1, 1.5]", "`1.5` is out of range", "at most 1"),
    ("review_between: [0.1, 0.99]", "review_between: [0.1, .nan]", "where a number belongs", "a number"),
    ("split: {by: \",\", take: 0}", "split: {by: \",\", take: first}", "`first` is text where a whole number belongs", "whole number"),
    ("key: EmpNo", "key: null", "is nothing where a path or a field mapping belongs", "write a path"),
    ("{worker: hris, other: hris}\n  employment", "{worker: 5, other: hris}\n  employment", "`5` is a number where a system belongs", "write a system"),
    ("pattern: \"^[0-9]+$\"}", "patern: \"^[0-9]+$\"}", "unknown key `patern`", "did you mean `pattern`"),
    # people
    ("owner: lead", "owner: leed", "no `leed` among `people`", "did you mean `lead`"),
    ("route: analyst", "route: nobody", "no `nobody` among `people`", "declare them"),
    ("reviewer: analyst", "reviewer: annalyst", "no `annalyst` among `people`", "did you mean `analyst`"),
    ("deputy: lead}", "deputy: leed}", "no `leed` among `people`", "did you mean `lead`"),
    ("deputy: lead}", "deputy: analyst}", "nobody can stand in for themselves", "another person"),
    # calendar
    ("time_zone: America/Chicago", "time_zone: America/Chikago", "is not a time zone", "did you mean `America/Chicago`"),
    ("work_week: mon-fri", "work_week: monday-friday", "is not a work week", "mon-fri"),
    ("holidays: US-IL", "holidays: US-XX", "no holidays are known", "of US"),
    ("holidays: US-IL", "holidays: Atlantis", "no holidays are known", "such as US"),
    ("\"*/30 * * * *\"", "\"*/30 * * *\"", "is not a schedule", "five cron fields"),
    ("\"*/30 * * * *\"", "\"61 * * * *\"", "is not a schedule", "five cron fields"),
    ("\"*/30 * * * *\"", "\"0 0 31 2 *\"", "never comes", "day and month"),
    ("{from: started, ", "{from: started, time_zone: Nowhere, ", "is not a time zone", "IANA"),
    # connections
    ("base_url: https://hris.small.example", "base_url: hris.small.example", "is not a web address", "https://"),
    ("auth: {type: bearer, token: \"{api_key}\"}", "auth: {type: bearer}", "needs `token`", "add `token`"),
    ("owner: lead", "connection: {auth: {type: bearer, token: x}}\n    owner: lead", "means nothing to `files`", "credentials"),
    # records
    ("parent: worker", "parent: wroker", "no record type `wroker`", "did you mean `worker`"),
    ("parent: worker", "parent: pay", "cannot belong to itself", "base record"),
    (PAY + "        parent_key: _parent_id\n", PAY, "nothing says whose record it is", "parent_key"),
    ("effective: {from: since}", "effective: {from: since, to_inclusive: true}", "there is no `to`", "add `to`"),
    ("each: worker", "each: job", "no other record type `job`", "`worker`"),
    ("path: \"/people/{id}/pay\"", "path: /pay", "has no place for its id", "{id}"),
    ("{type: cursor, next: next, ", "{type: cursor, ", "needs `next`", "add `next`"),
    ("{type: cursor, next: next, param: after}", "{type: offset, param: after}", "needs `size`", "add `size`"),
    ("{type: cursor, next: next, param: after}", "{type: link_header, param: after}", "means nothing to a paginator", "remove it"),
    ("{type: cursor, next: next, param: after}", "{type: cursor, next: next, in: body}", "a GET has no body", "POST"),
    ("data: people\n", "data: people\n@@          body: {q: 1}\n", "a GET has no body", "POST"),
    ("format: \"{since}|{until}\"", "format: all", "does not say since when", "{since}"),
    ("{path: payroll.csv}", "{path: payroll.txt, format: fixed}", "needs `widths`", "add `widths`"),
    ("{path: payroll.csv}", "{path: payroll.csv, widths: [3]}", "only a fixed-width file", "format: fixed"),
    ("{path: payroll.csv}", "{path: payroll.csv, header_row: 0}", "nobody knows the columns", "columns"),
    ("{path: payroll.csv}", "{path: payroll.csv, columns: [a, a], header_row: 0}", "more than once", "own name"),
    # fields and attributes
    ("          grade: grade\n", "          grade: grade\n@@          grate: grade\n", "`grate` is mapped and not declared", "did you mean `grade`"),
    ("          grade: grade\n", "          grade: grade\n@@          status: status\n", "mapped twice in this system", "one record type"),
    ("{from: Pay, unit: year, ", "{from: Pay, ", "nothing says what the pay is per", "unit: year"),
    ("unit_from: per, unit_map: {yearly: year}", "unit: year, unit_map: {yearly: year}", "no `unit_from`", "add `unit_from`"),
    ("{from: started, ", "{from: started, decimal: \",\", ", "means nothing to the type `date`", "remove it"),
    ("thousands: \",\"}", "thousands: \",\", decimal: \",\"}", "is the decimal mark too", "different"),
    ("catalogue: departments.csv", "catalogue: none.csv", "there is no file `none.csv`", "beside the stack file"),
    ("type: date}\n  status", "type: date, tolerance: 1}\n  status", "`date` is not a number", "remove it"),
    ("tolerance: 0.5%", "tolerance: 100%", "nothing would ever disagree", "smaller"),
    ("required_in: [payroll]", "required_in: [payrol]", "no system `payrol`", "did you mean `payroll`"),
    ("type: code}", "type: code, required_in: [payroll]}", "must hold `status` and does not map it", "map it"),
    # stages and authority
    ("other: {present_in: [payroll, hris]}", "other: {present_in: [payrol, hris]}", "no system `payrol`", "did you mean `payroll`"),
    ("personal: {worker: hris, ", "personal: {worker: hriss, ", "no system `hriss`", "did you mean `hris`"),
    ("personal: {worker: hris, ", "personal: {worker: [hris, payroll], ", "one authority in a stage", "one system"),
    ("personal: {worker: hris, ", "personal: {worker: payroll, worker: hris, ", "two authorities: `worker`", "keep the one"),
    ("  personal: {worker: hris, other: hris}\n", "  personal: {worker: hris, other: hris}\n@@  personal: {worker: payroll}\n", "two authorities: `personal`", "keep the one"),
    ("personal: {worker: hris, other: hris}", "personal: {worker: hris}", "a gap in authority: nobody decides `personal` in the stage `other`", "add `other"),
    ("cost: {worker: payroll, other", "cost: {worker: hris, other", "maps no attribute of it", "let `payroll` decide"),
    ("personal: {worker: hris, other: hris}", "personal: {worker: hris, other: hris, wroker: hris}", "no stage `wroker`", "did you mean `worker`"),
    ("  cost: {worker", "  costs: {worker: payroll, other: payroll}\n  cost: {worker", "no attribute is of the data type `costs`", "did you mean `cost`"),
    ("  payroll: {must", "  payrol: {must", "no system `payrol`", "did you mean `payroll`"),
    # gates
    ("  hris.pay:\n", "  hris.pai:\n", "no record type `pai`", "did you mean `pay`"),
    ("  hris.pay:\n", "  hr.pay:\n", "no system `hr`", "did you mean `hris.pay`"),
    ("  hris.pay:\n", "  hris:\n", "does not say which record type", "`pay`"),
    ("attribute: grade, min", "attribute: grate, min", "`hris.pay` does not map `grate`", "did you mean `grade`"),
    ("attribute: grade, min", "attribute: status, min", "`hris.pay` does not map `status`", "`hris.worker` does"),
    ("other: birth_date", "other: born", "does not map `born`", "it maps"),
    ("other: birth_date", "other: status", "cannot be compared", "two dates"),
    ("pattern: \"^[0-9]+$\"}", "pattern: \"[0-9\"}", "not a pattern RE2 can read", "look-ahead"),
    ("pattern: \"^[0-9]+$\"}", "pattern: \"(?=x)\"}", "not a pattern RE2 can read", "look-ahead"),
    ("min: 1926-01-01", "min: 1926", "is not a `date`", "2026-01-31"),
    ("min: 1926-01-01", "min: 2026-01-01", "above `max`", "exchange"),
    ("min: 1, max: 9", "min: one, max: 9", "is not a `integer`", "whole number"),
    ("max: 40", "max: forty", "not a number of characters", "whole number"),
    ("{rule: max_length, ", "{rule: max_length, min: 1, ", "means nothing to the rule `max_length`", "range"),
    ("values_from: \"departments.csv#canonical\"", "values_from: \"departments.csv#name\"", "has no column `name`", "`canonical`"),
    ("values_from: \"departments.csv#canonical\"", "values_from: gone.csv", "there is no file", "beside"),
    ("{rule: required, ", "{rule: not_future, ", "a `identifier` has no future", "date"),
    ("{rule: range, attribute: grade, min: 1, max: 9}", "{rule: range, attribute: grade}", "needs `min` or `max`", "write"),
    ("at_least: 98%}", "at_least: 98%}\n@@    - {rule: sql, sql: \"true\", id: sane}", "another rule of this record has the id", "its own"),
    ("attribute: last_name, at_least", "attribute: last_name, at_most: 1, at_least", "means nothing to the expectation", "drift"),
    ("{expect: volume, min_rows: 1}", "{expect: volume}", "no volume in particular", "min_rows"),
    ("{expect: volume, min_rows: 1}", "{expect: volume, min_rows: 2, max_rows: 1}", "above `max_rows`", "exchange"),
    ("{expect: completeness, attribute: last_name, ", "{expect: completeness, ", "needs `attribute`", "which attribute"),
    ("refers_to: hris.employee_number", "refers_to: hris.number", "`hris` does not map `number`", "it maps"),
    ("refers_to: hris.employee_number", "refers_to: hrsi.employee_number", "no system `hrsi`", "did you mean `hris`"),
    (" refers_to: hris.employee_number,", "", "does not say what the values must be found in", "refers_to"),
    # matching
    ("confirm: [last_name]", "confirm: [lastname]", "no attribute `lastname`", "did you mean `last_name`"),
    ("block_on: [[last_name]]", "block_on: [[surname]]", "no attribute `surname`", "declare it"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "what", "remedy"), CASES, ids=lambda value: str(value)[:40])
def test_one_fault_is_named_alone_on_its_line(faults_of: Faults, old: str, new: str, what: str, remedy: str) -> None:
    text, line = spoilt(old, new)
    faults = faults_of(text)
    assert [fault.line for fault in faults] == [line], faults
    assert what in faults[0].what, faults[0]
    assert remedy in faults[0].remedy, faults[0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # a base record too many: it is a second one, and its key leads nowhere
        ("        parent: worker\n", "", ["is a second base record", "there is no `parent`"]),
        # the keys of another connector
        ("{path: payroll.csv}", "{table: payroll}", ["`path` is missing", "unknown key `table`"]),
        # a misspelt credential: its placeholder finds nothing (that it is unused is only a note)
        ("credentials: {api_key", "credentials: {api_kee", ["asks for a credential `api_key`"]),
        # a name with a capital letter, and the place that means it
        ("  grade: {data_type", "  Grade: {data_type", ["`Grade` is not a name", "`grade` is mapped and not declared"]),
        # a system without records, and with two
        (
            "  payroll:\n    connector",
            "  payroll:\n    records: {}\n    connector",
            ["`records` is declared twice", "is empty"],
        ),
        # an attribute whose data type nobody decides
        (
            "{data_type: cost, ",
            "{data_type: costs, ",
            ["nobody decides `costs`", "no attribute is of the data type `cost`"],
        ),
    ],
)
def test_what_is_wrong_in_two_ways_is_told_in_both(faults_of: Faults, old: str, new: str, expected: list[str]) -> None:
    faults = faults_of(spoilt(old, new)[0])
    assert len(faults) == len(expected), faults
    assert all(any(what in fault.what for fault in faults) for what in expected), faults


def test_faults_of_every_sort_come_together_in_the_order_of_the_file(faults_of: Faults) -> None:
    text = VALID
    for old, new in (
        ("time_zone: America/Chicago", "time_zone: Mars"),
        ("email: l@small.example", "email: l"),
        ("${HRIS_KEY}", "${HRIS_KEYS}"),
        ("max_age: 2h", "max_age: long"),
        ("owner: lead", "owner: nobody"),
        ("  grade: {data_type: compensation", "  grade: {datatype: compensation"),
        ("attribute: birth_date, min", "attribute: born, min"),
        ("reviewer: analyst", "reviewer: someone"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    faults = faults_of(text)
    found = [(text.splitlines()[fault.line - 1], fault.what) for fault in faults]
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)
    for part in ("Mars", "email: l,", "HRIS_KEYS", "long", "owner: nobody", "datatype", "attribute: born", "someone"):
        assert any(part in line for line, _ in found), (part, faults)
    assert len(faults) == 8


def test_a_broken_declaration_is_no_second_fault_where_it_is_referred_to(faults_of: Faults) -> None:
    text, line = spoilt("  lead: {name: L, email: l@small.example, ", "  lead: {name: L, ")
    assert [(fault.line, fault.what) for fault in faults_of(text)] == [(line, "`email` is missing")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_age: 2h", "max_age: ${HRIS_KEY}"),
        ("connector: files", "connector: ${HRIS_KEY}"),
        ("owner: lead", "owner: ${HRIS_KEY}"),
        ("time_zone: America/Chicago", "time_zone: ${HRIS_KEY}"),
        ("pattern: \"^[0-9]+$\"}", "pattern: \"[${HRIS_KEY}\"}"),
        ("\"*/30 * * * *\"", "${HRIS_KEY}"),
        ("catalogue: departments.csv", "catalogue: ${HRIS_KEY}"),
        ("holidays: US-IL", "holidays: ${HRIS_KEY}"),
        ("take: 0", "take: ${HRIS_KEY}"),
        ("review_between: [0.1, 0.99]", "review_between: ${HRIS_KEY}"),
        ("refers_to: hris.employee_number", "refers_to: ${HRIS_KEY}.employee_number"),
    ],
)  # fmt: skip
def test_what_the_environment_gives_is_never_quoted(faults_of: Faults, old: str, new: str) -> None:
    faults = faults_of(spoilt(old, new)[0])
    assert faults
    assert not any(SECRET in str(fault) for fault in faults)


def test_what_stands_among_credentials_is_never_quoted(faults_of: Faults) -> None:
    faults = faults_of(spoilt('{type: bearer, token: "{api_key}"}', "{type: topsecret, token: [topsecret]}")[0])
    assert faults
    assert not any("topsecret" in str(fault) for fault in faults)


def test_an_unset_name_is_one_fault_on_its_line(faults_of: Faults) -> None:
    line = VALID[: VALID.index("${HRIS_KEY}")].count("\n") + 1
    assert [(fault.line, fault.what) for fault in faults_of(VALID, {})] == [
        (line, "${HRIS_KEY} is not set in the environment")
    ]


def test_a_default_stands_in_for_an_unset_name(faults_of: Faults) -> None:
    assert faults_of(VALID.replace("${HRIS_KEY}", "${HRIS_KEY:-sandbox}"), {}) == []


def test_an_opening_that_names_nothing_is_a_fault(faults_of: Faults) -> None:
    faults = faults_of(VALID.replace("${HRIS_KEY}", "${HRIS KEY}"))
    assert [fault.what for fault in faults] == ["`${` does not begin a name of the environment"]


def test_what_is_at_fault_hides_nothing_else_of_its_system(faults_of: Faults) -> None:
    """A record without a usable key, a person without an address: what hangs on them is checked all the same."""
    text = VALID
    for old, new in (
        ("key: EmpNo", "key: []"),
        ("owner: lead", "owner: nobody"),
        ("department: {from: Dept, catalogue: departments.csv}", "department: {from: Dept, catalogue: gone.csv}"),
        ("email: l@small.example, deputy: analyst", "deputy: nobody"),
        ("attribute: last_name, max: 40", "attribute: first_name, max: 40"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    whats = [fault.what for fault in faults_of(text)]
    assert len(whats) == 6, whats
    assert sum("no `nobody` among `people`" in what for what in whats) == 2
    assert "`payroll.worker` does not map `first_name`" in whats


def test_a_column_named_by_a_number_is_a_path(folder: Path) -> None:
    (folder / "stack.yaml").write_text(VALID.replace("key: EmpNo", "key: 0042"), encoding="utf-8")
    assert load_stack(folder / "stack.yaml", ENV).systems["payroll"].records["worker"].key.paths == ["0042"]
