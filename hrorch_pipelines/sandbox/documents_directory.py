"""The directory's documents: SCIM 2.0 users with the enterprise extension (RFC 7643), one account per person.

`userType` says when an employee is on leave, this company's habit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from hrorch_pipelines.sandbox.company import employee_number
from hrorch_pipelines.sandbox.documents_payroll import job_on, status_on
from hrorch_pipelines.sandbox.ids import account, at, author
from hrorch_pipelines.sandbox.life import Life
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import Body, Row, version_of

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def directory_documents(world: World, life: Life, day: date) -> Iterator[Row]:
    """The account of a person on a day; it is opened on the first working day and stays, inactive, after the last."""
    day -= timedelta(days=life.copies_lag)
    spells = [spell for spell in life.spells if spell.start <= day]
    if not spells:
        return
    who, spell = life.person, spells[-1]
    key, job, status = account(who.number), job_on(spell, day), status_on(spell, day).word
    days = [row.on for one in spells for row in one.rows] + [one.start for one in spells]
    days += [life.married[0]] if life.married else []
    changed = max(one for one in days if one <= day)
    last = life.last_name(day)
    enterprise: Body = {
        "employeeNumber": employee_number(world.people, who.number, spell.record),
        "department": job.department,
    }
    if job.manager:
        enterprise["manager"] = {"value": account(job.manager)}
    body: Body = {
        "schemas": [USER, ENTERPRISE],
        "id": key,
        "externalId": f"person-{who.number}",
        "userName": who.work_email,
        "name": {"givenName": who.first, "familyName": last, "formatted": f"{who.first} {last}"},
        "displayName": f"{who.preferred or who.first} {last}",
        "title": job.title,
        "active": status != "Terminated",
        "userType": _type(status),
        "emails": [{"value": who.work_email, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": who.phone, "type": "mobile"}],
        ENTERPRISE: enterprise,
        "meta": {
            "resourceType": "User",
            "created": at(spells[0].start),
            "lastModified": at(changed),
            "version": f'W/"{version_of(key, changed)}"',
        },
    }
    if who.preferred:
        body["nickName"] = who.preferred
    yield "users", key, None, version_of(key, changed), at(changed), author("directory", who.number, changed), body


def _type(status: str) -> str:
    return {"Contractor": "Contractor", "Leave of Absence": "Leave"}.get(status, "Employee")
