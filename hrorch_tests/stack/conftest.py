"""A small valid stack file, and a way to spoil one place of it and see what the loader says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hrorch_pipelines.stack.errors import Fault, StackFaults
from hrorch_pipelines.stack.load import load_stack

VALID = """\
version: 1
organization: {name: Small, time_zone: America/Chicago, currency: USD, work_week: mon-fri, holidays: US-IL}
people:
  analyst: {name: A, email: a@small.example, deputy: lead}
  lead: {name: L, email: l@small.example, deputy: analyst}
systems:
  hris:
    connector: rest
    base_url: https://hris.small.example
    credentials: {api_key: "${HRIS_KEY}"}
    connection:
      auth: {type: bearer, token: "{api_key}"}
    owner: analyst
    schedule: "*/30 * * * *"
    trust: {max_age: 2h, max_row_drop: 10%}
    records:
      worker:
        read:
          path: /people
          data: people
          paginator: {type: cursor, next: next, param: after}
          window: {param: since, format: "{since}|{until}"}
        key: id
        fields:
          employee_number: number
          last_name: name.last
          birth_date: born
          status: status
          start_date: {from: started, format: "%Y-%m-%d"}
      pay:
        read: {path: "/people/{id}/pay", each: worker}
        key: row
        parent: worker
        parent_key: _parent_id
        effective: {from: since}
        fields:
          pay: {from: amount, unit_from: per, unit_map: {yearly: year}}
          grade: grade
  payroll:
    connector: files
    base_url: .
    owner: lead
    records:
      worker:
        read: {path: payroll.csv}
        key: EmpNo
        fields:
          employee_number: EmpNo
          last_name: {from: Name, split: {by: ",", take: 0}}
          department: {from: Dept, catalogue: departments.csv}
          pay: {from: Pay, unit: year, thousands: ","}
attributes:
  employee_number: {data_type: employment, type: identifier, sensitivity: normal}
  last_name: {data_type: personal, type: name, required_in: [payroll]}
  birth_date: {data_type: personal, type: date}
  status: {data_type: employment, type: code}
  start_date: {data_type: employment, type: date}
  pay: {data_type: compensation, type: pay, sensitivity: pay, tolerance: 0.5%}
  grade: {data_type: compensation, type: integer}
  department: {data_type: cost, type: text}
stages:
  worker: {present_in: [hris], when: "hris.status <> 'prehire'"}
  other: {present_in: [payroll, hris]}
authority:
  personal: {worker: hris, other: hris}
  employment: {worker: hris, other: hris}
  compensation: {worker: hris, other: {system: hris, when_empty: hold}}
  cost: {worker: payroll, other: payroll}
presence:
  payroll: {must: "stage = 'worker' AND status = 'active'", live: "pay > 0", grace: 5d}
gates:
  hris.worker:
    - {rule: required, attribute: employee_number, route: analyst}
    - {rule: pattern, attribute: employee_number, pattern: "^[0-9]+$"}
    - {rule: range, attribute: birth_date, min: 1926-01-01, max: 2012-12-31}
    - {rule: not_before, attribute: start_date, other: birth_date}
    - {rule: sql, sql: "start_date > birth_date", id: sane}
    - {expect: completeness, attribute: last_name, at_least: 98%}
  hris.pay:
    - {rule: range, attribute: grade, min: 1, max: 9}
  payroll.worker:
    - {rule: one_of, attribute: department, values_from: "departments.csv#canonical"}
    - {rule: max_length, attribute: last_name, max: 40}
    - {expect: volume, min_rows: 1}
    - {expect: refers_to, attribute: employee_number, refers_to: hris.employee_number, at_least: 90%}
matching:
  keys:
    - {attributes: [employee_number], confirm: [last_name]}
  probabilistic:
    attributes: [last_name, employee_number]
    block_on: [[last_name]]
  review_between: [0.1, 0.99]
  reviewer: analyst
comparison: {grace: 24h}
"""
SECRET = "hunter2-should-never-be-seen"
ENV = {"HRIS_KEY": SECRET}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the catalogue the valid stack names."""
    (tmp_path / "departments.csv").write_text("source,canonical\n4200,Radiology\n", encoding="utf-8")
    return tmp_path


Faults = Callable[..., list[Fault]]


@pytest.fixture
def faults_of(folder: Path) -> Faults:
    """Write a text as stack.yaml, load it, and return what is wrong with it (nothing, if it loads)."""

    def told(text: str | bytes, env: Mapping[str, str] = ENV) -> list[Fault]:
        path = folder / "stack.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        try:
            load_stack(path, env)
        except StackFaults as wrong:
            return wrong.faults
        return []

    return told


def spoilt(old: str, new: str) -> tuple[str, int]:
    """The valid text with its one `old` replaced, and the line the fault is on: of `@` in `new`, else of its first line."""
    assert VALID.count(old) == 1, f"{old!r} is there {VALID.count(old)} times"
    before = VALID.partition(old)[0]
    marked = new.partition("@@")[0] if "@@" in new else ""
    text = VALID.replace(old, new.replace("@@", ""))
    return text, before.count("\n") + marked.count("\n") + 1
