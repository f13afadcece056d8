"""What people do in the cohort's story with what is there: end a job, answer a case by hand, fill in their own form."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hrorch_pipelines.sandbox.cohort_documents import HR_CLERK, PAYROLL_CLERK
from hrorch_pipelines.sandbox.cohort_members import Kind, Member
from hrorch_pipelines.sandbox.cohort_records import Holdings
from hrorch_pipelines.sandbox.cohort_script import working_days
from hrorch_pipelines.sandbox.company import token, uuid_of
from hrorch_pipelines.sandbox.documents_hris import money
from hrorch_pipelines.sandbox.store import Body, Document


@dataclass(frozen=True)
class Deed:
    """One document put, by whom. `hour` UTC of the day."""

    system: str
    collection: str
    key: str
    body: Body
    by: str
    parent: str | None = None
    hour: int = 17


def by_hand(member: Member, held: Holdings, day: date) -> Iterator[Deed]:
    """What people do on this day."""
    if member.leaving:
        if member.entered == day and member.end:
            yield from _ends(member, held.of("hris")[-1:], held, member.end)
        return
    if member.kind is Kind.NO_SHOW and member.rescinded == day and member.start:
        yield from _ends(member, held.of("hris")[-1:], held, member.start, counts=day)
    if member.kind is Kind.REHIRE and member.start:
        yield from _rehires_in_payroll(member, held, day)
    if member.start and member.start - timedelta(days=3) <= day:
        yield from _own_form(member, held)


def status_in_force(held: Holdings, employee: str, day: date) -> Document | None:
    """The row of the status table that counts on a day."""
    rows = [row for row in held.of("hris", "employmentStatus") if row.parent == employee]
    begun = [row for row in rows if str(row.body.get("date") or "") <= day.isoformat()]
    return max(begun, key=lambda row: (str(row.body["date"]), row.seq), default=None)


def _ends(
    member: Member, records: list[Document], held: Holdings, end: date, counts: date | None = None
) -> Iterator[Deed]:
    """Somebody in HR enters the end: the last day, and the status that counts from the day after (or `counts`)."""
    on = counts or end + timedelta(days=1)
    for record in records:
        now = status_in_force(held, record.id, on)
        if now is not None and now.body.get("employmentStatus") == "Terminated":
            continue
        row: Body = {
            "id": str(member.number * 100 + 49),
            "employeeId": record.id,
            "date": on.isoformat(),
            "employmentStatus": "Terminated",
        }
        yield Deed("hris", "employmentStatus", str(row["id"]), row, HR_CLERK, record.id)
        yield Deed("hris", "employees", record.id, {**record.body, "terminationDate": end.isoformat()}, HR_CLERK)


def _rehires_in_payroll(member: Member, held: Holdings, day: date) -> Iterator[Deed]:
    """Payroll takes somebody back by hand, two working days before they start, once the HRIS has them again."""
    hris, payroll = held.of("hris")[-1:], held.of("payroll")
    if not hris or not payroll or member.start is None or day < working_days(member.start - timedelta(days=4), 0):
        return
    now = status_in_force(held, hris[0].id, day)
    back = now is not None and now.body.get("employmentStatus") != "Terminated"
    if not back or len(payroll) != 1 or not payroll[0].body.get("terminated"):
        return
    body = copy.deepcopy(payroll[0].body)
    job = body["jobs"][0]
    own = uuid_of("compensation", body["uuid"], member.start)
    job["compensations"].append(
        {
            **job["compensations"][-1],
            "uuid": own,
            "version": token(own),
            "rate": money(member.cents),
            "payment_unit": "Year",
            "effective_date": member.start.isoformat(),
        }
    )
    job |= {
        "title": member.title,
        "hire_date": member.start.isoformat(),
        "rate": money(member.cents),
        "payment_unit": "Year",
        "current_compensation_uuid": own,
        "version": token(job["uuid"], own),
    }
    body |= {"terminated": False, "terminations": [], "department": member.department}
    yield Deed("payroll", "employees", payroll[0].id, body, PAYROLL_CLERK)


def _own_form(member: Member, held: Holdings) -> Iterator[Deed]:
    """A newcomer fills in what only they know, in the HRIS, in the days before they start."""
    who = member.person
    own: Mapping[str, Any] = {
        "birthDate": who.born.isoformat(),
        "ssn": who.ssn,
        "address1": who.street,
        "city": who.city,
        "state": who.state,
        "zipcode": who.postcode,
        "country": "United States",
    }
    if member.rescinded and member.kind is not Kind.NO_SHOW:
        return
    for record in held.of("hris"):
        missing = {name: value for name, value in own.items() if not record.body.get(name)}
        if missing and not member.life.spells:
            yield Deed("hris", "employees", record.id, {**record.body, **missing}, f"{who.first} {who.last}")
