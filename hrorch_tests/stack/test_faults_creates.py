"""A record that could be made for nobody, or from no day, is a fault on its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.stack.errors import StackFaults
from hrorch_pipelines.stack.load import load_stack

STACK = """\
organization: {{name: Lakeside}}
people: {{lead: {{name: Ann, email: ann@x.example}}}}
systems:
  payroll:
    connector: rest
    base_url: https://payroll.example
    owner: lead
    records:
      worker:
        read: {{path: /people}}
        key: id
        create: {worker}
        fields: {{work_email: work_email}}
      pay:
        read: {{path: /pay}}
        key: id
        parent: worker
        parent_key: of
        effective: {{from: since}}
        create: {pay}
        fields: {{amount: amount}}
attributes:
  work_email: {{data_type: access, type: email, purpose: p, retention: 1y}}
  amount: {{data_type: access, type: money, purpose: p, retention: 1y}}
stages: {{worker: {{present_in: [payroll]}}}}
authority: {{access: {{worker: payroll}}}}
handoffs:
  enrol:
    when: "TRUE"
    then: {{create: payroll.pay, with: {{amount: "1.0"}}{day}}}
    within: 1d
    owner: lead
"""
GOOD = {"worker": "{path: /people}", "pay": "{path: '/people/{parent}/pay'}", "day": ", from: today"}


def load(folder: Path, **parts: str) -> None:
    (folder / "stack.yaml").write_text(STACK.format(**{**GOOD, **parts}), encoding="utf-8")
    load_stack(folder / "stack.yaml", {})


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"pay": "{path: /pay, constant: {of: '{parent}'}}"},
        {"pay": "{path: '/jobs/{^.jobs[0].id}/pay'}"},
        {"pay": "{path: '/people/{parent}/pay', look: {path: '/people/{parent}/pay'}}"},
    ],
)
def test_ways_of_making_that_say_whose_it_is(tmp_path: Path, parts: dict[str, str]) -> None:
    load(tmp_path, **parts)


@pytest.mark.parametrize(
    ("parts", "line", "what"),
    [
        ({"worker": "{path: '/people/{parent}'}"}, 12, "names a parent"),
        ({"worker": "{path: /people, look: {path: /people}}"}, 12, "is for what a parent has"),
        ({"pay": "{path: /pay}"}, 20, "does not say whose it is"),
        ({"pay": "{path: '/people/{parent}/pay', fills: {amount: '0.00'}}"}, 20, "how the row that is there is changed"),
        ({"day": ""}, 30, "a pay counts from a day on"),
    ],
)  # fmt: skip
def test_what_could_be_made_for_nobody_is_a_fault(tmp_path: Path, parts: dict[str, str], line: int, what: str) -> None:
    with pytest.raises(StackFaults) as refused:
        load(tmp_path, **parts)
    (fault,) = refused.value.faults
    assert (fault.line, what in fault.what) == (line, True)
