"""Plants faults of whole records: missing, ghost, entered twice, one number for two people, an old name, kin and namesakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date
from itertools import permutations

from hrorch_pipelines.sandbox.company import hris_id, token, uuid_of
from hrorch_pipelines.sandbox.ids import ats_candidate, payroll_employee
from hrorch_pipelines.sandbox.labels import Label
from hrorch_pipelines.sandbox.life import Life, Role
from hrorch_pipelines.sandbox.plan import Edit, Plan
from hrorch_pipelines.sandbox.store import Body, Row
from hrorch_pipelines.sandbox.truth import Truth, records_of

_BASE = {"payroll": "employees", "directory": "users"}


def plant_records(plan: Plan) -> None:
    """Plant faults of whole records."""
    _kin(plan)
    _namesakes(plan)
    _two_records(plan)
    _former_names(plan)
    _missing_and_ghosts(plan)
    _numbers(plan)
    _entered_twice(plan)


def editing(collection: str, change: Callable[[Body], None]) -> Edit:
    """An edit that changes the body of one document of a collection: the last of them."""

    def write(rows: list[Row]) -> list[Row]:
        at = max(index for index, row in enumerate(rows) if row[0] == collection)
        body = deepcopy(rows[at][6])
        change(body)
        return [*rows[:at], (*rows[at][:6], body), *rows[at + 1 :]]

    return write


def setting(**values: object) -> Callable[[Body], None]:
    """A change that sets top-level fields."""
    return lambda body: body.update(values)


def take(found: Iterator[Truth], how_many: int) -> list[Truth]:
    """The first few, decided before any of them is used."""
    return [one for one, _ in zip(found, range(how_many), strict=False)]


def _missing_and_ghosts(plan: Plan) -> None:
    for system, collection in _BASE.items():
        for one in take(plan.free(lambda one: one.settled), plan.quota(3)):
            plan.edit(one, system, lambda rows: [])  # noqa: ARG005
            plan.label("missing_record", "missing_record", [one], system, one.hris, cause="missing_record")
        for one in take(plan.free(lambda one: one.departed), plan.quota(3)):
            plan.edit(one, system, editing(collection, _still_there))
            plan.label("ghost", "ghost", [one], system, one.ids()[system], cause="ghost")


def _still_there(body: Body) -> None:
    if "terminated" in body:
        body["terminated"], body["terminations"] = False, []
    else:
        body["active"], body["userType"] = True, "Employee"


def _numbers(plan: Plan) -> None:
    """One employee number for two people: in the HRIS (the gate sees it) and in payroll (matching must not believe it)."""
    people = take(plan.free(lambda one: one.settled), 4 * plan.quota(3))
    for first, second in zip(people[0::4], people[1::4], strict=False):
        plan.edit(second, "hris", editing("employees", setting(employeeNumber=first.values["employee_number"])))
        for one in (first, second):
            plan.label(
                "employee_number_reused", "quarantine", [first, second], "hris", one.hris, "employee_number",
                rule="employee_number-unique",
            )  # fmt: skip
    for first, second in zip(people[2::4], people[3::4], strict=False):
        plan.edit(second, "payroll", editing("employees", setting(employee_code=first.values["employee_number"])))
        own, other = second.ids()["payroll"], ("hris", first.hris)
        plan.label("number_of_another", "apart", [first, second], "payroll", own, "employee_number", other=other)


def _entered_twice(plan: Plan) -> None:
    """One person under two ids in one system, and one id twice."""
    for one in take(plan.free(lambda one: one.settled), plan.quota(3)):
        again = uuid_of("payroll-again", one.life.person.number)
        plan.edit(one, "payroll", _again("employees", again, _as_new_employee))
        plan.label("entered_twice", "review", [one], "payroll", again, other=("payroll", one.ids()["payroll"]))
    for one in take(plan.free(lambda one: one.newly_hired and any(plan.rows(one)["check"])), plan.quota(3)):
        again = token("check-again", one.life.person.number)[:24]
        plan.edit(one, "check", _again("candidates", again, setting(id=again, report_ids=[])))
        plan.label("entered_twice", "review", [one], "check", again, other=("check", one.ids()["check"]))
    for one in take(plan.free(lambda one: one.newly_hired and any(plan.rows(one)["onboarding"])), plan.quota(3)):
        plan.edit(one, "onboarding", _again("newhires", f"{one.ids()['onboarding']}-2", setting(openTasks=1)))
        plan.label("duplicate_key", "quarantine", [one], "onboarding", one.ids()["onboarding"], rule="duplicate-key")


def _again(collection: str, key: str, change: Callable[[Body], None]) -> Edit:
    """The same document once more, under another key of the store."""

    def write(rows: list[Row]) -> list[Row]:
        first = next(row for row in rows if row[0] == collection)
        body = deepcopy(first[6])
        if "uuid" in body:
            body["uuid"] = key
        change(body)
        return [*rows, (collection, key, *first[2:6], body)]

    return write


def _as_new_employee(body: Body) -> None:
    """As somebody types a person in again: no number, no work address yet; jobs with ids of their own."""
    body["employee_code"], body["work_email"] = None, None
    for job in body["jobs"]:
        job["uuid"], job["employee_uuid"] = uuid_of("again", job["uuid"]), body["uuid"]
        for one in job["compensations"]:
            one["uuid"], one["job_uuid"] = uuid_of("again", one["uuid"]), job["uuid"]
        job["current_compensation_uuid"] = job["compensations"][-1]["uuid"]


def _former_names(plan: Plan) -> None:
    """A new family name that payroll, or the directory, has not heard of."""

    def newly_named(one: Truth) -> bool:
        married = one.life.married
        return one.present and married is not None and (one.day - married[0]).days > 10

    for number, one in enumerate(take(plan.free(newly_named), 2 * plan.quota(3))):
        system, old = ("payroll", "directory")[number % 2], one.life.person.last
        if system == "payroll":
            plan.edit(one, system, editing("employees", setting(last_name=old)))
        else:
            plan.edit(one, system, editing("users", _family_name(old)))
        plan.label(
            "former_name", "discrepancy", [one], system, one.ids()[system], "legal_last_name",
            cause="nickname_or_former_name", cause_decidable=False,
            reason="the first snapshot knows only the new name; the cause shows once history has both",
        )  # fmt: skip


def _family_name(name: str) -> Callable[[Body], None]:
    return lambda body: body["name"].update(familyName=name)


def _kin(plan: Plan) -> None:
    """Twins, and a father and son of one name: each must keep to their own records."""
    for kind, elder, younger in (("twins", Role.TWIN, Role.TWIN), ("father_and_son", Role.FATHER, Role.SON)):
        roles = {n: one.life.person.role for n, one in plan.truths.items()}
        pairs = [n for n, role in roles.items() if role is elder and roles.get(n + 1) is younger]
        for n in pairs[: plan.quota(3)]:
            pair = plan.truths[n], plan.truths[n + 1]
            for one, other in (pair, pair[::-1]):
                held = "payroll" if one.spell.start <= one.day else "check"
                plan.label(kind, "apart", pair, held, one.ids()[held], other=("hris", other.hris))
                plan.label(kind, "link", pair, held, one.ids()[held], other=("hris", one.hris))


def _namesakes(plan: Plan) -> None:
    """Strangers of one name, one of them being hired: asking a person is right, joining them is not."""
    by_name: dict[tuple[str, str], list[Life]] = {}
    for one in plan.lives.values():
        by_name.setdefault((one.person.first, one.last_name(plan.day)), []).append(one)
    for group in by_name.values():
        for one, other in permutations(group, 2):
            kin = {one.person.role, other.person.role} == {Role.FATHER, Role.SON}
            if kin or not _in_ats(one, plan.day):
                continue
            employed = [spell for spell in other.spells if spell.entered <= plan.day]
            number = other.person.number
            source = ("hris", hris_id(number, employed[-1].record)) if employed else ("ats", ats_candidate(number))
            if employed or _in_ats(other, plan.day):
                plan.labels.append(
                    Label(
                        label_id=f"F{len(plan.labels) + 1:04d}", kind="namesakes", expect="apart", system="ats", record="candidate",
                        source_id=ats_candidate(one.person.number), people=(one.person.number, number),
                        other_system=source[0], other_id=source[1], touches=(*records_of(one), *records_of(other)), drags=("review",),
                    )
                )  # fmt: skip


def _in_ats(one: Life, day: date) -> bool:
    hiring = one.hiring
    return hiring is not None and hiring.applied <= day and (hiring.purged is None or day < hiring.purged)


def _two_records(plan: Plan) -> None:
    """Two HRIS records of one person: a contractor who became an employee, somebody who came back under a new id."""
    for kind, role in (("contractor_to_employee", Role.CONVERTED), ("id_changed_on_rehire", Role.REHIRED_NEW_ID)):
        for one in take(plan.free(lambda one, role=role: one.life.person.role is role), plan.quota(3)):  # type: ignore[misc]
            n = one.life.person.number
            plan.label(kind, "link", [one], "hris", hris_id(n, 0), other=("hris", hris_id(n, 1)))
            plan.label(kind, "link", [one], "payroll", payroll_employee(n, 0), other=("hris", hris_id(n, 0)))
