"""Plants records that a gate must hold: a department nobody has, dates out of order or out of range, a name or pay missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from hrorch_pipelines.sandbox.faults_records import editing, setting, take
from hrorch_pipelines.sandbox.plan import Plan
from hrorch_pipelines.sandbox.store import Body
from hrorch_pipelines.sandbox.truth import Truth


@dataclass(frozen=True)
class _Kind:
    """One kind: who suits, which document changes how, and the rule of the example stack that must catch it."""

    name: str
    suits: Callable[[Truth], bool]
    system: str
    record: str
    collection: str
    change: Callable[[Body], None]
    attribute: str
    rule: str


def plant_gates(plan: Plan) -> None:
    """Plant one kind after the other."""
    for kind in _KINDS:
        for one in take(plan.free(kind.suits), plan.quota(3)):
            plan.edit(one, kind.system, editing(kind.collection, kind.change))
            source, attribute = _source(plan, one, kind), kind.attribute
            plan.label(
                kind.name, "quarantine", [one], kind.system, source, attribute, record=kind.record, rule=kind.rule
            )


def _source(plan: Plan, one: Truth, kind: _Kind) -> str:
    """A row of a table goes by its own id, not by its person's."""
    held = [row for row in plan.rows(one)[kind.system] if row[0] == kind.collection][-1]
    if kind.system == "payroll" and kind.record == "compensation":
        return str(held[6]["jobs"][0]["compensations"][-1]["uuid"])
    return held[1]


def _one_job(one: Truth) -> bool:
    """With a single row nothing older stands in when that one is held."""
    return one.settled and sum(row.entered <= one.day for row in one.spell.jobs) == 1


def _one_pay(one: Truth) -> bool:
    return one.calm and sum(row.entered <= one.day for row in one.spell.pays) == 1


def _misspelt(body: Body) -> None:
    body["department"] = body["department"][:-2] + body["department"][-1]


def _tiny(body: Body) -> None:
    """Thousands typed where units belong."""
    body["rate"] = {**body["rate"], "value": f"{float(body['rate']['value']) / 1000:.2f}"}


def _early_end(body: Body) -> None:
    start = date.fromisoformat(body["hireDate"])
    body["terminationDate"] = start.replace(year=start.year - 2, day=min(start.day, 28)).isoformat()


def _unborn(body: Body) -> None:
    """The century mistyped: a date like any other, but not of somebody at work."""
    body["birthDate"] = f"{int(body['birthDate'][:4]) + 100}{body['birthDate'][4:].replace('02-29', '02-28')}"


def _unpaid(body: Body) -> None:
    job = body["jobs"][0]
    job["rate"] = job["compensations"][-1]["rate"] = "0.00"


_KINDS = tuple(
    _Kind(*parts)
    for parts in (
        ("invalid_department", _one_job, "hris", "job", "jobInfo", _misspelt, "department", "department-one_of"),
        ("pay_out_of_range", _one_pay, "hris", "compensation", "compensation", _tiny, "pay_amount", "pay_amount-range"),
        ("zero_pay", _one_pay, "payroll", "compensation", "employees", _unpaid, "pay_amount", "pay_amount-range"),
        ("end_before_start", lambda one: one.departed, "hris", "worker", "employees", _early_end, "end_date",
         "end_date-not_before-start_date"),
        ("birth_year_out_of_range", lambda one: one.settled, "hris", "worker", "employees", _unborn, "date_of_birth",
         "date_of_birth-range"),
        ("missing_last_name", lambda one: one.settled, "hris", "worker", "employees", setting(lastName=None),
         "legal_last_name", "legal_last_name-required"),
        ("missing_last_name", lambda one: one.settled, "payroll", "worker", "employees", setting(last_name=None),
         "legal_last_name", "legal_last_name-required"),
    )
)  # fmt: skip
