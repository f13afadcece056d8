"""Documents of the systems that hire: the ATS (Greenhouse v3's shape), the check system (Checkr's) and onboarding."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from hrorch_pipelines.sandbox.company import DEPARTMENTS, employee_number
from hrorch_pipelines.sandbox.documents_hris import money
from hrorch_pipelines.sandbox.ids import (
    at,
    ats_application,
    ats_candidate,
    ats_offer,
    author,
    check_candidate,
    check_report,
    newhire,
)
from hrorch_pipelines.sandbox.life import Hiring, Life, Spell
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import Body, Row, version_of

TASKS = ("Form I-9", "Form W-4", "Direct deposit", "Handbook", "Badge photo", "Safety training")


def ats_documents(world: World, life: Life, day: date) -> Iterator[Row]:  # noqa: ARG001
    """Candidate, application and every version of the offer, until the ATS forgets them."""
    hiring, n = life.hiring, life.person.number
    if hiring is None or hiring.applied > day or (hiring.purged and hiring.purged <= day):
        return
    who = life.person
    steps = [step for step in hiring.offers if step[0] <= day]
    changed = max([hiring.applied, *(step[0] for step in steps)])
    by = author("ats", n, changed)
    candidate: Body = {
        "id": int(ats_candidate(n)),
        "first_name": who.first,
        "last_name": life.last_name(day),
        "preferred_name": who.preferred,
        "email_addresses": [{"value": who.personal_email, "type": "personal"}],
        "phone_numbers": [{"value": who.phone, "type": "mobile"}],
        "created_at": at(hiring.applied),
        "updated_at": at(changed),
    }
    application: Body = {
        "id": int(ats_application(n)),
        "candidate_id": int(ats_candidate(n)),
        "status": _application_status(steps),
        "created_at": at(hiring.applied),
        "updated_at": at(changed),
    }
    key = ats_candidate(n)
    yield "candidates", key, None, version_of(key, changed), at(changed), by, candidate
    yield "applications", ats_application(n), key, version_of("application", key, changed), at(changed), by, application
    for version in sorted({step[1] for step in steps}):
        yield _offer(life, hiring, version, [step for step in steps if step[1] == version])


def check_documents(world: World, life: Life, day: date) -> Iterator[Row]:  # noqa: ARG001
    """Candidate and report, from the order on until the check system forgets them."""
    hiring, n, who = life.hiring, life.person.number, life.person
    steps = [step for step in hiring.checks if step[0] <= day] if hiring else []
    if not hiring or not steps or (hiring.purged and hiring.purged <= day):
        return
    ordered, (changed, status, result) = steps[0][0], steps[-1]
    key, report = check_candidate(n), check_report(n)
    candidate: Body = {
        "id": key,
        "object": "candidate",
        "uri": f"/v1/candidates/{key}",
        "created_at": at(ordered),
        "first_name": who.first,
        "last_name": life.last_name(day),
        "email": who.personal_email,
        "phone": who.phone,
        "zipcode": who.postcode,
        "dob": who.born.isoformat(),
        "ssn": f"XXX-XX-{who.ssn[-4:]}",
        "report_ids": [report],
    }
    found: Body = {
        "id": report,
        "object": "report",
        "uri": f"/v1/reports/{report}",
        "candidate_id": key,
        "status": status,
        "result": result,
        "package": "clinical_standard",
        "created_at": at(ordered, 16),
        "completed_at": at(changed, 17) if result else None,
    }
    by = author("check", n, ordered)
    yield "candidates", key, None, version_of(key, ordered), at(ordered), by, candidate
    yield "reports", report, key, version_of(report, changed), at(changed, 17), "Checkr", found


def onboarding_documents(world: World, life: Life, day: date) -> Iterator[Row]:
    """A new hire and their tasks, from the HRIS record on until ninety days after the start."""
    if life.hiring is None or not life.spells:
        return
    spell, who, n = life.spells[-1], life.person, life.person.number
    if spell.entered > day or spell.start + timedelta(days=90) <= day:
        return
    steps = [spell.entered, spell.start, spell.start + timedelta(days=14)]
    done = sum(step <= day for step in steps)
    changed, key = steps[done - 1], newhire(n)
    finished = (0, 1, 3, len(TASKS))[done]
    by = author("onboarding", n, changed)
    body: Body = {
        "id": key,
        "employeeNumber": employee_number(world.people, n, spell.record),
        "firstName": who.first,
        "lastName": life.last_name(day),
        "personalEmail": who.personal_email,
        "workEmail": who.work_email if spell.start <= day else None,
        "startDate": spell.start.strftime("%m/%d/%Y"),
        "department": DEPARTMENTS[spell.jobs[0].department],
        "status": ("", "not_started", "in_progress", "completed")[done],
        "openTasks": len(TASKS) - finished,
        "updatedAt": at(changed),
        "updatedBy": by,
    }
    yield "newhires", key, None, version_of(key, changed), at(changed), by, body
    yield from _tasks(key, spell, finished, changed, by)


def _tasks(key: str, spell: Spell, finished: int, changed: date, by: str | None) -> Iterator[Row]:
    for number, name in enumerate(TASKS, start=1):
        task = f"{key}-{number}"
        body: Body = {
            "id": task,
            "newHireId": key,
            "name": name,
            "status": "done" if number <= finished else "open",
            "dueDate": (spell.start + timedelta(days=3)).strftime("%m/%d/%Y"),
            "updatedAt": at(changed),
            "updatedBy": by,
        }
        yield "tasks", task, key, version_of(task, changed), at(changed), by, body


def _application_status(steps: list[tuple[date, int, str]]) -> str:
    last = steps[-1][2] if steps else ""
    return {"accepted": "hired", "rejected": "rejected", "expired": "rejected", "rescinded": "rejected"}.get(
        last, "active"
    )


def _offer(life: Life, hiring: Hiring, version: int, steps: list[tuple[date, int, str]]) -> Row:
    n = life.person.number
    key, changed, status = ats_offer(n, version), steps[-1][0], steps[-1][2]
    sent = next((step[0] for step in steps if step[2] == "sent"), None)
    by_hour = bool(life.spells) and life.spells[-1].unit == "Hour"
    resolved = changed if status in {"accepted", "rejected", "expired", "rescinded"} else None
    body: Body = {
        "id": int(key),
        "candidate_id": int(ats_candidate(n)),
        "application_id": int(ats_application(n)),
        "version": version,
        "status": status,
        "created_at": at(steps[0][0]),
        "sent_at": at(sent) if sent else None,
        "resolved_at": at(resolved) if resolved else None,
        "updated_at": at(changed),
        "starts_on": hiring.start.isoformat(),
        "custom_fields": {
            "job_title": {"name": "Job title", "type": "short_text", "value": hiring.title},
            "department": {"name": "Department", "type": "single_select", "value": hiring.department},
            "employment_type": {
                "name": "Employment type",
                "type": "single_select",
                "value": hiring.kind.replace("Time", "time"),
            },
            "salary": {
                "name": "Salary",
                "type": "currency",
                "value": {"amount": money(hiring.cents // 2080 if by_hour else hiring.cents), "unit": "USD"},
            },
            "pay_unit": {"name": "Pay unit", "type": "single_select", "value": "Hour" if by_hour else "Year"},
        },
    }
    return "offers", key, ats_candidate(n), version_of(key, changed), at(changed), author("ats", n, changed), body
