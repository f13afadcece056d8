"""Payroll's documents (Gusto's shape): employees with their jobs and compensations inside, each with a version.

Two fields are this company's own: `on_leave`, and `department` as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from hrorch_pipelines.sandbox.company import employee_number, token, uuid_of
from hrorch_pipelines.sandbox.documents_hris import hourly, money
from hrorch_pipelines.sandbox.ids import at, author, payroll_employee
from hrorch_pipelines.sandbox.life import Job, Life, Spell, Status
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import Body, Row

PER_YEAR = {"Hour": 2080, "Week": 52, "Paycheck": 26, "Month": 12, "Year": 1}
"""Payment unit → how many make a year."""


def payroll_documents(world: World, life: Life, day: date) -> Iterator[Row]:
    """What payroll holds of a person on a day: an employee per HRIS record, from the first working day on."""
    day -= timedelta(days=max(life.payroll_lag, life.copies_lag))
    for record in sorted({spell.record for spell in life.spells if spell.start <= day}):
        spells = [spell for spell in life.spells if spell.record == record and spell.start <= day]
        yield _employee(world, life, spells[-1], day)


def job_on(spell: Spell, day: date) -> Job:
    """The job row that counts on a day."""
    return max((row for row in spell.jobs if row.on <= day), key=lambda row: row.on)


def status_on(spell: Spell, day: date) -> Status:
    """The status row that counts on a day."""
    return max((row for row in spell.statuses if row.on <= day), key=lambda row: row.on)


def _employee(world: World, life: Life, spell: Spell, day: date) -> Row:
    who = life.person
    key = payroll_employee(who.number, spell.record)
    job = job_on(spell, day)
    rehired = any(other.record > spell.record and other.start <= day for other in life.spells)
    ended = spell.end if spell.end_entered and spell.end_entered <= day else None
    changed = _last_change(life, spell, day)
    body: Body = {
        "uuid": key,
        "version": token(key, changed.toordinal()),
        "first_name": who.first,
        "last_name": life.last_name(day),
        "preferred_first_name": who.preferred,
        "work_email": None if rehired else who.work_email,
        "email": who.personal_email,
        "phone": who.phone,
        "date_of_birth": who.born.isoformat(),
        "ssn": "",
        "has_ssn": True,
        "employee_code": employee_number(world.people, who.number, spell.record),
        "terminated": spell.over(day),
        "onboarded": True,
        "on_leave": status_on(spell, day).word == "Leave of Absence",
        "department": job.department,
        "manager_uuid": payroll_employee(job.manager, 0) if job.manager else None,
        "current_home_address": {
            "street_1": who.street, "city": who.city, "state": who.state, "zip": who.postcode, "country": "USA",
        },
        "jobs": [_job(spell, key, job, day)],
        "terminations": [
            {"uuid": uuid_of("termination", key, ended), "effective_date": ended.isoformat(), "active": spell.over(day)}
        ]
        if ended
        else [],
    }  # fmt: skip
    return "employees", key, None, str(body["version"]), at(changed), author("payroll", who.number, changed), body


def _job(spell: Spell, employee: str, job: Job, day: date) -> Body:
    key = uuid_of("job", employee)
    exempt = "Nonexempt" if hourly(spell) else "Exempt"
    compensations = [
        {
            "uuid": (own := uuid_of("compensation", employee, pay.on)),
            "version": token(own),
            "job_uuid": key,
            "rate": money(pay.cents // PER_YEAR[spell.unit]),
            "payment_unit": spell.unit,
            "flsa_status": exempt,
            "effective_date": max(pay.on, spell.start).isoformat(),
        }
        for pay in spell.pays
        if pay.on <= day
    ]
    current = compensations[-1]
    return {
        "uuid": key,
        "version": token(key, job.on, current["uuid"]),
        "employee_uuid": employee,
        "primary": True,
        "title": job.title,
        "hire_date": spell.start.isoformat(),
        "rate": current["rate"],
        "payment_unit": spell.unit,
        "current_compensation_uuid": current["uuid"],
        "compensations": compensations,
    }


def _last_change(life: Life, spell: Spell, day: date) -> date:
    days = [spell.start, *(row.on for row in spell.rows)]
    days += [life.married[0]] if life.married else []
    days += [spell.end_entered] if spell.end_entered else []
    return max(one for one in days if one <= day)
