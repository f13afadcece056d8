"""Labels what only looks wrong: values that will count later, young changes, withheld values, rows that supersede each other."""

from __future__ import annotations

from hrorch_pipelines.sandbox.company import TITLES
from hrorch_pipelines.sandbox.faults_records import take
from hrorch_pipelines.sandbox.life import Role
from hrorch_pipelines.sandbox.plan import Edit, Plan
from hrorch_pipelines.sandbox.store import Row, version_of
from hrorch_pipelines.sandbox.truth import Truth

_WITHHELD = {"birthDate": "date_of_birth", "homeEmail": "personal_email", "mobilePhone": "phone", "zipcode": "postcode"}


def label_controls(plan: Plan) -> None:
    """None of these may be reported."""

    def quiet(kind: str, one: Truth, system: str, attribute: str, reason: str, record: str | None = None) -> None:
        plan.label(kind, "none", [one], system, one.ids()[system], attribute, record=record, reason=reason)

    few = plan.quota(3)
    for one in take(plan.free(lambda one: one.present and bool(one.upcoming["pay_amount"])), few):
        quiet("future_dated", one, "payroll", "pay_amount", "the new pay counts from a later day on", "compensation")
    for one in take(plan.free(lambda one: one.life.person.role is Role.CHANGED_TODAY), few):
        for system in ("payroll", "directory"):
            quiet("in_flight", one, system, "job_title", "the authority changed three hours ago")
    for one in take(plan.free(lambda one: one.life.person.role is Role.STARTED_LATELY), few):
        reason = "payroll has five days from the start to know somebody"
        plan.label("started_lately", "none", [one], "payroll", one.hris, reason=reason)
    for one in take(plan.free(lambda one: one.life.restricted != () and one.spell.end is None), few):
        quiet("masked_value", one, "payroll", _WITHHELD[one.life.restricted[0]], "the HRIS withholds the value")
    for one in take(plan.free(_one_job), few):
        plan.edit(one, "hris", _superseded())
        quiet("several_current_rows", one, "payroll", "job_title", "of two rows of one day the later id counts", "job")


def _one_job(one: Truth) -> bool:
    return one.settled and sum(row.entered <= one.day for row in one.spell.jobs) == 1


def _superseded() -> Edit:
    """Another job row of the same day, entered first: its id is the number before."""

    def write(rows: list[Row]) -> list[Row]:
        collection, key, parent, _, at, by, body = next(row for row in rows if row[0] == "jobInfo")
        earlier = str(int(key) - 1)
        titles = [title for title, _, _ in TITLES[body["department"]] if title != body["jobTitle"]]
        old = {**body, "id": earlier, "jobTitle": titles[0]}
        return [*rows, (collection, earlier, parent, version_of(collection, earlier), at, by, old)]

    return write
