"""What is true of a person on a day, in canonical words: the authority's values, and those it had and will have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from hrorch_pipelines.sandbox.company import employee_number, hris_id
from hrorch_pipelines.sandbox.documents_payroll import job_on, status_on
from hrorch_pipelines.sandbox.ids import (
    account,
    ats_candidate,
    check_candidate,
    newhire,
    payroll_employee,
)
from hrorch_pipelines.sandbox.life import Life, Role, Spell
from hrorch_pipelines.sandbox.people import QUIET, World

DISTINCTIVE = ("phone", "personal_email", "date_of_birth", "pay_amount", "start_date", "postcode", "end_date")
"""Attributes whose value can give away whose it is."""


@dataclass(frozen=True)
class Truth:
    """One person's values on a day; dates ISO, pay in cents a year. `None` is empty."""

    life: Life
    day: date
    values: dict[str, str | None]
    earlier: dict[str, frozenset[str]]
    upcoming: dict[str, frozenset[str]]

    @property
    def spell(self) -> Spell:
        """The latest spell known."""
        return [spell for spell in self.life.spells if spell.entered <= self.day][-1]

    @property
    def hris(self) -> str:
        """The id of the latest HRIS record."""
        return hris_id(self.life.person.number, self.spell.record)

    def ids(self) -> dict[str, str]:
        """System → base record id of the latest record, whether the system holds it or not."""
        n, record = self.life.person.number, self.spell.record
        return {
            "ats": ats_candidate(n),
            "hris": hris_id(n, record),
            "payroll": payroll_employee(n, record),
            "check": check_candidate(n),
            "onboarding": newhire(n),
            "directory": account(n),
        }

    def records(self) -> tuple[tuple[str, str], ...]:
        """(system, id) of everything any system may hold of this person."""
        return records_of(self.life)

    @property
    def plain(self) -> bool:
        """One record, nothing withheld: no story of its own."""
        return not self.life.restricted and len(self.life.spells) == 1

    @property
    def present(self) -> bool:
        """At work, under one record, with no end in sight."""
        working = status_on(self.spell, self.day).word in {"Full-Time", "Part-Time"}
        return self.plain and working and self.values["end_date"] is None

    @property
    def gone(self) -> bool:
        """Left for good, some while ago."""
        return self.plain and self.spell.end is not None and (self.day - self.spell.end).days > 20

    @property
    def calm(self) -> bool:
        """Present, and untouched around the day: a fault here is seen for what it is."""
        near = range(self.day.toordinal() - QUIET, self.day.toordinal() + 45)
        usual = self.life.person.role in {Role.STEADY, Role.RECENT}
        return usual and self.present and not any(one.toordinal() in near for one in self.life.dates())

    @property
    def settled(self) -> bool:
        """Calm, and known to the HRIS, payroll and directory only."""
        return self.calm and self.life.person.role is Role.STEADY

    @property
    def departed(self) -> bool:
        """Gone, and known to the HRIS, payroll and directory only."""
        return self.gone and self.life.person.role is Role.STEADY

    @property
    def newly_hired(self) -> bool:
        """Started already, in no hurry to leave, and perhaps still known to the systems that hire."""
        recent = self.life.person.role is Role.RECENT
        return recent and self.spell.start < self.day and self.spell.end is None


def records_of(life: Life) -> tuple[tuple[str, str], ...]:
    """(system, id) of everything any system may hold of somebody, candidates included."""
    n = life.person.number
    numbers = sorted({spell.record for spell in life.spells})
    once = (
        ("ats", ats_candidate(n)),
        ("check", check_candidate(n)),
        ("onboarding", newhire(n)),
        ("directory", account(n)),
    )
    return (
        *once,
        *(("hris", hris_id(n, record)) for record in numbers),
        *(("payroll", payroll_employee(n, record)) for record in numbers),
    )


def truth(world: World, life: Life, day: date) -> Truth:
    """The truth about somebody who has an HRIS record by now."""
    who, spell = life.person, [one for one in life.spells if one.entered <= day][-1]
    job = job_on(spell, day)
    pays = [pay for pay in spell.pays if pay.entered <= day]
    pay = max((row for row in pays if row.on <= day), key=lambda row: row.on)
    known_end = spell.end if spell.end_entered and spell.end_entered <= day else None
    values: dict[str, str | None] = {
        "employee_number": employee_number(world.people, who.number, spell.record),
        "legal_first_name": who.first,
        "legal_last_name": life.last_name(day),
        "preferred_name": who.preferred,
        "personal_email": who.personal_email,
        "phone": who.phone,
        "date_of_birth": who.born.isoformat(),
        "postcode": who.postcode,
        "job_title": job.title,
        "department": job.department,
        "manager": str(job.manager) if job.manager else None,
        "start_date": spell.start.isoformat(),
        "end_date": known_end.isoformat() if known_end else None,
        "pay_amount": str(pay.cents),
    }
    rows = [row for row in spell.jobs if row.entered <= day]
    columns = {"job_title": "title", "department": "department"}
    earlier = {
        name: frozenset(getattr(row, column) for row in rows if row.on <= day) for name, column in columns.items()
    }
    later = {name: frozenset(getattr(row, column) for row in rows if row.on > day) for name, column in columns.items()}
    earlier["pay_amount"] = frozenset(str(row.cents) for row in pays if row.on <= day)
    later["pay_amount"] = frozenset(str(row.cents) for row in pays if row.on > day)
    for found in (earlier, later):
        for name in found:
            found[name] -= {str(values[name])}
    return Truth(life, day, values, earlier, later)


def holders(truths: Iterable[Truth]) -> dict[str, Counter[str]]:
    """Attribute → value → how many persons have it now."""
    found: dict[str, Counter[str]] = {name: Counter() for name in DISTINCTIVE}
    for one in truths:
        for name, counter in found.items():
            if (value := one.values[name]) is not None:
                counter[value] += 1
    return found
