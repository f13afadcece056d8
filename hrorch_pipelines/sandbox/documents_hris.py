"""The HRIS's documents (BambooHR's shape): employees, and the tables jobInfo, compensation and employmentStatus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from hrorch_pipelines.sandbox.company import employee_number, hris_id
from hrorch_pipelines.sandbox.ids import at, author
from hrorch_pipelines.sandbox.life import Life, Spell
from hrorch_pipelines.sandbox.people import World, person
from hrorch_pipelines.sandbox.store import Body, Row, version_of


def hris_documents(world: World, life: Life, day: date) -> Iterator[Row]:
    """What the HRIS holds of a person on a day: a record per record number, and every row entered by then."""
    records = sorted({spell.record for spell in life.spells if spell.entered <= day})
    for record in records:
        spells = [spell for spell in life.spells if spell.record == record and spell.entered <= day]
        yield _employee(world, life, spells, day)
        yield from _tables(world, life, spells, day)


def hourly(spell: Spell) -> bool:
    """Whether somebody is paid by the hour."""
    return spell.unit == "Hour"


def money(cents: int) -> str:
    """Two decimals, no thousands mark."""
    return f"{cents // 100}.{cents % 100:02d}"


def _employee(world: World, life: Life, spells: list[Spell], day: date) -> Row:
    who, spell = life.person, spells[-1]
    key = hris_id(who.number, spell.record)
    known_end = spell.end if spell.end_entered and spell.end_entered <= day else None
    job = max((row for row in spell.jobs if row.entered <= day), key=lambda row: row.on)
    rehired = any(other.record > spell.record and other.start <= day for other in life.spells)
    body: Body = {
        "id": key,
        "employeeNumber": employee_number(world.people, who.number, spell.record),
        "firstName": who.first,
        "lastName": life.last_name(day),
        "preferredName": who.preferred,
        "workEmail": who.work_email if spell.start <= day and not rehired else None,
        "homeEmail": who.personal_email,
        "mobilePhone": f"{who.phone[:2]} {who.phone[2:5]}-{who.phone[5:8]}-{who.phone[8:]}",
        "birthDate": who.born.isoformat(),
        "ssn": who.ssn,
        "address1": who.street,
        "city": who.city,
        "state": who.state,
        "zipcode": who.postcode,
        "country": "United States",
        "hireDate": spell.start.isoformat(),
        "originalHireDate": spells[0].start.isoformat(),
        "terminationDate": known_end.isoformat() if known_end else None,
        "status": "Inactive" if spell.over(day) else "Active",
        "reportsToId": hris_id(job.manager, 0) if job.manager else None,
        "fte": spell.fte,
    }
    if life.restricted:
        body |= dict.fromkeys(life.restricted)
        body["_restrictedFields"] = list(life.restricted)
    changed = _last_entry(life, spells, day)
    return "employees", key, None, version_of(key, changed), at(changed), author("hris", who.number, changed), body


def _last_entry(life: Life, spells: list[Spell], day: date) -> date:
    entries = [life.married[0]] if life.married else []
    for spell in spells:
        entries += [spell.entered, *(row.entered for row in spell.rows)]
    return max(entry for entry in entries if entry <= day)


def _tables(world: World, life: Life, spells: list[Spell], day: date) -> Iterator[Row]:
    employee, counts = (
        hris_id(life.person.number, spells[0].record),
        {"jobInfo": 0, "compensation": 0, "employmentStatus": 0},
    )

    def row(table: str, entered: date, body: Body) -> Row:
        counts[table] += 1
        key = str(life.person.number * 100 + spells[0].record * 50 + counts[table])
        by = author("hris", life.person.number, entered)
        full = {"id": key, "employeeId": employee, **body}
        return table, key, employee, version_of(table, key, entered), at(entered), by, full

    for spell in spells:
        for job in spell.jobs:
            if job.entered <= day:
                yield row(
                    "jobInfo",
                    job.entered,
                    {
                        "date": job.on.isoformat(),
                        "location": job.location,
                        "department": job.department,
                        "division": "Hospital",
                        "jobTitle": job.title,
                        "reportsTo": _name(world, job.manager) if job.manager else None,
                        "employmentType": spell.kind,
                    },
                )
        for pay in spell.pays:
            if pay.entered <= day:
                yield row("compensation", pay.entered, _pay(spell, pay.on, pay.cents, pay.reason))
        for status in spell.statuses:
            if status.entered <= day:
                yield row(
                    "employmentStatus", status.entered, {"date": status.on.isoformat(), "employmentStatus": status.word}
                )


def _pay(spell: Spell, on: date, cents: int, reason: str) -> Body:
    by_hour = hourly(spell)
    return {
        "startDate": on.isoformat(),
        "rate": {"currency": "USD", "value": money(cents // 2080 if by_hour else cents)},
        "type": "Hourly" if by_hour else "Salary",
        "exempt": "Non-exempt" if by_hour else "Exempt",
        "paidPer": "Hour" if by_hour else "Year",
        "paySchedule": "Every other week",
        "reason": reason,
        "fte": spell.fte,
    }


@lru_cache(maxsize=100_000)
def _name(world: World, n: int) -> str:
    who = person(world, n)
    return f"{who.first} {who.last}"
